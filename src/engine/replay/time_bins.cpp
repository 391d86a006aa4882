#include "engine/replay/time_bins.hpp"

#include <utility>

namespace tidelimit::engine {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

/// Each is a whole multiple of the one before.
Nanos next_step(Nanos step) {
  constexpr std::array<Nanos, 10> steps{seconds{10}, seconds{30}, minutes{1}, minutes{5},
                                        minutes{15}, minutes{30}, hours{1},   hours{3},
                                        hours{6},    hours{24}};
  for (const Nanos candidate : steps) {
    if (candidate > step) return candidate;
  }
  return step * 2;
}

}  // namespace

void TimeBins::advance(WallTime time) {
  if (rows_.empty()) start_ = floor_to(time, step_);
  Nanos step = step_;
  while ((time - floor_to(start_, step)) / step >= static_cast<Nanos::rep>(kBinsMax)) {
    step = next_step(step);
  }
  if (step != step_) widen(step);
  const auto bin = static_cast<std::size_t>((time - start_) / step_);
  rows_.resize((bin + 1) * endpoints_);
  row_ = &rows_[bin * endpoints_];
  bin_end_ = start_ + step_ * static_cast<Nanos::rep>(bin + 1);
}

void TimeBins::widen(Nanos step) {
  const WallTime start = floor_to(start_, step);
  std::vector<Counts> wider;
  for (std::size_t bin = 0; bin < bins(); ++bin) {
    const WallTime time = start_ + step_ * static_cast<Nanos::rep>(bin);
    const auto target = static_cast<std::size_t>((time - start) / step);
    if (wider.size() < (target + 1) * endpoints_) wider.resize((target + 1) * endpoints_);
    for (std::size_t e = 0; e < endpoints_; ++e) {
      for (std::size_t r = 0; r < limiter::kReasons; ++r) {
        wider[target * endpoints_ + e][r] += at(bin, e)[r];
      }
    }
  }
  rows_ = std::move(wider);
  start_ = start;
  step_ = step;
}

}  // namespace tidelimit::engine
