#include "forecast/recurrence.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace tidelimit::forecast {

namespace {

constexpr std::size_t kOccurrences = 4;
constexpr std::size_t kFewest = 2;
constexpr std::size_t kDaysAround = 3;   // before and after: never another week's same window
constexpr std::size_t kFewestDays = 3;   // of those six
constexpr double kHoursAround = 5;       // on each side; what recurs is shorter than that
constexpr double kLevelNoise = 0.1;      // of the level, from window to window
constexpr double kCoreSigmas = 4;        // it has a window as clear as this;
constexpr double kShoulderSigmas = 1.5;  // and reaches as far as its neighbours are this clear
constexpr double kSameHeight = 0.5;      // in logarithms: three times usual is like five times
constexpr double kSurgeOnTop = 1.2;      // one may bring a surge besides, of three times
constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

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

constexpr double kHalf = 0.5;       // of a request: keeps empty windows finite
constexpr double kAnyLevel = 1000;  // in place of the days around: the hours around divide it out

/// What window i is measured by before the hours around are; NaN where unknown.
double usual_at(const Series& series, const Rhythm& rhythm, std::size_t i) {
  if (!series.all_observed(i, i + 1)) return kUnknown;
  return rhythm.beside_days ? days_around(series, i) : kAnyLevel;
}

double ratio_at(const Series& series, const Rhythm& rhythm, std::size_t i) {
  return std::log((series.at(i) + kHalf) / (usual_at(series, rhythm, i) + kHalf));
}

/// `ratios`: of the hours around window i, itself among them, as far as they exist.
Excess excess_of(const Series& series, const Rhythm& rhythm, std::size_t i,
                 std::span<const double> ratios, double ratio, std::vector<double>& near) {
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
  const double fewest =
      std::min(series.at(i), usual_at(series, rhythm, i) * std::exp(level)) + kHalf;
  const double modelled = std::hypot(kLevelNoise, std::sqrt(1.0 / fewest));
  return {ratio - level, std::max(seen, modelled)};
}

/// Adds the excess of every window whose surroundings have passed: no later window changes it, and
/// none of the others is asked for.
void extend_excess(std::vector<Excess>& excess, const Series& series, const Rhythm& rhythm) {
  const std::size_t reach = hours_around(series.spans());
  const std::size_t behind = surroundings(series.spans(), rhythm);
  const std::size_t end = series.size() > behind ? series.size() - behind : 0;
  if (excess.size() >= end) return;
  const std::size_t first = excess.size() - std::min(excess.size(), reach);
  std::vector<double> ratios;
  for (std::size_t i = first; i < end + reach; ++i) ratios.push_back(ratio_at(series, rhythm, i));
  std::vector<double> near;
  for (std::size_t i = excess.size(); i < end; ++i) {
    const std::size_t from = i - std::min(i, reach) - first;
    const std::size_t to = i + reach + 1 - first;
    excess.push_back(excess_of(series, rhythm, i, std::span(ratios).subspan(from, to - from),
                               ratios[i - first], near));
  }
}

/// Of occurrences that are known, newest first; reorders them. All but one of three or four must
/// agree, both of two: then one wild week makes no event, and an event that stops is forgotten
/// after two weeks without it.
Evidence agreement(std::span<Excess> known, bool newest_agrees) {
  if (known.size() < kFewest) return {};
  const double sum = std::accumulate(known.begin(), known.end(), 0.0,
                                     [](double a, const Excess& e) { return a + e.log; });
  const double sign = sum < 0 ? -1 : 1;
  const double newest = sign * known.front().log;
  std::sort(known.begin(), known.end(),
            [sign](const Excess& a, const Excess& b) { return sign * a.log < sign * b.log; });
  const double weakest = sign * known[known.size() > kFewest ? 1 : 0].log;
  const double least = 0.5 * weakest;
  if (weakest <= 0 || (newest_agrees && newest < least)) return {};
  std::array<double, kOccurrences> agreeing{};
  std::size_t m = 0;
  double variance = 0;
  for (const Excess& e : known) {
    if (sign * e.log < least) continue;
    agreeing[m++] = e.log;
    variance += e.sigma * e.sigma;
  }
  Evidence evidence;
  evidence.log = median(std::span(agreeing).first(m));
  // Heights that have nothing to do with each other are bursts, not a habit.
  const double largest = sign * known.back().log - sign * evidence.log;
  if (sign * evidence.log - weakest > kSameHeight || largest > kSurgeOnTop) return {};
  evidence.sigma = std::sqrt(variance) / static_cast<double>(m);
  evidence.weakest = sign * weakest;
  evidence.occurrences = known.size();
  evidence.sigmas = evidence.weakest / evidence.sigma;
  return evidence;
}

/// Whether chance brings the like to some window of a period less than once in ten periods: in
/// traffic full of spikes, two of them at the same hour mean nothing. How frequent spikes are is
/// counted in the periods before, without those that recur.
bool beyond_chance(const std::vector<Excess>& excess, std::size_t i, std::size_t period,
                   const Evidence& e) {
  constexpr double kAlmost = 0.75;
  constexpr double kMostFalse = 0.1;
  const std::size_t last = i - period + 1;
  const std::size_t first = last - std::min(last, kOccurrences * period);
  const auto high = [&](std::size_t k) { return excess[k].log / e.weakest > kAlmost; };
  double spikes = 1;
  double windows = 1;
  for (std::size_t k = first; k < last; ++k) {
    if (std::isnan(excess[k].log)) continue;
    windows += 1;
    const bool recurs =
        (k >= first + period && high(k - period)) || (k + period < last && high(k + period));
    if (high(k) && !recurs) spikes += 1;
  }
  std::size_t agreeing = 0;
  for (std::size_t k = 1; k <= kOccurrences && k * period <= i; ++k)
    agreeing += high(i - k * period) ? 1 : 0;
  const bool all = agreeing >= e.occurrences;
  const double ways = all ? 1 : static_cast<double>(e.occurrences);
  const auto agree = static_cast<double>(all ? e.occurrences : e.occurrences - 1);
  return ways * std::pow(spikes / windows, agree) * static_cast<double>(period) < kMostFalse;
}

bool is_clear(const Evidence& e, const Rhythm& rhythm) {
  return e.sigmas > kCoreSigmas ? e.weakest > rhythm.rise
                                : e.sigmas < -kCoreSigmas && e.weakest < -rhythm.fall;
}

Evidence weigh(const std::vector<Excess>& excess, std::size_t i, const Rhythm& rhythm) {
  std::array<Excess, kOccurrences> before{};
  std::size_t n = 0;
  for (std::size_t k = 1; k <= kOccurrences && k * rhythm.period <= i; ++k) {
    const Excess& e = excess[i - k * rhythm.period];
    if (!std::isnan(e.log)) before[n++] = e;
  }
  const auto evidence_of = [&](std::size_t newest) {
    auto known = before;
    Evidence evidence = agreement(std::span(known).first(newest), rhythm.newest_agrees);
    evidence.core = is_clear(evidence, rhythm) && beyond_chance(excess, i, rhythm.period, evidence);
    return evidence;
  };
  const Evidence evidence = evidence_of(n);
  if (evidence.core || !rhythm.newest_agrees || n <= kFewest) return evidence;
  const Evidence newest = evidence_of(kFewest);
  return newest.core ? newest : evidence;
}

bool is_shoulder(const Evidence& e, const Evidence& of) {
  return e.sigmas * of.sigmas > 0 && std::fabs(e.sigmas) > kShoulderSigmas;
}

}  // namespace

double median(std::span<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

std::size_t surroundings(const Spans& spans, const Rhythm& rhythm) {
  return (rhythm.beside_days ? kDaysAround * spans.day : 0) + hours_around(spans);
}

void extend(RecurrenceMemory& memory, const Series& series, const Rhythm& rhythm, std::size_t end) {
  extend_excess(memory.excess, series, rhythm);
  while (memory.evidence.size() < end)
    memory.evidence.push_back(weigh(memory.excess, memory.evidence.size(), rhythm));
}

std::vector<bool> recurring(const std::vector<Evidence>& evidence, std::size_t horizon) {
  const std::size_t end = evidence.size();
  std::vector<bool> taken(end);
  for (std::size_t i = 0; i < end; ++i) {
    if (!evidence[i].core) continue;
    taken[i] = true;
    for (std::size_t k = i; k > 0 && i - k < horizon; --k) {
      if (!is_shoulder(evidence[k - 1], evidence[i])) break;
      taken[k - 1] = true;
    }
    for (std::size_t k = i + 1; k < end && k - i <= horizon; ++k) {
      if (!is_shoulder(evidence[k], evidence[i])) break;
      taken[k] = true;
    }
  }
  return taken;
}

}  // namespace tidelimit::forecast
