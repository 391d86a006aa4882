#include "forecast/intervals.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace tidelimit::forecast {

namespace {

constexpr double kHalfLifeDays = 7;
/// How many residuals the prior's samples weigh together.
constexpr double kPriorResiduals = 12;
/// How far one miss moves a level. Of 0.01, 0.02 and 0.05, the largest under which the pinball loss
/// of quiet series did not suffer (docs/models.md).
constexpr double kStep = 0.02;

/// How many equally weighted residuals would tell as much.
double effective_size(const std::vector<Residual>& sample) {
  double sum = 0;
  double squares = 0;
  for (const Residual& r : sample) {
    sum += r.weight;
    squares += r.weight * r.weight;
  }
  return sum * sum / squares;
}

/// Share of `residual`'s rank among the weights; equal ones count half: a forecast that is always
/// exact is in the middle, and never missed.
double rank_in(const std::vector<Residual>& sample, double residual) {
  double below = 0;
  double total = 0;
  for (const auto& [value, weight] : sample) {
    total += weight;
    below += value < residual ? weight : value == residual ? weight / 2 : 0;
  }
  return below / total;
}

/// The level at which to cut a sample of n, so that the next residual lies beyond as seldom as
/// beyond `level` of all there could be; and the level from which a cut comes.
double cut_at(double level, double n, bool upper) {
  const double inside = (upper ? level : 1 - level) * (n + 1) / n;
  return std::clamp(upper ? inside : 1 - inside, 0.0, 1.0);
}
double level_of(double cut, double n, bool upper) {
  const double inside = (upper ? cut : 1 - cut) * n / (n + 1);
  return upper ? inside : 1 - inside;
}

}  // namespace

Intervals::Intervals(const Spans& spans, std::span<const double> prior, std::size_t asked_from,
                     std::size_t adapts_from)
    : spans_(spans),
      asked_from_(asked_from),
      adapts_from_(adapts_from),
      prior_(prior.begin(), prior.end()) {
  const std::size_t horizons = kCalibratedDays * spans.day / spans.horizon + 1;
  for (std::size_t age = 0; age <= horizons; ++age) {
    weights_.push_back(std::exp2(-static_cast<double>(age * spans.horizon) /
                                 (kHalfLifeDays * static_cast<double>(spans.day))));
  }
}

double Intervals::weight(std::size_t then, std::size_t now) const {
  return weights_[std::min(now - then, weights_.size() - 1)];
}

std::span<const Intervals::Past> Intervals::known_at(std::size_t origin, std::size_t days) const {
  const auto before = [](const Past& past, std::size_t t) { return past.origin < t; };
  const std::size_t reach = days * spans_.day;
  const auto first =
      std::lower_bound(past_.begin(), past_.end(), origin > reach ? origin - reach : 0, before);
  const auto last = origin < spans_.horizon
                        ? first
                        : std::lower_bound(first, past_.end(), origin - spans_.horizon + 1, before);
  return {first, last};
}

std::vector<Residual> Intervals::sample_at(std::size_t origin) const {
  std::vector<Residual> sample;
  const auto known = known_at(origin, kCalibratedDays);
  sample.reserve(prior_.size() + known.size());
  for (const double value : prior_)
    sample.push_back({value, kPriorResiduals / static_cast<double>(prior_.size())});
  const std::size_t now = origin / spans_.horizon;
  for (const Past& past : known) sample.push_back({past.residual, weight(past.number, now)});
  return sample;
}

void Intervals::add(std::size_t origin, double residual) {
  assert(origin % spans_.horizon == 0 && (past_.empty() || past_.back().origin < origin));
  Past past{origin, origin / spans_.horizon, residual, 0, 1};
  if (origin + kAdaptedDays * spans_.day >= asked_from_ && origin >= adapts_from_) {
    const auto sample = sample_at(origin);
    past.rank = rank_in(sample, residual);
    past.size = effective_size(sample);
  }
  past_.push_back(past);
}

void Intervals::forget_before(std::size_t origin) {
  const std::size_t read = (kCalibratedDays + kAdaptedDays) * spans_.day;
  const auto old = [&](const Past& past) { return past.origin + read < origin; };
  past_.erase(past_.begin(), std::find_if_not(past_.begin(), past_.end(), old));
}

std::array<double, kQuantiles.size()> Intervals::levels_at(std::size_t origin) const {
  auto levels = kQuantiles;
  for (const Past& past : known_at(origin, kAdaptedDays)) {
    if (past.origin < adapts_from_) continue;
    for (std::size_t q = 0; q < levels.size(); ++q) {
      const double below = level_of(past.rank, past.size, q > kMedian) < levels[q] ? 1 : 0;
      // In the long run a share of kQuantiles[q] lies below the level, wherever it wanders.
      if (q != kMedian)
        levels[q] = std::clamp(levels[q] + kStep * (kQuantiles[q] - below), 0.0, 1.0);
    }
  }
  std::sort(levels.begin(), levels.end());
  return levels;
}

std::array<double, kQuantiles.size()> Intervals::at(std::size_t origin) const {
  auto sample = sample_at(origin);
  const double size = effective_size(sample);
  auto levels = levels_at(origin);
  for (std::size_t q = 0; q < levels.size(); ++q)
    if (q != kMedian) levels[q] = cut_at(levels[q], size, q > kMedian);
  return residual_quantiles(sample, levels);
}

}  // namespace tidelimit::forecast
