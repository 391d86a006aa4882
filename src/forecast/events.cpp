#include "forecast/events.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>

namespace tidelimit::forecast {

namespace {

constexpr std::size_t kWeeks = 4;
constexpr std::size_t kFewestWeeks = 2;
constexpr std::size_t kDaysAround = 3;    // before and after: never another week's same window
constexpr std::size_t kFewestDays = 3;    // of those six
constexpr std::size_t kShortestDay = 24;  // windows; coarser ones hold no event apart
constexpr double kHoursAround = 5;        // on each side; an event is shorter than that
constexpr double kLevelNoise = 0.1;       // of the level, from window to window
constexpr double kRise = 0.262;           // log 1.3: smaller events the members can have
constexpr double kFall = 0.288;           // log 0.75
constexpr double kCoreSigmas = 4;         // an event has a window as clear as this;
constexpr double kShoulderSigmas = 1.5;   // and reaches as far as its neighbours are this clear
constexpr double kSameHeight = 0.5;       // in logarithms: three times usual is like five times
constexpr double kSurgeOnTop = 1.2;       // a week may bring a surge besides, of three times
constexpr double kLargest = 3.0;          // log 20
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

/// Reorders `values`; not empty.
double median(std::span<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

/// The median of the same time on the days around window i.
double days_around(const Series& series, std::size_t i) {
  const std::size_t day = series.spans().day;
  std::array<double, 2 * kDaysAround> days{};
  std::size_t n = 0;
  for (std::size_t d = 1; d <= kDaysAround; ++d) {
    if (i >= d * day && series.all_observed(i - d * day, i - d * day + 1)) {
      days[n++] = series.at(i - d * day);
    }
    if (i + d * day < series.size() && series.all_observed(i + d * day, i + d * day + 1)) {
      days[n++] = series.at(i + d * day);
    }
  }
  return n < kFewestDays ? kUnknown : median(std::span(days).first(n));
}

std::size_t hours_around(const Spans& spans) {
  return static_cast<std::size_t>(std::ceil(kHoursAround / 24 * static_cast<double>(spans.day)));
}

/// So many windows after one have a say in its excess.
std::size_t surroundings(const Spans& spans) {
  return kDaysAround * spans.day + hours_around(spans);
}

double usual_at(const Series& series, std::size_t i) {
  return series.all_observed(i, i + 1) ? days_around(series, i) : kUnknown;
}

constexpr double kHalf = 0.5;  // of a request: keeps empty windows finite

/// Logarithm of the window over the days around it; NaN where unknown.
double ratio_at(const Series& series, std::size_t i) {
  return std::log((series.at(i) + kHalf) / (usual_at(series, i) + kHalf));
}

/// `ratio`: of the hours around window i, itself among them, as far as they exist.
Excess excess_of(const Series& series, std::size_t i, std::span<const double> ratios, double ratio,
                 std::vector<double>& near) {
  if (std::isnan(ratio)) return {};
  near.clear();
  for (const double r : ratios) {
    if (!std::isnan(r)) near.push_back(r);
  }
  if (near.size() <= hours_around(series.spans())) return {};
  const double level = median(near);
  for (double& r : near) r = std::fabs(r - level);
  constexpr double kSigmaOfMad = 1.4826;
  const double seen = kSigmaOfMad * median(near);
  // Poisson noise of the window and of its reference, on top of the level's.
  const double fewest = std::min(series.at(i), usual_at(series, i) * std::exp(level)) + kHalf;
  const double modelled = std::hypot(kLevelNoise, std::sqrt(1.0 / fewest));
  return {ratio - level, std::max(seen, modelled)};
}

/// Adds the excess of every window whose surroundings have passed: no later window changes it, and
/// none of the others is asked for.
void extend(std::vector<Excess>& excess, const Series& series) {
  const std::size_t reach = hours_around(series.spans());
  const std::size_t behind = surroundings(series.spans());
  const std::size_t end = series.size() > behind ? series.size() - behind : 0;
  if (excess.size() >= end) return;
  const std::size_t first = excess.size() - std::min(excess.size(), reach);
  std::vector<double> ratios;
  for (std::size_t i = first; i < end + reach; ++i) ratios.push_back(ratio_at(series, i));
  std::vector<double> near;
  for (std::size_t i = excess.size(); i < end; ++i) {
    const std::size_t from = i - std::min(i, reach) - first;
    const std::size_t to = i + reach + 1 - first;
    excess.push_back(
        excess_of(series, i, std::span(ratios).subspan(from, to - from), ratios[i - first], near));
  }
}

Evidence agreement(const std::vector<Excess>& excess, std::size_t i, std::size_t week) {
  std::array<Excess, kWeeks> known{};
  std::size_t n = 0;
  double sum = 0;
  for (std::size_t k = 1; k <= kWeeks && k * week <= i; ++k) {
    const Excess& e = excess[i - k * week];
    if (std::isnan(e.log)) continue;
    known[n++] = e;
    sum += e.log;
  }
  if (n < kFewestWeeks) return {};
  const double sign = sum < 0 ? -1 : 1;
  const auto weeks = std::span(known).first(n);
  std::sort(weeks.begin(), weeks.end(),
            [sign](const Excess& a, const Excess& b) { return sign * a.log < sign * b.log; });
  // All but one of three or four must agree, both of two: then one wild week makes no event, and
  // an event that stops is forgotten after two weeks without it.
  const std::size_t first = n > kFewestWeeks ? 1 : 0;
  const double weakest = sign * weeks[first].log;
  if (weakest <= 0) return {};
  std::array<double, kWeeks> agreeing{};
  std::size_t m = 0;
  double variance = 0;
  for (const Excess& e : weeks) {
    if (sign * e.log < 0.5 * weakest) continue;
    agreeing[m++] = e.log;
    variance += e.sigma * e.sigma;
  }
  const auto count = static_cast<double>(m);
  Evidence evidence;
  evidence.log = median(std::span(agreeing).first(m));
  // Weeks of heights that have nothing to do with each other are bursts, not a habit.
  const double largest = sign * weeks.back().log - sign * evidence.log;
  if (sign * evidence.log - weakest > kSameHeight || largest > kSurgeOnTop) return {};
  evidence.sigma = std::sqrt(variance) / count;
  evidence.weakest = sign * weakest;
  evidence.weeks = n;
  evidence.sigmas = evidence.weakest / evidence.sigma;
  return evidence;
}

/// Whether chance brings such an event to some window of a week less than once in ten weeks: in
/// traffic full of spikes, two of them at the same hour mean nothing. How frequent spikes are is
/// counted in the weeks before, without those that recur.
bool beyond_chance(const std::vector<Excess>& excess, std::size_t i, const Spans& s,
                   const Evidence& e) {
  constexpr double kAlmost = 0.75;
  constexpr double kMostFalse = 0.1;
  const std::size_t last = i - s.week + 1;
  const std::size_t first = last - std::min(last, kWeeks * s.week);
  const auto high = [&](std::size_t k) { return excess[k].log / e.weakest > kAlmost; };
  double spikes = 1;
  double windows = 1;
  for (std::size_t k = first; k < last; ++k) {
    if (std::isnan(excess[k].log)) continue;
    windows += 1;
    const bool recurs =
        (k >= first + s.week && high(k - s.week)) || (k + s.week < last && high(k + s.week));
    if (high(k) && !recurs) spikes += 1;
  }
  const double ways = e.weeks > kFewestWeeks ? static_cast<double>(e.weeks) : 1;
  const auto agree = static_cast<double>(e.weeks > kFewestWeeks ? e.weeks - 1 : e.weeks);
  return ways * std::pow(spikes / windows, agree) * static_cast<double>(s.week) < kMostFalse;
}

bool is_clear(const Evidence& e) {
  return e.sigmas > kCoreSigmas ? e.weakest > kRise : e.sigmas < -kCoreSigmas && e.weakest < -kFall;
}

Evidence weigh(const std::vector<Excess>& excess, std::size_t i, const Spans& spans) {
  Evidence evidence = agreement(excess, i, spans.week);
  evidence.core = is_clear(evidence) && beyond_chance(excess, i, spans, evidence);
  return evidence;
}

bool is_shoulder(const Evidence& e, const Evidence& of) {
  return e.sigmas * of.sigmas > 0 && std::fabs(e.sigmas) > kShoulderSigmas;
}

}  // namespace

Events::Events(const Series& series) {
  EventsMemory memory;
  *this = Events(series, memory);
}

Events::Events(const Series& series, EventsMemory& memory)
    : horizon_(series.spans().horizon), factors_(series.size() + horizon_, 1.0) {
  const Spans& s = series.spans();
  // What the newest week's excess knows must lie before the origin of any forecast of window i, and
  // a day before that (Series::horizon_sum_seen).
  if (s.day < kShortestDay || surroundings(s) + 2 * horizon_ + s.day >= s.week) return;
  const auto& excess = memory.excess;
  auto& evidence = memory.evidence;
  extend(memory.excess, series);
  // A horizon more than is asked for: the last windows may be the shoulder of what follows.
  const std::size_t end = factors_.size() + horizon_;
  while (evidence.size() < end) evidence.push_back(weigh(excess, evidence.size(), s));
  std::vector<bool> taken(end);
  for (std::size_t i = 0; i < end; ++i) {
    if (!evidence[i].core) continue;
    taken[i] = true;
    for (std::size_t k = i; k > 0 && i - k < horizon_; --k) {
      if (!is_shoulder(evidence[k - 1], evidence[i])) break;
      taken[k - 1] = true;
    }
    for (std::size_t k = i + 1; k < end && k - i <= horizon_; ++k) {
      if (!is_shoulder(evidence[k], evidence[i])) break;
      taken[k] = true;
    }
  }
  for (std::size_t i = 0; i < factors_.size(); ++i) {
    if (!taken[i]) continue;
    const Evidence& e = evidence[i];
    const double square = e.log * e.log;
    const double log = e.log * square / (square + e.sigma * e.sigma);
    factors_[i] = std::exp(std::clamp(log, -kLargest, kLargest));
    any_ = true;
  }
  if (!any_) return;
  // In hindsight, the first occurrences of what was to recur are no riddle.
  later_.fill(factors_);
  for (std::size_t weeks = 1; weeks <= later_.size(); ++weeks) {
    auto& later = later_[weeks - 1];
    if (weeks > 1) later = later_[weeks - 2];
    for (std::size_t i = 0; i + weeks * s.week < factors_.size() && i < series.size(); ++i) {
      const double log = std::log(factors_[i + weeks * s.week]);
      if (later[i] == 1.0 && log != 0.0 && excess[i].log / log > 0.5) later[i] = std::exp(log);
    }
  }
}

double Events::horizon_factor(std::size_t origin) const {
  const auto first = factors_.begin() + static_cast<std::ptrdiff_t>(origin);
  return std::accumulate(first, first + static_cast<std::ptrdiff_t>(horizon_), 0.0) /
         static_cast<double>(horizon_);
}

Series Events::calm(const Series& series) const {
  return any_ ? series.divided_by(factors_, later_) : series;
}

}  // namespace tidelimit::forecast
