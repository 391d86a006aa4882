#include "cli/offline/forecast_score.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "forecast/model.hpp"
#include "forecast/naive.hpp"
#include "forecast/past.hpp"
#include "forecast/series.hpp"

namespace tidelimit::cli {
namespace {

using forecast::kQuantiles;

/// The rows of the grid that the bundle was trained on, in its order.
Result<traffic::WindowGrid> trained_part(const model::Bundle& bundle,
                                         const traffic::WindowGrid& grid) {
  traffic::WindowGrid part{grid.start, grid.step, {}, {}};
  for (const std::string& name : bundle.manifest.endpoints) {
    const auto found = std::find(grid.endpoints.begin(), grid.endpoints.end(), name);
    if (found == grid.endpoints.end()) continue;
    part.endpoints.push_back(name);
    part.stats.push_back(grid.stats[static_cast<std::size_t>(found - grid.endpoints.begin())]);
  }
  if (part.endpoints.empty()) {
    return fail(
        Code::failed_precondition,
        fmt::format("none of the bundle's endpoints ({}) is in the input ({})",
                    fmt::join(bundle.manifest.endpoints, ", "), fmt::join(grid.endpoints, ", ")));
  }
  const auto silent = [](const std::vector<traffic::WindowStats>& windows) {
    return std::all_of(windows.begin(), windows.end(),
                       [](const traffic::WindowStats& one) { return one.requests <= 0; });
  };
  if (std::all_of(part.stats.begin(), part.stats.end(), silent)) {
    return fail(Code::failed_precondition,
                fmt::format("no request in the input belongs to the bundle's endpoints ({}): name "
                            "them with --config, as the bundle was trained with them",
                            fmt::join(part.endpoints, ", ")));
  }
  return part;
}

std::vector<std::size_t> origins_after(WallTime trained_until, const traffic::WindowGrid& grid,
                                       std::size_t horizon) {
  std::vector<std::size_t> origins;
  for (std::size_t i = 1; i + horizon <= grid.size(); ++i) {
    if (grid.time_of(i) >= trained_until) origins.push_back(i);
  }
  return origins;
}

double pinball(const forecast::EndpointForecast& forecast, double actual) {
  double sum = 0;
  for (std::size_t q = 0; q < kQuantiles.size(); ++q) {
    const double off = actual - forecast.quantiles[q];
    sum += std::max(kQuantiles[q] * off, (kQuantiles[q] - 1) * off);
  }
  return sum / static_cast<double>(kQuantiles.size());
}

/// Adds up over origins; finish() makes means of the sums.
class Tally {
 public:
  explicit Tally(std::string endpoint) { score_.endpoint = std::move(endpoint); }

  void add(const forecast::EndpointForecast& forecast, const forecast::Series& series,
           std::size_t origin) {
    const double actual = series.horizon_sum(origin);
    const auto naive = forecast::naive_forecasts(series, origin);
    const auto by = [&](forecast::Naive rule) { return naive[static_cast<std::size_t>(rule)]; };
    const double last = by(forecast::Naive::last_hour).value_or(0.0);
    const double season = by(forecast::Naive::yesterday).value_or(last);
    const double low = forecast.quantiles.front();
    const double high = forecast.quantiles.back();
    ++score_.origins;
    score_.mean += actual;
    score_.mae += std::abs(actual - forecast.median());
    score_.seasonal_naive_mae += std::abs(actual - season);
    score_.last_value_mae += std::abs(actual - last);
    score_.pinball += pinball(forecast, actual);
    score_.coverage_90 += actual >= low && actual <= high ? 1 : 0;
    if (forecast.guarded()) {
      ++score_.guarded;
    } else if (forecast.source != forecast::Source::lstm) {
      ++score_.fallbacks;
      score_.fallback_note = forecast.note;
    }
    score_.points.push_back({forecast.made_at, actual, low, forecast.median(), high, season});
  }

  EndpointScore finish() {
    const auto n = static_cast<double>(std::max<std::uint64_t>(score_.origins, 1));
    for (double* figure : {&score_.mean, &score_.mae, &score_.seasonal_naive_mae,
                           &score_.last_value_mae, &score_.pinball, &score_.coverage_90}) {
      *figure /= n;
    }
    return std::move(score_);
  }

 private:
  EndpointScore score_;
};

}  // namespace

double mean_over(const std::vector<EndpointScore>& scores, double EndpointScore::*figure) {
  if (scores.empty()) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (const auto& score : scores) sum += score.*figure;
  return sum / static_cast<double>(scores.size());
}

Result<ForecastScore> score_forecasts(const model::Bundle& bundle, const traffic::WindowGrid& grid,
                                      const forecast::Shape& shape) {
  auto given = trained_part(bundle, grid);
  if (!given) return tl::unexpected<Error>(given.error());
  // A gate has its own past stored; who evaluates may have the days after training alone.
  const traffic::WindowGrid part = forecast::with_past(bundle.forecast->past, *given);
  const WallTime trained_until = bundle.manifest.trained_until;
  const auto origins = origins_after(trained_until, part, shape.horizon_steps());
  if (origins.empty()) {
    return fail(Code::failed_precondition,
                fmt::format("nothing to score: the bundle was trained until {}, and the input's "
                            "last whole window ends at {}; give data that reach at least {} "
                            "beyond the training range",
                            format_time(trained_until), format_time(part.time_of(part.size())),
                            format_duration(shape.horizon)));
  }
  const auto forecasts = forecast::predict_many(bundle.forecast.get(), part, origins, shape);
  ForecastScore score;
  score.from = part.time_of(origins.front());
  score.until = part.time_of(origins.back());
  score.horizon = shape.horizon;
  for (std::size_t e = 0; e < part.endpoints.size(); ++e) {
    const forecast::Series series(part.stats[e], forecast::Spans::of(shape));
    Tally tally(part.endpoints[e]);
    for (std::size_t k = 0; k < origins.size(); ++k) {
      // Where something was not observed, nobody knows what came.
      if (!series.all_observed(origins[k], origins[k] + shape.horizon_steps())) continue;
      tally.add(forecasts[k][e], series, origins[k]);
    }
    EndpointScore done = tally.finish();
    if (done.origins > 0) score.endpoints.push_back(std::move(done));
  }
  if (score.endpoints.empty()) {
    return fail(Code::failed_precondition,
                "nothing to score: every horizon after the training range has gaps");
  }
  score.mae = mean_over(score.endpoints, &EndpointScore::mae);
  return score;
}

}  // namespace tidelimit::cli
