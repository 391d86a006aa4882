#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "forecast/mix.hpp"
#include "forecast/series.hpp"

namespace tidelimit::forecast {

/// Residuals older than this say nothing of the next one.
inline constexpr std::size_t kCalibratedDays = 28;
/// Misses of so many last days move the levels.
inline constexpr std::size_t kAdaptedDays = 7;

/// What one source's forecasts missed by, and what that says of its next forecast. Residuals are in
/// units of spread(). Quantiles are those of recent residuals, newer ones weighing more (weighted
/// conformal prediction: Barber, Candes, Ramdas and Tibshirani 2023), taken at levels that move:
/// each miss on one side widens that side, each hit narrows it a little (adaptive conformal
/// inference: Gibbs and Candes 2021). So intervals cover what they promise again soon after traffic
/// has changed. Both count as if the next residual were one of the n known: the ceil((n + 1)
/// level)-th of n (split conformal prediction: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman
/// 2018), with n the effective size of the weighted sample (Kish 1965); without it a short history
/// covers too little. Pure: the answer at an origin depends on the residuals of kCalibratedDays +
/// kAdaptedDays before it alone, and knows only those whose horizon had passed.
class Intervals {
 public:
  /// `prior`: residuals that stand in until there are enough. at() is asked for origins from
  /// `asked_from` on: what only earlier ones would need is not worked out. Misses before
  /// `adapts_from` move no level: who forecast these had seen what came.
  Intervals(const Spans& spans, std::span<const double> prior, std::size_t asked_from = 0,
            std::size_t adapts_from = 0);

  /// What was missed by the forecast made at `origin`; in ascending order of origins, multiples of
  /// the horizon.
  void add(std::size_t origin, double residual);
  /// Residual quantiles at kQuantiles for a forecast at `origin`, ascending.
  [[nodiscard]] std::array<double, kQuantiles.size()> at(std::size_t origin) const;
  /// Drops what no later origin than `origin` reads.
  void forget_before(std::size_t origin);

 private:
  struct Past {
    std::size_t origin;
    std::size_t number;  ///< origin in horizons
    double residual;
    double rank;  ///< share of the weight of what was known at `origin` that lies below, 0..1;
                  ///< 0 where nobody asks
    double size;  ///< effective, of what was known then
  };
  /// What is known at an origin, newer ones weighing more, the prior's first.
  [[nodiscard]] std::vector<Residual> sample_at(std::size_t origin) const;
  /// Of what was forecast in horizon `then`, now that it is horizon `now`.
  [[nodiscard]] double weight(std::size_t then, std::size_t now) const;
  [[nodiscard]] std::array<double, kQuantiles.size()> levels_at(std::size_t origin) const;
  /// The part of past_ that a forecast at `origin` knows.
  [[nodiscard]] std::span<const Past> known_at(std::size_t origin, std::size_t days) const;

  Spans spans_;
  std::size_t asked_from_;
  std::size_t adapts_from_;
  std::vector<double> prior_;
  std::vector<double> weights_;  ///< by age in horizons
  std::vector<Past> past_;
};

}  // namespace tidelimit::forecast
