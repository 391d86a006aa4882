#pragma once

#include <string>
#include <vector>

namespace tidelimit::cli::report {

struct Tick {
  double at = 0;
  std::string label;
};

/// Round steps (1, 2 or 5 times a power of ten) from 0 or below to at least `high`; the last tick
/// is the top of the axis. About `wanted` of them.
[[nodiscard]] std::vector<Tick> number_ticks(double high, int wanted);

/// Round moments (UTC) between two Unix times, about `wanted` of them: "10:15", or "24 Nov" at
/// midnight.
[[nodiscard]] std::vector<Tick> time_ticks(double from, double until, int wanted);

/// A number as short as an axis needs: 0.25, 80, 1,500, "12 k", "3.4 M".
[[nodiscard]] std::string short_number(double number);

/// "24 Nov 10:15:30" (UTC); the seconds only where there are any.
[[nodiscard]] std::string short_time(double unix_seconds);

}  // namespace tidelimit::cli::report
