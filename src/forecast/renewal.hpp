#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>

#include "forecast/forecaster.hpp"

namespace tidelimit::forecast {

/// The grid without endpoints that had no traffic, and without an `other` that is next to nothing.
[[nodiscard]] traffic::WindowGrid worth_forecasting(const traffic::WindowGrid& grid);

/// A renewed model's error must be smaller than that of the running one by so much: a tie changes
/// nothing.
inline constexpr double kWorthwhile = 0.02;

/// A shorter history can never judge a renewed model: its newest fifth must hold a day and a
/// horizon.
[[nodiscard]] constexpr Nanos least_history(Nanos horizon) {
  return 5 * (std::chrono::hours{24} + horizon);
}

/// A model trained anew, and how both did on windows that neither was trained on.
struct Renewal {
  std::shared_ptr<const ForecastModel> model;
  WallTime trained_from{};
  WallTime trained_until{};   ///< the held-out windows begin here
  double fresh_error = 0;     ///< mean absolute error in requests per horizon, mean over endpoints
  double running_error = 0;   ///< of the running model; without one, of the simple rules
  std::size_t forecasts = 0;  ///< that were judged

  [[nodiscard]] bool better() const { return fresh_error < running_error * (1 - kWorthwhile); }
};

/// Trains on all but the newest windows of `grid` and judges the outcome and `running` (null: none)
/// on those: forecasts as they would have been published, guard included. The held-out windows
/// begin no earlier than `running_until`, the end of what the running model was trained on, since
/// it knows what lies before. Errors: too little history to train on or to judge by (says how
/// much), no traffic at all. Equal arguments give equal outcomes.
[[nodiscard]] Result<Renewal> renew(const traffic::WindowGrid& grid, const ForecastModel* running,
                                    WallTime running_until, const TrainOptions& how);

/// A model has drifted when its recent error is so many times that of its training.
inline constexpr double kDrift = 2;

/// The recent error of the model alone over its error in training, mean over the endpoints that the
/// guard judges in `live`; infinity where it forecasts what is not a number; empty: none is.
[[nodiscard]] std::optional<double> error_growth(const ForecastModel& model,
                                                 std::span<const EndpointForecast> live);

}  // namespace tidelimit::forecast
