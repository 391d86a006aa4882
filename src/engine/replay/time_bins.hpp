#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/time.hpp"
#include "limiter/decision.hpp"

namespace tidelimit::engine {

/// Decisions counted by time, endpoint and reason, in at most kBinsMax bins: when a log outgrows
/// them, bins grow to the next round step (10 s, 30 s, 1 min, 5 min, 15 min, ... a day, then twice
/// as long each time). Times never go back. One thread.
class TimeBins {
 public:
  static constexpr std::size_t kBinsMax = 960;
  using Counts = std::array<std::uint32_t, limiter::kReasons>;

  explicit TimeBins(std::size_t endpoints) : endpoints_(endpoints) {}

  void add(WallTime time, std::size_t endpoint, limiter::Reason reason) {
    if (time >= bin_end_) advance(time);
    ++row_[endpoint][static_cast<std::size_t>(reason)];
  }

  [[nodiscard]] WallTime start() const { return start_; }
  [[nodiscard]] Nanos step() const { return step_; }
  [[nodiscard]] std::size_t bins() const { return endpoints_ == 0 ? 0 : rows_.size() / endpoints_; }
  [[nodiscard]] const Counts& at(std::size_t bin, std::size_t endpoint) const {
    return rows_[bin * endpoints_ + endpoint];
  }

 private:
  void advance(WallTime time);
  void widen(Nanos step);

  std::size_t endpoints_;
  Nanos step_{std::chrono::seconds{10}};
  WallTime start_{};
  WallTime bin_end_{WallTime::min()};
  std::vector<Counts> rows_;  // [bin][endpoint]
  Counts* row_ = nullptr;     // of the running bin
};

}  // namespace tidelimit::engine
