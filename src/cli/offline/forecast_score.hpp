#pragma once

#include <array>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "forecast/forecaster.hpp"
#include "ingest/synthetic/rates.hpp"
#include "model/bundle.hpp"
#include "traffic/window.hpp"

namespace tidelimit::cli {

/// One scored origin, for the report.
struct ScoredForecast {
  WallTime made_at{};
  double actual = 0;
  double low = 0;  ///< 5 % quantile
  double median = 0;
  double high = 0;  ///< 95 % quantile
};

/// The mean absolute error of a forecast that needs no model. It is scored where its past was
/// observed, which need not be everywhere.
struct ReferenceScore {
  double mae = std::numeric_limits<double>::quiet_NaN();  ///< NaN: nowhere
  std::uint64_t origins = 0;
};

/// How well one endpoint was forecast; errors in requests per horizon.
struct EndpointScore {
  std::string endpoint;
  std::uint64_t origins = 0;
  double mean = 0;  ///< of what came
  double mae = 0;
  ReferenceScore seasonal_naive;  ///< the same hours a day before
  ReferenceScore last_value;      ///< the last horizon again
  double pinball = 0;             ///< mean over the quantile levels
  double coverage_90 = 0;         ///< share that came between the 5 % and the 95 % quantile
  double coverage_80 = 0;         ///< the same between the 10 % and the 90 % quantile
  std::array<std::uint64_t, forecast::kSources.size()> sources{};  ///< forecasts of each, in order
  std::uint64_t fallbacks = 0;  ///< origins that the network could not forecast
  std::uint64_t guarded = 0;    ///< origins at which a simple rule spoke instead: it was closer
  std::string fallback_note;    ///< why, of the last one
  std::vector<ScoredForecast> points;
};

struct ForecastScore {
  double mae = std::numeric_limits<double>::quiet_NaN();  ///< mean over endpoints
  WallTime from{};                                        ///< the first origin that was scored,
  WallTime until{};                                       ///< and the last
  Nanos horizon{};
  std::vector<EndpointScore> endpoints;  ///< empty: nothing could be scored,
  std::string note;                      ///< for this reason
  std::vector<std::string> notes;        ///< what was left out of the score, for people
  std::vector<synthetic::Floor> floors;  ///< of the same origins; empty without true rates
};

/// Scores forecasts of the bundle's endpoints at every origin after its training range whose
/// horizon is known; all earlier windows are history, and those of training that the bundle keeps
/// (forecast/past.hpp) where the grid begins after them. Errors: no such origin, none of the
/// endpoints.
[[nodiscard]] Result<ForecastScore> score_forecasts(const model::Bundle& bundle,
                                                    const traffic::WindowGrid& grid,
                                                    const forecast::Shape& shape);

/// The mean over endpoints of one figure, and of a reference over those that have one; NaN for
/// none.
[[nodiscard]] double mean_over(const std::vector<EndpointScore>& scores,
                               double EndpointScore::*figure);
[[nodiscard]] double mean_over(const std::vector<EndpointScore>& scores,
                               ReferenceScore EndpointScore::*reference);

}  // namespace tidelimit::cli
