#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "forecast/forecaster.hpp"

namespace tidelimit::forecast {

/// Past forecasts of all members and what came: the judge's record. Rows in time order.
struct Record {
  std::size_t members = 0;
  std::vector<double> forecasts;  ///< [rows, members]
  std::vector<double> truths;     ///< [rows]

  [[nodiscard]] std::size_t rows() const { return truths.size(); }
};

/// 0 where the forecast was right, towards 1 the more it was off, by whatever factor: no single
/// hour decides, were it the one of a jump. Errors below three hundredths of the level are no
/// matter.
[[nodiscard]] inline double relative_error(double forecast, double truth, double level) {
  return std::fabs(forecast - truth) / (forecast + truth + 0.03 * level);
}

/// Convex weights of members with a small absolute error of the mix over the record, found by
/// exponentiated gradient (Kivinen and Warmuth 1997) in a fixed number of rounds that start at
/// `prior`: little evidence moves them little.
[[nodiscard]] std::vector<double> mix_weights(const Record& record, std::span<const double> prior);

/// Weights of members for the next forecast: the prior's, each times (least loss / own loss)^5. A
/// loss is the mean relative_error over the record, in units of the level; the newest row, the
/// last, weighs most (half-life 8 rows). Where a member was 1.6 times as far off as the closest one
/// in the last rows (half-life 2), the power is 15 beyond that: a level that shifted changes the
/// speaker as soon as one horizon of it is over. (Weights by inverse past errors: Bates and Granger
/// 1969; discounted: Stock and Watson 2004.) The first rows of a record move the prior little.
[[nodiscard]] std::vector<double> recent_weights(const Record& record,
                                                 std::span<const double> prior);

/// A residual in units of its forecast's expected spread, with a weight.
struct Residual {
  double value = 0;
  double weight = 0;
};

/// Weighted quantiles of residuals at `levels` (ascending, 0 to 1: least and greatest). Needs at
/// least one positive weight. Reorders `residuals`.
[[nodiscard]] std::array<double, kQuantiles.size()> residual_quantiles(
    std::vector<Residual>& residuals,
    const std::array<double, kQuantiles.size()>& levels = kQuantiles);

}  // namespace tidelimit::forecast
