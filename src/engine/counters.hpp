#pragma once

#include <algorithm>
#include <cstdint>

#include "engine/status.hpp"
#include "engine/tally.hpp"

namespace tidelimit::engine {

/// All zero, for these names.
[[nodiscard]] CountersView empty_counters(std::vector<std::string> endpoints,
                                          std::vector<std::string> tiers);
[[nodiscard]] CountersView counters_of(const Tally& tally);

/// Adds what has the same names; other endpoints join `to` when `grow` says so, else they are left
/// out. Tiers never change while a gate runs.
void add_counters(CountersView& to, const CountersView& from, bool grow);

/// What a count has grown by; 0 where it is less than before.
[[nodiscard]] inline double increase(std::uint64_t now, std::uint64_t before) {
  return static_cast<double>(now - std::min(now, before));
}

}  // namespace tidelimit::engine
