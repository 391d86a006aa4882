#include "forecast/day_shape.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace tidelimit::forecast {

namespace {

constexpr std::size_t kDays = 28;
constexpr std::size_t kDaysOfWeek = 7;
constexpr double kHalfLifeDays = 14;

/// What came, and what would have come had every window been like its day.
struct Pool {
  double came = 0;
  double level = 0;

  void add(double weight, double more, double at_level) {
    came += weight * more;
    level += weight * at_level;
  }
  [[nodiscard]] double shape(double otherwise) const {
    return level > 0 ? came / level : otherwise;
  }
};

struct Pools {
  Pool any_day;
  Pool weekday;
};

/// The same windows of the days before window i; no window is taken for more than so many times the
/// `usual` shape, beyond the scatter of its count.
Pools pools_at(const Series& series, std::size_t i, double usual) {
  constexpr double kMost = 1.5;
  constexpr double kSigmas = 3;
  static const double fade = std::exp2(-1 / kHalfLifeDays);
  const std::size_t day = series.spans().day;
  const auto horizon = static_cast<double>(series.spans().horizon);
  const std::size_t after = day - day / 2;  // of the day around a window
  const std::size_t newest = (after + series.spans().horizon + day - 2) / day;
  Pools pools;
  double weight = 1;
  for (std::size_t k = newest; k <= kDays && i >= k * day + day / 2 + series.first_observed();
       ++k, weight *= fade) {
    const std::size_t same = i - k * day;
    if (!series.all_observed(same, same + 1)) continue;
    const double level = series.mean(same - day / 2, same + after);
    const double expected = usual * level;
    const double most = kMost * expected + kSigmas * std::sqrt(expected * horizon);
    const double came = std::min(series.at(same) * horizon, most);
    pools.any_day.add(weight, came, level);
    if (k % kDaysOfWeek == 0) pools.weekday.add(weight, came, level);
  }
  return pools;
}

}  // namespace

DayShape::DayShape(const Series& series, std::size_t from, std::size_t to)
    : from_(from), any_day_(to - from + 1), weekday_(to - from + 1) {
  for (std::size_t i = from; i < to; ++i) {
    constexpr double kUnbounded = 1e9;
    const double roughly = pools_at(series, i, kUnbounded).any_day.shape(1);
    auto [any, weekday] = pools_at(series, i, roughly);
    const double usual = any.shape(1);
    // Few weekdays lean towards all days, by the weight of about one.
    const double lean = any.level / kDays;
    weekday.add(1, lean * usual, lean);
    any_day_[i - from + 1] = any_day_[i - from] + usual;
    weekday_[i - from + 1] = weekday_[i - from] + weekday.shape(usual);
  }
}

double DayShape::mean_of(const Sums& sums, std::size_t first, std::size_t last) const {
  assert(from_ <= first && first < last && last - from_ < sums.size());
  return (sums[last - from_] - sums[first - from_]) / static_cast<double>(last - first);
}

namespace {

/// By how much the days of the last weeks that were as this one stood above the day before them, at
/// this time; the mean of their logarithms.
double rise_of_weekday(const Series& series, std::size_t origin) {
  constexpr std::size_t kWeeks = 4;
  constexpr double kMost = 2;
  constexpr double kLeast = 1e-6;
  const Spans& s = series.spans();
  double sum = 0;
  double weeks = 0;
  for (std::size_t k = 1; k <= kWeeks && origin >= k * s.week + s.day; ++k) {
    const std::size_t then = origin - k * s.week;
    weeks += 1;
    if (!series.known(then)) continue;
    const double level = series.mean(then - s.day / 2, then + s.day - s.day / 2);
    const double before = series.mean(then - s.day, then);
    sum += std::clamp(std::log(std::max(level, kLeast) / std::max(before, kLeast)), -kMost, kMost);
  }
  return weeks > 0 ? sum / weeks : 0;
}

}  // namespace

void shape_features(const Series& series, const DayShape& shape, std::size_t origin,
                    std::span<double> out) {
  assert(out.size() == kShapeFeatures);
  constexpr double kConstant = 0.3;
  const Spans& s = series.spans();
  const double scale = series.scale(origin);
  // The level that windows speak for, by what came and by the share they usually have; what fills a
  // gap says nothing.
  const auto level = [&](std::size_t first, std::size_t last) {
    double came = 0;
    double usual = 0;
    double observed = 0;
    for (std::size_t i = first; i < last; ++i) {
      if (!series.all_observed(i, i + 1)) continue;
      came += series.at(i);
      usual += shape.mean(i, i + 1);
      observed += 1;
    }
    if (observed == 0) return 0.0;
    const double per_horizon = came * static_cast<double>(s.horizon) / observed;
    return log_ratio(std::min(per_horizon / scale, kRatioLimit)) - log_ratio(usual / observed);
  };
  // The shape is known from a day before: of longer horizons that day has to do.
  const auto back = [&](std::size_t span) { return origin - std::min({span, s.day, origin}); };
  const std::size_t end = origin + s.horizon;
  const std::size_t yesterday = back(s.day);
  out[kShapeNext] = log_ratio(shape.mean(origin, end));
  out[1] = kConstant;
  out[2] = level(back(1), origin);
  out[kLevelOfLast] = level(back(s.horizon), origin);
  out[4] = level(back(2 * s.horizon), origin);
  out[kLevelOfLastFour] = level(back(4 * s.horizon), origin);
  out[6] = level(back(8 * s.horizon), origin);
  out[7] = level(yesterday, origin);
  out[8] = rise_of_weekday(series, origin);
  out[9] = log_ratio(shape.weekday_mean(origin, end)) - out[kShapeNext];
  out[10] = level(yesterday, std::min(yesterday + s.horizon, origin));
}

}  // namespace tidelimit::forecast
