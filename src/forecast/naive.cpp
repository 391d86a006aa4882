#include "forecast/naive.hpp"

#include <algorithm>
#include <cmath>

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
  std::array<double, 3 * kDays> around;
  std::size_t n = 0;
  for (std::size_t day = 1; day <= kDays; ++day) {
    const std::size_t same = day * spans.day;
    for (const std::size_t back :
         {same - std::min(same, spans.horizon), same, same + spans.horizon}) {
      if (const auto value = lagged(series, origin, back)) around[n++] = *value;
    }
  }
  if (n < kFewest) return {};
  const auto end = around.begin() + static_cast<std::ptrdiff_t>(n);
  const auto middle = around.begin() + static_cast<std::ptrdiff_t>((n - 1) / 2);
  std::nth_element(around.begin(), middle, end);
  return *middle;
}

std::optional<double> seasonal_mean(const Series& series, std::size_t origin, std::size_t days) {
  return mean_of_lags(series, origin, series.spans().day, days);
}

}  // namespace tidelimit::forecast
