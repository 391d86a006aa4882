#include "forecast/naive.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tidelimit::forecast {

namespace {

/// The horizon that starts `back` windows before `origin`, if all of it is past and known.
std::optional<double> lagged(const Series& series, std::size_t origin, std::size_t back) {
  if (back < series.spans().horizon || origin < back || !series.known(origin - back)) return {};
  return series.horizon_sum_seen(origin - back, origin);
}

/// Mean of those of the horizons `unit`, 2 `unit`, ... `most` `unit` before `origin` that are
/// known.
std::optional<double> mean_of_lags(const Series& series, std::size_t origin, std::size_t unit,
                                   std::size_t most) {
  double sum = 0;
  std::size_t count = 0;
  for (std::size_t k = 1; k <= most; ++k) {
    const auto value = lagged(series, origin, k * unit);
    if (!value) continue;
    sum += *value;
    ++count;
  }
  if (count == 0) return {};
  return sum / static_cast<double>(count);
}

}  // namespace

const char* to_string(Naive rule) {
  switch (rule) {
    case Naive::last_hour:
      return "last horizon";
    case Naive::yesterday:
      return "same hours yesterday";
    case Naive::week_ago:
      return "same hours a week ago";
    case Naive::slot_mean:
      return "mean of the same hours of four weeks";
    case Naive::last_plus_yesterday:
      return "last horizon plus yesterday's change";
  }
  return "unknown";
}

std::array<std::optional<double>, kNaiveRules> naive_forecasts(const Series& series,
                                                               std::size_t origin) {
  const Spans& spans = series.spans();
  const auto last = lagged(series, origin, spans.horizon);
  const auto yesterday = lagged(series, origin, spans.day);
  const auto before_yesterday = lagged(series, origin, spans.day + spans.horizon);
  std::optional<double> last_plus_yesterday;
  if (last && yesterday && before_yesterday) {
    last_plus_yesterday = std::max(0.0, *last + *yesterday - *before_yesterday);
  }
  return {last, yesterday, lagged(series, origin, spans.week),
          mean_of_lags(series, origin, spans.week, 4), last_plus_yesterday};
}

Naive best_naive(const Series& series, std::size_t origin) {
  const Spans& spans = series.spans();
  std::array<double, kNaiveRules> loss{};
  std::array<std::size_t, kNaiveRules> count{};
  const std::size_t newest = origin >= spans.horizon ? origin - spans.horizon : 0;
  const std::size_t oldest = newest > spans.week ? newest - spans.week : 0;
  // One origin an horizon is enough to rank five rules, and a quarter of the work.
  for (std::size_t t = oldest + (newest - oldest) % spans.horizon; t <= newest && origin > 0;
       t += spans.horizon) {
    if (t + spans.horizon > origin || !series.all_observed(t, t + spans.horizon)) continue;
    const double truth = series.horizon_sum(t);
    const auto forecasts = naive_forecasts(series, t);
    for (std::size_t r = 0; r < kNaiveRules; ++r) {
      if (!forecasts[r]) continue;
      loss[r] += std::fabs(*forecasts[r] - truth);
      ++count[r];
    }
  }
  const auto now = naive_forecasts(series, origin);
  const std::size_t enough = std::max<std::size_t>(1, spans.day / spans.horizon);
  std::size_t best = 0;
  for (std::size_t r = 1; r < kNaiveRules; ++r) {
    if (!now[r] || count[r] < enough || count[0] == 0) continue;
    const double mine = loss[r] / static_cast<double>(count[r]);
    const double other = loss[best] / static_cast<double>(count[best]);
    if (mine < other) best = r;
  }
  return static_cast<Naive>(best);
}

std::optional<double> typical(const Series& series, std::size_t origin) {
  constexpr std::size_t kDays = 28;
  constexpr std::size_t kFewest = 7;
  const Spans& spans = series.spans();
  std::vector<double> around;
  for (std::size_t day = 1; day <= kDays; ++day) {
    const std::size_t same = day * spans.day;
    for (const std::size_t back :
         {same - std::min(same, spans.horizon), same, same + spans.horizon}) {
      if (const auto value = lagged(series, origin, back)) around.push_back(*value);
    }
  }
  if (around.size() < kFewest) return {};
  const auto middle = around.begin() + static_cast<std::ptrdiff_t>((around.size() - 1) / 2);
  std::nth_element(around.begin(), middle, around.end());
  return *middle;
}

