#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "forecast/forecaster.hpp"
#include "forecast/members.hpp"
#include "forecast/past.hpp"
#include "forecast/training.hpp"

namespace tidelimit::forecast {

namespace {

Result<void> check(const traffic::WindowGrid& grid, const TrainOptions& options) {
  const Shape& shape = options.shape;
  if (shape.window != grid.step) {
    return fail(Code::invalid_argument,
                fmt::format("the windows last {}, and the forecast is to have windows of {}",
                            format_duration(grid.step), format_duration(shape.window)));
  }
  if (auto problem = shape_problem(shape); !problem.empty()) {
    return fail(Code::invalid_argument, std::move(problem));
  }
  if (!(options.validation_ratio > 0 && options.validation_ratio < 0.9)) {
    return fail(Code::invalid_argument, "the validation ratio must be between 0 and 0.9");
  }
  return {};
}

/// The end of the part that teaches: the newest part judges by its share of the windows that
/// anything was observed in, so that a pause of months is no part of either.
std::size_t end_of_teaching(const traffic::WindowGrid& grid, double validation_ratio) {
  std::vector<std::size_t> observed;
  for (std::size_t i = 0; i < grid.size(); ++i)
    if (grid.observed_anywhere(i)) observed.push_back(i);
  const auto taught =
      static_cast<std::size_t>(static_cast<double>(observed.size()) * (1 - validation_ratio));
  return taught < observed.size() ? observed[taught] : grid.size();
}

bool has_traffic(const traffic::WindowGrid& grid) {
  for (const auto& row : grid.stats) {
    for (const auto& w : row) {
      if (w.observed && w.requests > 0) return true;
    }
  }
  return false;
}

/// Quantiles at the centres of equal shares.
std::array<double, kResidualSamples> sampled(std::vector<double> values) {
  std::array<double, kResidualSamples> out{};
  std::sort(values.begin(), values.end());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double at = (static_cast<double>(i) + 0.5) / static_cast<double>(out.size()) *
                      static_cast<double>(values.size());
    out[i] = values[std::min(static_cast<std::size_t>(at), values.size() - 1)];
  }
  return out;
}

/// Residuals and mean absolute error of the finished model over the part that judges.
void judge(ForecastModel& model, const TrainingData& data) {
  std::vector<double> residuals;
  double mae_sum = 0;
  std::size_t judged = 0;
  for (const std::size_t e : data.endpoints) {
    data.options.between_steps();
    const Series& series = data.series[e];
    const auto origins = data.judging(e);
    if (origins.empty()) continue;
    const auto points = model.preset == Preset::best
                            ? best_points(model, data.grid, e, series, origins)
                            : baseline_points(model, data.grid, e, series,
                                              *model.find(data.grid.endpoints[e]), origins);
    double error = 0;
    for (std::size_t k = 0; k < origins.size(); ++k) {
      const double came = series.horizon_sum(origins[k]);
      error += std::fabs(came - points[k]);
      residuals.push_back(residual(came, points[k], series.scale(origins[k])));
    }
    mae_sum += error / static_cast<double>(origins.size());
    ++judged;
  }
  if (judged == 0) return;  // examples() would have been refused before
  model.residuals = sampled(std::move(residuals));
  model.validation_mae = mae_sum / static_cast<double>(judged);
}

}  // namespace

std::vector<std::size_t> TrainingData::origins(std::size_t endpoint, std::size_t first,
                                               std::size_t last) const {
  const Series& s = series[endpoint];
  std::vector<std::size_t> found;
  for (std::size_t t = first; t + spans.horizon <= last; ++t) {
    if (s.all_observed(t, t + spans.horizon) && s.enough_history(t)) found.push_back(t);
  }
  return found;
}

std::vector<std::size_t> TrainingData::teaching(std::size_t endpoint) const {
  return origins(endpoint, 0, train_end);
}
std::vector<std::size_t> TrainingData::judging(std::size_t endpoint) const {
  return origins(endpoint, train_end, grid.size());
}

std::vector<Example> examples_of(const TrainingData& data, Part part, std::size_t most) {
  std::vector<Example> all;
  for (const std::size_t e : data.endpoints) {
    for (const std::size_t t : part == Part::teaching ? data.teaching(e) : data.judging(e)) {
      all.push_back({e, t});
    }
  }
  const std::size_t stride = (all.size() + most - 1) / std::max<std::size_t>(1, most);
  if (stride <= 1) return all;
  std::vector<Example> some;
  for (std::size_t i = 0; i < all.size(); i += stride) some.push_back(all[i]);
  return some;
}

namespace {

/// ", 453 of them incomplete", or nothing.
std::string gaps_in_words(const traffic::WindowGrid& grid) {
  std::size_t gaps = 0;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    gaps += std::any_of(grid.stats.begin(), grid.stats.end(),
                        [&](const auto& row) { return !row[i].observed; })
                ? 1
                : 0;
  }
  return gaps == 0 ? "" : fmt::format(", {} of them incomplete", gaps);
}

}  // namespace

Result<std::shared_ptr<const ForecastModel>> train(const traffic::WindowGrid& grid,
                                                   const TrainOptions& options,
                                                   const ProgressSink& progress) {
  if (auto sound = check(grid, options); !sound) return tl::unexpected(sound.error());
  if (!has_traffic(grid)) {
    return fail(Code::failed_precondition, "there is no request in the windows to learn from");
  }
  TrainingData data{grid, options, Spans::of(options.shape), {}, {}, 0};
  data.train_end = end_of_teaching(grid, options.validation_ratio);
  bool judged = false;
  for (std::size_t e = 0; e < grid.endpoints.size(); ++e) {
    data.series.emplace_back(grid.stats[e], data.spans);
    if (data.series[e].sum(0, data.train_end) <= 0 || data.teaching(e).empty()) continue;
    data.endpoints.push_back(e);
    judged = judged || !data.judging(e).empty();
  }
  const auto fewest = [&](std::size_t windows) {
    return static_cast<std::size_t>(static_cast<double>(windows) / (1 - options.validation_ratio)) +
           1;
  };
  constexpr std::size_t kFewestExamples = 64;  // two batches
  if (!judged || examples_of(data, Part::teaching, grid.size() * grid.endpoints.size()).size() <
                     kFewestExamples) {
    const std::size_t needed =
        fewest(data.spans.history + data.spans.horizon + kFewestExamples) + data.spans.horizon;
    return fail(Code::failed_precondition,
                fmt::format("history too short: {} windows of {}{}, and about {} ({}) without gaps "
                            "are needed; give more of the past, or a shorter history",
                            grid.size(), format_duration(grid.step), gaps_in_words(grid), needed,
                            format_duration(grid.step * static_cast<Nanos::rep>(needed))));
  }
  auto model =
      options.preset == Preset::best ? train_best(data, progress) : train_baseline(data, progress);
  judge(model, data);
  std::vector<std::string> endpoints;
  for (const EndpointScaling& endpoint : model.endpoints) endpoints.push_back(endpoint.name);
  model.past = newest_past(grid, endpoints);
  // Through the parts, so that a trained model equals what a bundle of it gives back.
  return from_parts(to_parts(model));
}

}  // namespace tidelimit::forecast
