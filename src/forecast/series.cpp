#include "forecast/series.hpp"

#include <algorithm>

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
    : spans_(spans), value_(stats.size()), sum_(stats.size() + 1), observed_(stats.size() + 1) {
  first_observed_ = stats.size();
  for (std::size_t i = 0; i < stats.size(); ++i) {
    if (stats[i].observed) {
      value_[i] = stats[i].requests;
      first_observed_ = std::min(first_observed_, i);
    } else if (i >= spans.day && i - spans.day >= first_observed_) {
      value_[i] = value_[i - spans.day];
    } else if (i > 0) {
      value_[i] = value_[i - 1];
    }
    sum_[i + 1] = sum_[i] + value_[i];
    observed_[i + 1] = observed_[i] + (stats[i].observed ? 1 : 0);
  }
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
  if (to <= from) return 0;
  return sum(from, to) * static_cast<double>(spans_.horizon) / static_cast<double>(to - from);
}

double Series::scale(std::size_t origin) const {
  constexpr double kWeekShare = 0.25;
  constexpr double kAllShare = 0.02;
  constexpr double kSmallest = 1e-6;  // a series of zeros
  const std::size_t start = std::min(first_observed_, origin);
  const auto back = [&](std::size_t span) { return origin - std::min(span, origin - start); };
  return std::max({mean(back(spans_.day), origin), kWeekShare * mean(back(spans_.week), origin),
                   kAllShare * mean(start, origin), kSmallest});
}

}  // namespace tidelimit::forecast