std::optional<double> seasonal_mean(const Series& series, std::size_t origin, std::size_t days) {
  return mean_of_lags(series, origin, series.spans().day, days);
}

namespace {

/// Requests of the windows from `from` on; empty where one was not observed.
std::optional<double> sum_of(const std::vector<traffic::WindowStats>& stats, std::size_t from,
                             std::size_t count) {
  double requests = 0;
  for (std::size_t i = from; i < from + count; ++i) {
    if (!stats[i].observed) return {};
    requests += stats[i].requests;
  }
  return requests;
}

double median_of(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

/// How far the shape of the last day is from that of the same weekdays before, `offset` windows
/// later: the sum over its hours of what part of the day's requests falls elsewhere, in [0, 2].
/// Empty: too little is known.
std::optional<double> misfit(const std::vector<traffic::WindowStats>& stats, std::size_t origin,
                             const Spans& spans, std::size_t hour, std::ptrdiff_t offset) {
  constexpr std::size_t kWeeks = 4;
  constexpr std::size_t kFewestHours = 20;
  std::vector<double> last, before;
  for (std::size_t from = origin - spans.day; from < origin; from += hour) {
    std::vector<double> weeks;
    for (std::size_t k = 1; k <= kWeeks; ++k) {
      const auto at =
          static_cast<std::ptrdiff_t>(from) + offset - static_cast<std::ptrdiff_t>(k * spans.week);
      if (at < 0) break;
      if (const auto sum = sum_of(stats, static_cast<std::size_t>(at), hour)) weeks.push_back(*sum);
    }
    const auto came = sum_of(stats, from, hour);
    if (!came || weeks.empty()) continue;
    last.push_back(*came);
    before.push_back(median_of(weeks));
  }
  const double came = std::accumulate(last.begin(), last.end(), 0.0);
  const double came_before = std::accumulate(before.begin(), before.end(), 0.0);
  if (last.size() < kFewestHours || came <= 0 || came_before <= 0) return {};
  double misfit = 0;
  for (std::size_t i = 0; i < last.size(); ++i)
    misfit += std::fabs(last[i] / came - before[i] / came_before);
  return misfit;
}

/// By how many windows the day has moved: an hour where people live by a local time and its clocks
/// were changed within the last two weeks, else none. By the whole last day's shape, so that an
/// hour's spike moves nothing, and only where that fits far better than no move.
std::ptrdiff_t day_moved(const std::vector<traffic::WindowStats>& stats, std::size_t origin,
                         const Spans& spans, const Shape& shape) {
  constexpr double kFarBetter = 0.6;
  const Nanos hour = std::chrono::hours{1};
  if (hour % shape.window != Nanos{0} || origin < spans.day) return 0;
  const auto step = static_cast<std::size_t>(hour / shape.window);
  const auto unmoved = misfit(stats, origin, spans, step, 0);
  if (!unmoved) return 0;
  double best = kFarBetter * *unmoved;
  std::ptrdiff_t moved = 0;
  for (const std::ptrdiff_t offset :
       {-static_cast<std::ptrdiff_t>(step), static_cast<std::ptrdiff_t>(step)}) {
    const auto fit = misfit(stats, origin, spans, step, offset);
    if (!fit || *fit >= best) continue;
    best = *fit;
    moved = offset;
  }
  return moved;
}

}  // namespace

std::optional<double> usual(const traffic::WindowGrid& grid, std::size_t endpoint,
                            std::size_t origin, const Shape& shape) {
  constexpr std::size_t kDays = 28;
  constexpr std::size_t kFewestDays = 7;
  const Spans spans = Spans::of(shape);
  const auto& stats = grid.stats[endpoint];
  const std::ptrdiff_t moved = day_moved(stats, origin, spans, shape);
  std::vector<double> days;
  for (std::size_t k = 1; k <= kDays && k * spans.day <= origin; ++k) {
    const auto from = static_cast<std::ptrdiff_t>(origin - k * spans.day) + moved;
    if (from < 0 || static_cast<std::size_t>(from) + spans.horizon > origin) continue;
    if (const auto requests = sum_of(stats, static_cast<std::size_t>(from), spans.horizon))
      days.push_back(*requests);
  }
  if (days.size() < kFewestDays) return {};
  return median_of(days);
}

}  // namespace tidelimit::forecast
