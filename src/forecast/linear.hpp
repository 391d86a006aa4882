#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "forecast/series.hpp"

namespace tidelimit::forecast {

/// Features of the linear members at one origin: sums of past horizons and their means over days
/// and weeks, in units of series.scale(origin), and the calendar. Lags that reach before the first
/// window take the nearest mean that exists.
inline constexpr std::size_t kLagFeatures = 42;
inline constexpr std::size_t kCalendarFeatures = 9;  ///< 1; sin, cos of 1..3 a day and 1 a week
inline constexpr std::size_t kLinearFeatures = kLagFeatures + kCalendarFeatures;

/// Plain: target and lags as they are (additive changes). Log: their logarithms (ratios).
enum class Space : std::uint8_t { plain, log };

/// Rows of features for origins [from, to) of one endpoint, [to - from, kLinearFeatures], with the
/// scale and, where the horizon is known, the target of each. Both spaces from one reading.
class LinearRows {
 public:
  LinearRows(const Series& series, WallTime start, Nanos step, std::size_t from, std::size_t to);

  [[nodiscard]] std::size_t from() const { return from_; }
  [[nodiscard]] std::size_t to() const { return to_; }
  [[nodiscard]] double scale(std::size_t origin) const { return scale_[origin - from_]; }
  void features(std::size_t origin, Space space, std::span<double> out) const;

 private:
  std::size_t from_;
  std::size_t to_;
  std::vector<float> rows_;  // plain space
  std::vector<double> scale_;
};

/// Into the space in which a linear member works, and back; both in units of the scale.
[[nodiscard]] double to_space(double ratio, Space space);
[[nodiscard]] double from_space(double value, Space space);

using Coefficients = std::vector<double>;  ///< kLinearFeatures numbers

/// How a linear member learns as it goes.
struct LinearSettings {
  Space space = Space::plain;
  double half_life_days = 30;  ///< weight of a row halves in this time
  double prior_rows = 30;      ///< how many rows the shared coefficients weigh
};

/// Forecasts of one endpoint for each origin of `rows`, in requests per horizon. At every origin
/// the coefficients are those that fit the horizons complete by then: ridge towards `prior`, rows
/// reweighted by 1/|residual| so that the fit follows the median (iteratively reweighted least
/// squares, Schlossmacher 1973). Nothing after an origin influences its forecast.
[[nodiscard]] std::vector<double> online_linear(const Series& series, const LinearRows& rows,
                                                const Coefficients& prior,
                                                const LinearSettings& settings);

/// Coefficients that fit all complete, observed horizons of all rows at once: the prior of
/// online_linear for endpoints whose own history is short. `shrink_to` holds where rows say little.
[[nodiscard]] Coefficients fit_shared(std::span<const Series* const> series,
                                      std::span<const LinearRows> rows, Space space);

/// The coefficients that know nothing but a rule: last horizon and yesterday's change, damped.
[[nodiscard]] Coefficients naive_coefficients();

}  // namespace tidelimit::forecast
