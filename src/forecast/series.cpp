#include "forecast/series.hpp"

#include <algorithm>
#include <cmath>

namespace tidelimit::forecast {

namespace {

std::size_t windows_in(Nanos span, Nanos window) {
  return static_cast<std::size_t>(std::max<Nanos::rep>(1, (span + window / 2) / window));
}

}  // namespace

Spans Spans::of(const Shape& shape) {
  return {.horizon = windows_in(shape.horizon, shape.window),
          .history = windows_in(shape.history, shape.window),
          .day = windows_in(std::chrono::hours{24}, shape.window),
          .week = windows_in(std::chrono::hours{24 * 7}, shape.window)};
}

Series::Series(const std::vector<traffic::WindowStats>& stats, const Spans& spans)
    : spans_(spans),
      value_(stats.size()),
      sum_(stats.size() + 1),
      observed_(stats.size() + 1),
      known_(stats.size() + 1) {
  first_observed_ = stats.size();
  std::size_t gap = 0;  // its first window
  for (std::size_t i = 0; i < stats.size(); ++i) {
    const auto seen = [&](std::size_t end) {  // in the day before `end`
      return observed_[end] - observed_[end - std::min(end, spans.day)];
    };
    const bool known = stats[i].observed || seen(i) > 0 || 2 * seen(gap) >= spans.day;
    known_[i + 1] = known_[i] + (known ? 1 : 0);
    observed_[i + 1] = observed_[i] + (stats[i].observed ? 1 : 0);
    if (stats[i].observed) {
      value_[i] = stats[i].requests;
      first_observed_ = std::min(first_observed_, i);
      gap = i + 1;
    } else if (known) {
      value_[i] = filled(i, gap);
    }
    sum_[i + 1] = sum_[i] + value_[i];
  }
}

double Series::filled(std::size_t i, std::size_t gap) const {
  const std::size_t day = spans_.day;
  if (i < day || !known(i - day)) return value_[i - 1];
  const std::size_t before = gap - std::min(gap, spans_.horizon);
  if (before < day || !known(before - day)) return value_[i - day];
  // Chosen on series with holes of 2 to 23 hours (docs/models.md).
  constexpr double kDayShare = 0.25;  // of the day's mean: steadies a ratio of few requests
  constexpr double kHalfLifeDays = 0.125;
  constexpr double kMost = 10;
  const double steady = kDayShare * mean(gap - day, gap);
  const double now = sum(before, gap) + steady;
  const double then = sum(before - day, gap - day) + steady;
  if (now <= 0 || then <= 0) return value_[i - day];
  const double age = static_cast<double>(i - gap) / static_cast<double>(day);
  const double ratio = std::clamp(now / then, 1 / kMost, kMost);
  return value_[i - day] * std::pow(ratio, std::exp2(-age / kHalfLifeDays));
}

Series Series::divided_by(const std::vector<double>& now,
                          const std::vector<Hindsight>& later) const {
  Series divided = *this;
  divided.later_.clear();
  for (std::size_t i = 0; i < size(); ++i) {
    divided.value_[i] = value_[i] / now[i];
    divided.sum_[i + 1] = divided.sum_[i] + divided.value_[i];
  }
  for (const auto& [age, divisor] : later) {
    Seen seen{age, std::vector<double>(size() + 1, 0.0)};
    for (std::size_t i = 0; i < size(); ++i)
      seen.sums[i + 1] = seen.sums[i] + value_[i] / divisor[i];
    divided.later_.push_back(std::move(seen));
  }
  return divided;
}

double Series::horizon_sum_seen(std::size_t from, std::size_t origin) const {
  const std::vector<double>* sums = &sum_;
  for (const Seen& seen : later_)
    if (origin - from >= seen.age) sums = &seen.sums;
  return (*sums)[from + spans_.horizon] - (*sums)[from];
}

double Series::mean(std::size_t from, std::size_t to) const {
  const std::size_t known = to > from ? known_[to] - known_[from] : 0;
  if (known == 0) return 0;
  return sum(from, to) * static_cast<double>(spans_.horizon) / static_cast<double>(known);
}

bool Series::enough_history(std::size_t origin) const {
  // Even then the model was closer than what stands in for it, on every series with holes
  // (docs/models.md).
  constexpr double kEnough = 0.1;
  const std::size_t history = spans_.history;
  return origin >= first_observed_ + history &&
         static_cast<double>(observed(origin - history, origin)) >=
             kEnough * static_cast<double>(history);
}

double Series::scale(std::size_t origin) const {
  constexpr double kWeekShare = 0.25;
  constexpr double kAllShare = 0.02;
  constexpr double kSmallest = 1e-6;  // a series of zeros
  const auto back = [&](std::size_t span) { return origin - std::min(span, origin); };
  return std::max({mean(back(spans_.day), origin), kWeekShare * mean(back(spans_.week), origin),
                   kAllShare * mean(0, origin), kSmallest});
}

}  // namespace tidelimit::forecast
