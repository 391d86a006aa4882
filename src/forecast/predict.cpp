#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <limits>

#include "forecast/lane.hpp"
#include "forecast/members.hpp"
#include "forecast/memory.hpp"
#include "forecast/model.hpp"

namespace tidelimit::forecast {

namespace {

/// Why the model can't speak of an endpoint at `origin`; empty: it can.
std::string silenced(const ForecastModel* model, const std::string& endpoint, const Series& series,
                     std::size_t origin, const Shape& shape) {
  if (model == nullptr) return "no model";
  if (!(model->shape == shape)) {
    return fmt::format("the model's windows are {}, history {}, horizon {}",
                       format_duration(model->shape.window), format_duration(model->shape.history),
                       format_duration(model->shape.horizon));
  }
  if (model->preset == Preset::baseline && model->find(endpoint) == nullptr)
    return "endpoint unknown to the model";
  if (series.enough_history(origin)) return {};
  const std::size_t history = series.spans().history;
  const std::size_t seen = series.observed(origin - std::min(history, origin), origin);
  return fmt::format("{} of {} windows of history", seen, history);
}

/// What stands in for the model at `origin`.
void fall_back(EndpointForecast& forecast, const Series& series, std::size_t origin,
               const std::string& why) {
  const std::size_t known = origin - std::min(series.first_observed(), origin);
  if (known == 0) {
    forecast.source = Source::none;
    forecast.note = why + ": nothing observed yet";
  } else if (known >= series.spans().day) {
    forecast.source = Source::seasonal;
    forecast.note = why + ": mean of the same hours";
  } else {
    forecast.source = Source::last_value;
    forecast.note = why + ": last value";
  }
}

/// A forecast but for its quantiles, as it is while nobody competes.
EndpointForecast outline(const ForecastModel* model, const traffic::WindowGrid& grid,
                         std::size_t endpoint, const Series& series, std::size_t origin,
                         const Shape& shape) {
  EndpointForecast forecast;
  forecast.endpoint = grid.endpoints[endpoint];
  forecast.made_at = grid.time_of(origin);
  forecast.horizon = shape.horizon;
  const auto rule = static_cast<std::size_t>(best_naive(series, origin));
  forecast.naive = naive_forecasts(series, origin)[rule].value_or(0.0);
  forecast.usual = usual(grid, endpoint, origin, shape);
  forecast.source = Source::lstm;
  const std::string why = silenced(model, forecast.endpoint, series, origin, shape);
  if (!why.empty()) fall_back(forecast, series, origin, why);
  return forecast;
}

/// The model's forecasts at `origins`; those that the memory holds are not worked out again.
std::vector<double> model_points(const ForecastModel& model, const traffic::WindowGrid& grid,
                                 std::size_t endpoint, const Series& series,
                                 std::span<const std::size_t> origins, EndpointMemory& memory) {
  std::vector<std::size_t> missing;
  std::copy_if(origins.begin(), origins.end(), std::back_inserter(missing),
               [&](std::size_t t) { return memory.points.count(t) == 0; });
  const auto found = model.preset == Preset::best
                         ? best_points(model, grid, endpoint, series, missing, memory)
                         : baseline_points(model, grid, endpoint, series,
                                           *model.find(grid.endpoints[endpoint]), missing);
  for (std::size_t k = 0; k < missing.size(); ++k) memory.points[missing[k]] = found[k];
  std::vector<double> points;
  for (const std::size_t t : origins) points.push_back(memory.points.at(t));
  return points;
}

std::vector<double> points_of(Source source, const ForecastModel* model,
                              const traffic::WindowGrid& grid, std::size_t endpoint,
                              const Series& series, std::span<const std::size_t> origins,
                              EndpointMemory& memory) {
  if (source == Source::none) return std::vector<double>(origins.size(), 0.0);
  if (source == Source::lstm) return model_points(*model, grid, endpoint, series, origins, memory);
  if (source == Source::yesterday || source == Source::week_ago || source == Source::typical)
    return naive_points(series, source, origins);
  return fallback_points(series, source, origins);
}

/// Residuals before anything was forecast: the model's own, else a broad bell.
std::array<double, kResidualSamples> prior_residuals(Source source, const ForecastModel* model) {
  if (source == Source::lstm) return model->residuals;
  std::array<double, kResidualSamples> samples{};
  constexpr double kBroad = 0.35;  // logistic scale: 90 % within about one spread
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double p = (static_cast<double>(i) + 0.5) / static_cast<double>(samples.size());
    samples[i] = kBroad * std::log(p / (1 - p));
  }
  return samples;
}

/// Windows that a source needs before its origin.
std::size_t needed_by(Source source, const Spans& spans) {
  switch (source) {
    case Source::lstm:
      return spans.history;
    case Source::seasonal:
    case Source::yesterday:
      return spans.day;
    case Source::week_ago:
      return spans.week;
    case Source::typical:
      return 3 * spans.day;
    default:
      return spans.horizon;
  }
}

/// What the memory holds of a source, or what it holds from now on.
Lane& lane_of(Source source, const ForecastModel* model, const traffic::WindowGrid& grid,
              const Series& series, std::size_t asked_from, EndpointMemory& memory) {
  const auto known = memory.lanes.find(source);
  if (known != memory.lanes.end()) return known->second;
  const auto prior = prior_residuals(source, model);
  Lane::Options options{.prior = {prior.begin(), prior.end()},
                        .needs = needed_by(source, series.spans()),
                        .guarded = source == Source::lstm || source == Source::seasonal};
  if (source == Source::lstm) {
    options.taught_until = grid.index_from(model->taught_until());
    options.trained_until = grid.index_from(model->trained_until());
  }
  return memory.lanes.try_emplace(source, series, asked_from, std::move(options)).first->second;
}

/// The origins of those `forecasts` that come from `source`, and which they are.
struct Mine {
  std::vector<std::size_t> which;
  std::vector<std::size_t> origins;
};
Mine of_source(Source source, const std::vector<EndpointForecast>& forecasts,
               std::span<const std::size_t> origins) {
  Mine mine;
  for (std::size_t k = 0; k < origins.size(); ++k) {
    if (forecasts[k].source != source) continue;
    mine.which.push_back(k);
    mine.origins.push_back(origins[k]);
  }
  return mine;
}

/// Lets who was closer lately speak in the place of the model, or of the mean that stands in for
/// it.
void take(EndpointForecast& forecast, const Guard::Choice& choice) {
  if (!choice.judged) return;
  const bool by_model = forecast.source == Source::lstm;
  for (std::size_t c = 0; c < kContenders.size() && by_model; ++c) {
    if (std::isfinite(choice.errors[c]))
      forecast.recent_errors.emplace_back(kContenders[c], choice.errors[c]);
  }
  if (choice.source == Source::lstm) return;
  forecast.source = choice.source;
  const char* closer = in_words(choice.source);
  if (by_model) {
    forecast.note = fmt::format("{} forecast better than the model lately", closer);
  } else {
    forecast.note += fmt::format("; {} forecast better lately", closer);
  }
}

std::vector<EndpointForecast> predict_endpoint(const ForecastModel* model,
                                               const traffic::WindowGrid& grid,
                                               std::size_t endpoint,
                                               std::span<const std::size_t> origins,
                                               const Shape& shape, EndpointMemory& memory) {
  const Series series(grid.stats[endpoint], Spans::of(shape));
  std::vector<EndpointForecast> forecasts;
  for (const std::size_t t : origins)
    forecasts.push_back(outline(model, grid, endpoint, series, t, shape));
  const auto fill = [&](Source source, const Mine& mine) -> const Lane& {
    Lane& lane = lane_of(source, model, grid, series, mine.origins.front(), memory);
    const auto quantiles =
        lane.forecast(series, mine.origins, [&](std::span<const std::size_t> at) {
          return points_of(source, model, grid, endpoint, series, at, memory);
        });
    for (std::size_t k = 0; k < mine.which.size(); ++k) {
      EndpointForecast& forecast = forecasts[mine.which[k]];
      if (std::isfinite(quantiles[k][kMedian])) {
        forecast.quantiles = quantiles[k];
        continue;
      }
      // Only a model can come to that, by weights far out of range.
      forecast.recent_errors = {{source, std::numeric_limits<double>::infinity()}};
      fall_back(forecast, series, mine.origins[k], "the model's forecast is not a number");
    }
    return lane;
  };
  // The model first, then the mean that stands in for it: what these may not say goes to the
  // others.
  for (const Source source : {Source::lstm, Source::seasonal}) {
    const Mine mine = of_source(source, forecasts, origins);
    if (mine.which.empty()) continue;
    const Lane& own = fill(source, mine);
    for (const std::size_t k : mine.which)
      if (forecasts[k].source == source) take(forecasts[k], own.choice(origins[k]));
  }
  for (const Source source :
       {Source::last_value, Source::yesterday, Source::week_ago, Source::typical}) {
    const Mine mine = of_source(source, forecasts, origins);
    if (!mine.which.empty()) fill(source, mine);
  }
  return forecasts;
}

/// What is said of an endpoint after a long silence.
EndpointForecast of_silence(const traffic::WindowGrid& grid, std::size_t endpoint,
                            const Shape& shape) {
  EndpointForecast forecast;
  forecast.endpoint = grid.endpoints[endpoint];
  forecast.made_at = grid.time_of(grid.size());
  forecast.horizon = shape.horizon;
  forecast.note = fmt::format("no request in {} days", kQuietDays);
  return forecast;
}

}  // namespace

