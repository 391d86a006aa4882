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
  /// A clock for rehearsals: the wall clock begins at `wall` and runs `pace` times as fast as real
  /// time, while the monotonic reading stays real.
  [[nodiscard]] static Clock rehearsal(WallTime wall, int pace) {
    Clock clock(wall, 1);
    clock.pace_ = pace;
    return clock;
  }

  [[nodiscard]] Now now() const {
    const Instant instant = mono();
    if (wall_start_) return {instant, *wall_start_ + instant.since_start * pace_};
    return {instant, std::chrono::time_point_cast<Nanos>(std::chrono::system_clock::now())};
  }
  [[nodiscard]] Instant mono() const {
    return {(std::chrono::steady_clock::now() - start_) * speed_};
  }
  /// How long a thread must really wait for `duration` of this clock to pass.
  [[nodiscard]] Nanos real(Nanos duration) const { return duration / speed_; }
  /// The same for a duration of the wall clock.
  [[nodiscard]] Nanos real_wall(Nanos duration) const { return real(duration) / pace_; }
  /// How fast the wall clock runs, measured by the monotonic one.
  [[nodiscard]] int pace() const { return pace_; }

 private:
  std::chrono::steady_clock::time_point start_;
  int speed_ = 1;
  int pace_ = 1;
  std::optional<WallTime> wall_start_;
};

}  // namespace tidelimit::serve
