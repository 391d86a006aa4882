#include "forecast/renewal.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <vector>

#include "base/endpoint_name.hpp"
#include "forecast/model.hpp"
#include "forecast/series.hpp"

namespace tidelimit::forecast {
namespace {

using traffic::WindowGrid;

/// `other` is worth a forecast from this share of all requests on.
constexpr double kLeastShareOfOther = 0.005;
/// So many of the newest windows judge a renewed model, at most a fifth of all.
constexpr Nanos kHeldOut = std::chrono::hours{48};

double requests_of(const std::vector<traffic::WindowStats>& stats) {
  return std::accumulate(stats.begin(), stats.end(), 0.0,
                         [](double sum, const auto& window) { return sum + window.requests; });
}

WindowGrid first_windows(WindowGrid grid, std::size_t windows) {
  for (auto& row : grid.stats) row.resize(windows);
  return grid;
}

struct Judged {
  double error = 0;
  std::size_t forecasts = 0;
};

/// Mean over endpoints of their mean absolute errors.
Judged judge(const ForecastModel* model, const WindowGrid& grid,
             const std::vector<std::size_t>& origins, const Shape& shape) {
  const auto forecasts = predict_many(model, grid, origins, shape);
  Judged judged;
  std::size_t endpoints = 0;
  for (std::size_t e = 0; e < grid.endpoints.size(); ++e) {
    const Series series(grid.stats[e], Spans::of(shape));
    double missed = 0;
    std::size_t count = 0;
    for (std::size_t k = 0; k < origins.size(); ++k) {
      if (!series.all_observed(origins[k], origins[k] + shape.horizon_steps())) continue;
      missed += std::abs(series.horizon_sum(origins[k]) - forecasts[k][e].median());
      ++count;
    }
    if (count == 0) continue;
    ++endpoints;
    judged.error += missed / static_cast<double>(count);
    judged.forecasts += count;
  }
  if (endpoints > 0) judged.error /= static_cast<double>(endpoints);
  return judged;
}

}  // namespace

WindowGrid worth_forecasting(const WindowGrid& grid) {
  double total = 0;
  for (const auto& stats : grid.stats) total += requests_of(stats);
  WindowGrid kept{grid.start, grid.step, {}, {}};
  for (std::size_t e = 0; e < grid.endpoints.size(); ++e) {
    const double requests = requests_of(grid.stats[e]);
    const bool other = grid.endpoints[e] == kOtherEndpoint;
    if (requests <= (other ? kLeastShareOfOther * total : 0)) continue;
    kept.endpoints.push_back(grid.endpoints[e]);
    kept.stats.push_back(grid.stats[e]);
  }
  return kept;
}

Result<Renewal> renew(const WindowGrid& grid, const ForecastModel* running, WallTime running_until,
                      const TrainOptions& how) {
  const std::size_t horizon = how.shape.horizon_steps();
  const std::size_t held =
      std::min(static_cast<std::size_t>(kHeldOut / how.shape.window), grid.size() / 5);
  const std::size_t first =
      std::max(grid.size() - held, running != nullptr ? grid.index_from(running_until) : 0);
  // A day's rhythm at least, or what is judged is a time of day.
  const std::size_t least = static_cast<std::size_t>(std::chrono::hours{24} / how.shape.window);
  if (grid.size() < first + least + horizon) {
    return fail(Code::failed_precondition,
                fmt::format("{} windows to judge a new model by, of the {} that it takes (a fifth "
                            "of what is stored, after what the running one was trained on)",
                            grid.size() - std::min(first, grid.size()), least + horizon));
  }
  const WindowGrid known = worth_forecasting(first_windows(grid, first));
  auto trained = train(known, how, {});
  if (!trained) return tl::unexpected<Error>(trained.error());

  WindowGrid judging{grid.start, grid.step, known.endpoints, {}};
  for (const std::string& endpoint : known.endpoints)
    judging.stats.push_back(*grid.row_of(endpoint));
  std::vector<std::size_t> origins(grid.size() - horizon - first + 1);
  std::iota(origins.begin(), origins.end(), first);
  how.between_steps();
  const Judged fresh = judge(trained->get(), judging, origins, how.shape);
  if (fresh.forecasts == 0) {
    return fail(Code::failed_precondition,
                "the newest windows have gaps everywhere: there is nothing to judge a model by");
  }
  how.between_steps();
  return Renewal{.model = *std::move(trained),
                 .trained_from = grid.start,
                 .trained_until = grid.time_of(first),
                 .fresh_error = fresh.error,
                 .running_error = judge(running, judging, origins, how.shape).error,
                 .forecasts = fresh.forecasts};
}

std::optional<double> error_growth(const ForecastModel& model,
                                   std::span<const EndpointForecast> live) {
  double sum = 0;
  std::size_t judged = 0;
  for (const EndpointForecast& forecast : live) {
    const auto& errors = forecast.recent_errors;
    if (errors.empty() || model.find(forecast.endpoint) == nullptr) continue;
    if (errors.front().first != Source::lstm) continue;  // the model's were no numbers
    sum += errors.front().second;
    ++judged;
  }
  if (judged == 0 || model.validation_mae <= 0) return std::nullopt;
  return sum / static_cast<double>(judged) / model.validation_mae;
}

}  // namespace tidelimit::forecast
