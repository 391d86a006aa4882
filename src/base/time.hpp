#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"

namespace tidelimit {

using Nanos = std::chrono::nanoseconds;

/// A point on the monotonic scale of one process (or one replay). It starts near zero and never
/// follows the wall clock, so a jump of the wall clock neither opens nor shuts the gate.
struct Instant {
  Nanos since_start{0};

  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Nanos d) const { return {since_start + d}; }
  constexpr Instant operator-(Nanos d) const { return {since_start - d}; }
  constexpr Nanos operator-(Instant other) const { return since_start - other.since_start; }
};

/// Time of day for people, logs and windows: nanoseconds since the Unix epoch, UTC.
using WallTime = std::chrono::sys_time<Nanos>;

/// Both readings of one moment, taken together at the rim and handed inwards. Nothing below
/// `serve/` reads a clock.
struct Now {
  Instant mono;
  WallTime wall;
};

/// "15m", "24h", "400d", "90s", "500ms", "1h30m". Positive; a bare number has no unit and is
/// refused.
[[nodiscard]] Result<Nanos> parse_duration(std::string_view text);

/// The shortest exact form that parse_duration reads: "15m", "1h30m", "250ms".
[[nodiscard]] std::string format_duration(Nanos duration);

/// RFC 3339 ("2026-11-24T10:00:00Z", offsets and fractions allowed, a space for the T, a missing
/// zone means UTC), a date alone, or Unix seconds with an optional fraction.
[[nodiscard]] Result<WallTime> parse_time(std::string_view text);

/// RFC 3339 in UTC with as many digits of the second as are needed (none, 3, 6 or 9):
/// "2026-11-24T10:00:00Z".
[[nodiscard]] std::string format_time(WallTime time);

/// Unix seconds as a double, for JSON and plots.
[[nodiscard]] constexpr double unix_seconds(WallTime time) {
  return static_cast<double>(time.time_since_epoch().count()) * 1e-9;
}

/// The start of the window of length `step` that holds `time`, on a grid anchored at the Unix
/// epoch. step > 0.
[[nodiscard]] constexpr WallTime floor_to(WallTime time, Nanos step) {
  const auto ticks = time.time_since_epoch().count();
  const auto width = step.count();
  const auto index = ticks >= 0 ? ticks / width : -((-ticks + width - 1) / width);
  return WallTime{Nanos{index * width}};
}

}  // namespace tidelimit