std::vector<std::vector<EndpointForecast>> predict_many(const ForecastModel* model,
                                                        const traffic::WindowGrid& grid,
                                                        std::span<const std::size_t> origins,
                                                        const Shape& shape) {
  std::vector<std::vector<EndpointForecast>> result(origins.size());
  for (std::size_t e = 0; e < grid.endpoints.size() && !origins.empty(); ++e) {
    EndpointMemory memory;
    auto forecasts = predict_endpoint(model, grid, e, origins, shape, memory);
    for (std::size_t k = 0; k < origins.size(); ++k) {
      result[k].push_back(std::move(forecasts[k]));
    }
  }
  return result;
}

std::vector<EndpointForecast> predict(const ForecastModel* model, const traffic::WindowGrid& grid,
                                      std::size_t origin, const Shape& shape) {
  const std::size_t origins[] = {std::min(origin, grid.size())};
  return std::move(predict_many(model, grid, origins, shape).front());
}

std::vector<EndpointForecast> predict_next(const ForecastModel* model,
                                           const traffic::WindowGrid& grid, const Shape& shape,
                                           ForecastMemory& memory) {
  const std::size_t origins[] = {grid.size()};
  // Judged origins up to so many days back are read again, and a day more does no harm.
  const std::size_t kept = (kJudgedAgainDays + 1) * Spans::of(shape).day;
  memory.follow(model, grid);
  const bool silent = memory.quiet_windows() >= kQuietDays * Spans::of(shape).day;
  std::vector<EndpointForecast> forecasts;
  for (std::size_t e = 0; e < grid.endpoints.size(); ++e) {
    if (silent) {
      forecasts.push_back(of_silence(grid, e, shape));
      continue;
    }
    EndpointMemory& of_endpoint = memory.of(grid.endpoints[e]);
    forecasts.push_back(
        std::move(predict_endpoint(model, grid, e, origins, shape, of_endpoint).front()));
    if (grid.size() > kept) of_endpoint.forget_before(grid.size() - kept);
  }
  return forecasts;
}

}  // namespace tidelimit::forecast
