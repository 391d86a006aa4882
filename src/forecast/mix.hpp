#pragma once

#include <array>
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

/// Convex weights of members with a small discounted absolute error of the mix over the record's
/// rows [first, last), found by exponentiated gradient (Kivinen and Warmuth 1997) in a fixed number
/// of rounds that start at `prior`: little evidence moves them little. The newest row weighs 1, one
/// `half_life` rows older 1/2.
[[nodiscard]] std::vector<double> mix_weights(const Record& record, std::size_t first,
                                              std::size_t last, std::span<const double> prior,
                                              double half_life);

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
