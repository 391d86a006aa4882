#pragma once

#include <array>
#include <optional>

#include "forecast/series.hpp"

namespace tidelimit::forecast {

/// The five forecasts that need no model; all in requests per horizon.
enum class Naive : std::uint8_t {
  last_hour,            ///< the last horizon again
  yesterday,            ///< the same hours yesterday
  week_ago,             ///< the same hours a week ago
  slot_mean,            ///< mean of the same hours of the last four weeks (those that are known)
  last_plus_yesterday,  ///< the last horizon plus yesterday's change over the same hours
};
inline constexpr std::size_t kNaiveRules = 5;
[[nodiscard]] const char* to_string(Naive rule);

/// Each rule at `origin`, by Naive's order; empty where its past does not exist.
[[nodiscard]] std::array<std::optional<double>, kNaiveRules> naive_forecasts(const Series& series,
                                                                             std::size_t origin);

/// The rule with the smallest mean absolute error over the horizons that ended within the last
/// week, among those that can forecast at `origin` and were judged on at least a day (else
/// last_hour).
[[nodiscard]] Naive best_naive(const Series& series, std::size_t origin);

/// Median of the horizons at the same hours and next to these on the last 28 days; empty until the
/// third day. Of rare clumps, which no copy of an earlier hour meets, it makes the 0 that is nearly
/// always right.
[[nodiscard]] std::optional<double> typical(const Series& series, std::size_t origin);

/// Mean of the same hours of up to `days` days before `origin`; empty under one day.
[[nodiscard]] std::optional<double> seasonal_mean(const Series& series, std::size_t origin,
                                                  std::size_t days);

}  // namespace tidelimit::forecast
