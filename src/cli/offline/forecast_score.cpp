#include "cli/offline/forecast_score.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "base/text.hpp"
#include "forecast/model.hpp"
#include "forecast/past.hpp"
#include "forecast/series.hpp"

namespace tidelimit::cli {
namespace {

using forecast::kQuantiles;

bool silent(const std::vector<traffic::WindowStats>& windows) {
  return std::all_of(windows.begin(), windows.end(),
                     [](const traffic::WindowStats& one) { return one.requests <= 0; });
}

/// The rows of the grid that the bundle was trained on, in its order.
Result<traffic::WindowGrid> trained_part(const model::Bundle& bundle,
                                         const traffic::WindowGrid& grid) {
  traffic::WindowGrid part{grid.start, grid.step, {}, {}};
  for (const std::string& name : bundle.manifest.endpoints) {
    const auto* row = grid.row_of(name);
    if (row == nullptr) continue;
    part.endpoints.push_back(name);
    part.stats.push_back(*row);
  }
  if (part.endpoints.empty()) {
    return fail(
        Code::failed_precondition,
        fmt::format("none of the bundle's endpoints ({}) is in the input ({})",
                    fmt::join(bundle.manifest.endpoints, ", "), fmt::join(grid.endpoints, ", ")));
  }
  if (std::all_of(part.stats.begin(), part.stats.end(), silent)) {
    return fail(Code::failed_precondition,
                fmt::format("no request in the input belongs to the bundle's endpoints ({}): name "
                            "them with --config, as the bundle was trained with them",
                            fmt::join(part.endpoints, ", ")));
  }
  return part;
}

/// Whose traffic the bundle knows nothing of, and whose it knows and was not there.
std::vector<std::string> left_out(const model::Bundle& bundle, const traffic::WindowGrid& grid) {
  const auto& trained = bundle.manifest.endpoints;
  const auto in = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  std::vector<std::string> unknown, absent, notes;
  for (std::size_t e = 0; e < grid.endpoints.size(); ++e) {
    if (!in(trained, grid.endpoints[e]) && !silent(grid.stats[e]))
      unknown.push_back(printable(grid.endpoints[e]));
  }
  for (const std::string& name : trained) {
    if (!in(grid.endpoints, name)) absent.push_back(printable(name));
  }
  if (!unknown.empty())
    notes.push_back(fmt::format("not scored, since the bundle was not trained on them: {}",
                                fmt::join(unknown, ", ")));
  if (!absent.empty())
    notes.push_back(
        fmt::format("not scored, since the input does not have them: {}", fmt::join(absent, ", ")));
  return notes;
}

/// Where a reference is not over all origins.
void note_gaps(const EndpointScore& score, std::vector<std::string>& notes) {
  const std::string endpoint = printable(score.endpoint);
  if (score.origins == 0) {
    notes.push_back(endpoint +
                    ": not scored, since every horizon after the training range has gaps");
    return;
  }
  const std::uint64_t yesterday = score.seasonal_naive.origins;
  const std::uint64_t last = score.last_value.origins;
  if (yesterday == score.origins && last == score.origins) return;
  notes.push_back(
      fmt::format("{}: of {} forecasts, the same hours a day before were observed at "
                  "{}, and the last horizon at {}; their errors are of those",
                  endpoint, score.origins, yesterday, last));
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

/// The horizon that began so many windows before `origin`, if it was over by then and observed.
std::optional<double> earlier(const forecast::Series& series, std::size_t origin,
                              std::size_t back) {
  const std::size_t horizon = series.spans().horizon;
  if (back < horizon || back > origin) return {};
  if (!series.all_observed(origin - back, origin - back + horizon)) return {};
  return series.horizon_sum(origin - back);
}

/// Adds up over origins; finish() makes means of the sums.
class Tally {
 public:
  explicit Tally(std::string endpoint) { score_.endpoint = std::move(endpoint); }

  void add(const forecast::EndpointForecast& forecast, const forecast::Series& series,
           std::size_t origin) {
    const double actual = series.horizon_sum(origin);
    const double low = forecast.quantiles.front();
    const double high = forecast.quantiles.back();
    ++score_.origins;
    score_.mean += actual;
    score_.mae += std::abs(actual - forecast.median());
    const forecast::Spans& spans = series.spans();
    add(actual, earlier(series, origin, spans.day), score_.seasonal_naive);
    add(actual, earlier(series, origin, spans.horizon), score_.last_value);
    score_.pinball += pinball(forecast, actual);
    score_.coverage_90 += actual >= low && actual <= high ? 1 : 0;
    const auto& q = forecast.quantiles;
    score_.coverage_80 += actual >= q[1] && actual <= q[q.size() - 2] ? 1 : 0;
    ++score_.sources[static_cast<std::size_t>(forecast.source)];
    if (forecast.guarded()) {
      ++score_.guarded;
    } else if (forecast.source != forecast::Source::lstm) {
      ++score_.fallbacks;
      score_.fallback_note = forecast.note;
    }
    score_.points.push_back({forecast.made_at, actual, low, forecast.median(), high});
  }

  EndpointScore finish() {
    const auto n = static_cast<double>(std::max<std::uint64_t>(score_.origins, 1));
    for (double* figure :
         {&score_.mean, &score_.mae, &score_.pinball, &score_.coverage_90, &score_.coverage_80}) {
      *figure /= n;
    }
    for (ReferenceScore* reference : {&score_.seasonal_naive, &score_.last_value}) {
      reference->mae /= static_cast<double>(reference->origins);  // of none NaN stays
    }
    return std::move(score_);
  }

 private:
  static void add(double actual, const std::optional<double>& reference, ReferenceScore& score) {
    if (!reference) return;
    if (score.origins++ == 0) score.mae = 0;
    score.mae += std::abs(actual - *reference);
  }

  EndpointScore score_;
};

}  // namespace

double mean_over(const std::vector<EndpointScore>& scores, double EndpointScore::*figure) {
  if (scores.empty()) return std::numeric_limits<double>::quiet_NaN();
  double sum = 0;
  for (const auto& score : scores) sum += score.*figure;
  return sum / static_cast<double>(scores.size());
}

double mean_over(const std::vector<EndpointScore>& scores,
                 ReferenceScore EndpointScore::*reference) {
  double sum = 0;
  std::size_t known = 0;
  for (const auto& score : scores) {
    if ((score.*reference).origins == 0) continue;
    sum += (score.*reference).mae;
    ++known;
  }
  return known > 0 ? sum / static_cast<double>(known) : std::numeric_limits<double>::quiet_NaN();
}

Result<ForecastScore> score_forecasts(const model::Bundle& bundle, const traffic::WindowGrid& grid,
                                      const forecast::Shape& shape) {
  auto given = trained_part(bundle, grid);
  if (!given) return tl::unexpected(given.error());
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
  std::size_t first = origins.back();
  std::size_t last = origins.front();
  score.horizon = shape.horizon;
  score.notes = left_out(bundle, grid);
  for (std::size_t e = 0; e < part.endpoints.size(); ++e) {
    const forecast::Series series(part.stats[e], forecast::Spans::of(shape));
    Tally tally(part.endpoints[e]);
    for (std::size_t k = 0; k < origins.size(); ++k) {
      // Where something was not observed, nobody knows what came.
      if (!series.all_observed(origins[k], origins[k] + shape.horizon_steps())) continue;
      tally.add(forecasts[k][e], series, origins[k]);
      first = std::min(first, origins[k]);
      last = std::max(last, origins[k]);
    }
    EndpointScore done = tally.finish();
    note_gaps(done, score.notes);
    if (done.origins > 0) score.endpoints.push_back(std::move(done));
  }
  if (score.endpoints.empty()) {
    return fail(Code::failed_precondition,
                "nothing to score: every horizon after the training range has gaps");
  }
  score.from = part.time_of(first);
  score.until = part.time_of(last);
  score.mae = mean_over(score.endpoints, &EndpointScore::mae);
  return score;
}

}  // namespace tidelimit::cli
