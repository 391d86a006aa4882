#pragma once

#include <algorithm>
#include <chrono>
#include <sys/resource.h>

namespace tidelimit::bench {

/// How much of `amount` a second one round does, the best of some rounds: what disturbs a round
/// only ever slows it.
template <class Round>
[[nodiscard]] double best_rate(double amount, Round&& round) {
  constexpr int kRounds = 3;
  double best = 0;
  for (int i = 0; i < kRounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    round();
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    best = std::max(best, amount / spent.count());
  }
  return best;
}

/// The most memory that this process has had so far.
[[nodiscard]] inline double peak_megabytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;  // Linux counts in KiB
}

}  // namespace tidelimit::bench
