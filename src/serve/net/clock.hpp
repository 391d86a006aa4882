#pragma once

#include <chrono>
#include <optional>

#include "base/time.hpp"

namespace tidelimit::serve {

/// The process's clock: one start for every thread, so that all of them speak of the same Instant.
/// The monotonic reading comes from the kernel's monotonic clock and never follows the wall clock.
class Clock {
 public:
  Clock() : start_(std::chrono::steady_clock::now()) {}
  /// A clock for demonstrations: it begins at `wall` and runs `speed` times as fast as real time.
  Clock(WallTime wall, int speed)
      : start_(std::chrono::steady_clock::now()), speed_(speed), wall_start_(wall) {}

  [[nodiscard]] Now now() const {
    const Instant instant = mono();
    if (wall_start_) return {instant, *wall_start_ + instant.since_start};
    return {instant, std::chrono::time_point_cast<Nanos>(std::chrono::system_clock::now())};
  }
  [[nodiscard]] Instant mono() const {
    return {(std::chrono::steady_clock::now() - start_) * speed_};
  }
  /// How long a thread must really wait for `duration` of this clock to pass.
  [[nodiscard]] Nanos real(Nanos duration) const { return duration / speed_; }

 private:
  std::chrono::steady_clock::time_point start_;
  int speed_ = 1;
  std::optional<WallTime> wall_start_;
};

}  // namespace tidelimit::serve
