#include "forecast/events.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace tidelimit::forecast {

namespace {

constexpr std::size_t kShortestDay = 24;  // windows; coarser ones hold no event apart
constexpr double kLargest = 7.0;          // log 1100
constexpr double kNone = std::numeric_limits<double>::infinity();

/// A rush, or a lull: log 1.3 and 0.75; smaller ones the members can have.
Rhythm weekly(const Spans& spans) {
  return {.period = spans.week, .beside_days = true, .rise = 0.262, .fall = 0.288};
}

/// log 3.
Rhythm daily(const Spans& spans) {
  return {.period = spans.day, .newest_agrees = true, .rise = 1.1, .fall = kNone};
}

/// What the newest occurrence's excess knows must lie before the origin of any forecast of the
/// window, and `ahead` before that.
bool fits(const Spans& spans, const Rhythm& rhythm, std::size_t ahead) {
  return spans.day >= kShortestDay &&
         surroundings(spans, rhythm) + 2 * spans.horizon + ahead < rhythm.period;
}

/// Leans towards nothing by the noise.
double shrunk(const Evidence& e) {
  const double square = e.log * e.log;
  return std::clamp(e.log * square / (square + e.sigma * e.sigma), -kLargest, kLargest);
}

}  // namespace

Events::Events(const Series& series) {
  EventsMemory memory;
  *this = Events(series, memory);
}

Events::Events(const Series& series, EventsMemory& memory)
    : horizon_(series.spans().horizon),
      day_(series.spans().day),
      week_(series.spans().week),
      jobs_(series.size() + horizon_, 0.0) {
  const Spans& s = series.spans();
  const std::vector<double> ones(series.size() + horizon_, 1.0);
  weekly_ = daily_ = {ones, {}, false};
  // A day early, for horizons a little after the same hours of a week ago.
  if (!fits(s, weekly(s), s.day)) return;
  weekly_ = divisors(series, weekly(s), memory.weekly);
  const Series without_weekly = weekly_.any ? calm(series) : series;
  if (!fits(s, daily(s), 0)) return;
  daily_ = divisors(without_weekly, daily(s), memory.daily);
  if (daily_.any) find_jobs(without_weekly, memory.daily);
}

Events::Divisors Events::divisors(const Series& series, const Rhythm& rhythm,
                                  RecurrenceMemory& memory) {
  const std::size_t horizon = series.spans().horizon;
  Divisors found{std::vector<double>(series.size() + horizon, 1.0), {}, false};
  // A horizon more than is asked for: the last windows may be the shoulder of what follows.
  extend(memory, series, rhythm, found.divisor.size() + horizon);
  const auto taken = recurring(memory.evidence, horizon);
  for (std::size_t i = 0; i < found.divisor.size(); ++i) {
    if (!taken[i]) continue;
    found.divisor[i] = std::exp(shrunk(memory.evidence[i]));
    found.any = true;
  }
  if (!found.any) return found;
  // In hindsight, the first occurrences of what was to recur are no riddle.
  constexpr std::size_t kPeriods = 2;
  for (std::size_t periods = 1; periods <= kPeriods; ++periods) {
    auto later = periods == 1 ? found.divisor : found.in_hindsight.back();
    const std::size_t on = periods * rhythm.period;
    for (std::size_t i = 0; i + on < found.divisor.size() && i < series.size(); ++i) {
      const double log = std::log(found.divisor[i + on]);
      if (later[i] == 1.0 && log != 0.0 && memory.excess[i].log / log > 0.5)
        later[i] = std::exp(log);
    }
    found.in_hindsight.push_back(std::move(later));
  }
  return found;
}

// The median of what was above the level on those of the days before that agree.
void Events::find_jobs(const Series& series, const RecurrenceMemory& memory) {
  constexpr std::size_t kDays = 4;
  for (std::size_t i = 0; i < jobs_.size(); ++i) {
    if (daily_.divisor[i] == 1.0) continue;
    std::array<double, kDays> sizes{};
    std::size_t n = 0;
    for (std::size_t k = 1; k <= kDays && k * day_ <= i; ++k) {
      const double excess = memory.excess[i - k * day_].log;
      if (!(excess > 0.5 * memory.evidence[i].weakest)) continue;
      sizes[n++] = series.at(i - k * day_) * (1 - std::exp(-excess));
    }
    jobs_[i] = n == 0 ? 0 : median(std::span(sizes).first(n));
  }
}

double Events::on_top_of(double calm, std::size_t origin) const {
  double factors = 0;
  double jobs = 0;
  for (std::size_t i = origin; i < origin + horizon_; ++i) {
    factors += factor(i);
    jobs += job(i);
  }
  return calm * factors / static_cast<double>(horizon_) + jobs;
}

Series Events::calm(const Series& series) const {
  if (!any()) return series;
  const std::size_t n = series.size();
  const auto both = [n](const std::vector<double>& a, const std::vector<double>& b) {
    std::vector<double> product(n);
    std::transform(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(n), b.begin(),
                   product.begin(), std::multiplies<>());
    return product;
  };
  std::vector<Hindsight> later;
  if (daily_.any) {
    for (std::size_t k = 0; k < daily_.in_hindsight.size(); ++k)
      later.push_back({(k + 1) * day_, both(weekly_.divisor, daily_.in_hindsight[k])});
  }
  if (weekly_.any) {
    const auto& days = daily_.any ? daily_.in_hindsight.back() : daily_.divisor;
    for (std::size_t k = 0; k < weekly_.in_hindsight.size(); ++k)
      later.push_back({(k + 1) * week_ - day_, both(weekly_.in_hindsight[k], days)});
  }
  return series.divided_by(both(weekly_.divisor, daily_.divisor), later);
}

}  // namespace tidelimit::forecast
