#pragma once

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <vector>

#include "limiter/gcra.hpp"

namespace tidelimit::limiter {

/// A call that passed, at the time its caller read.
struct Passed {
  Nanos at;
  std::uint64_t key;
  Hits hits;
};

/// Whether in every interval L of the times read each key passed at most burst + L/T: one walk of a
/// level that each pass raises by hits * T and that drains with time.
[[nodiscard]] inline bool within_bound(std::vector<Passed> passes, const Limit& limit) {
  std::stable_sort(passes.begin(), passes.end(), [](const Passed& a, const Passed& b) {
    return std::tie(a.key, a.at) < std::tie(b.key, b.at);
  });
  Nanos level{0};
  for (std::size_t i = 0; i < passes.size(); ++i) {
    const bool first = i == 0 || passes[i].key != passes[i - 1].key;
    level = first ? Nanos{0} : std::max(level - (passes[i].at - passes[i - 1].at), Nanos{0});
    level += limit.emission_interval * passes[i].hits;
    if (level > limit.tolerance()) return false;
  }
  return true;
}

}  // namespace tidelimit::limiter
