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

}  // namespace

Intervals::Intervals(const Spans& spans, std::span<const double> prior, std::size_t asked_from)
    : spans_(spans), asked_from_(asked_from), prior_(prior.begin(), prior.end()) {
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

double Intervals::rank_of(std::size_t origin, double residual) const {
  const double each = kPriorResiduals / static_cast<double>(prior_.size());
  double below = 0;
  double total = 0;
  const auto count = [&](double value, double weight) {
    total += weight;
    // Equal ones count half: a forecast that is always exact is in the middle, and never missed.
    below += value < residual ? weight : value == residual ? weight / 2 : 0;
  };
  const std::size_t now = origin / spans_.horizon;
  for (const double value : prior_) count(value, each);
  for (const Past& past : known_at(origin, kCalibratedDays))
    count(past.residual, weight(past.number, now));
  return below / total;
}

void Intervals::add(std::size_t origin, double residual) {
  assert(origin % spans_.horizon == 0 && (past_.empty() || past_.back().origin < origin));
  const bool read = origin + kAdaptedDays * spans_.day >= asked_from_;
  past_.push_back(
      {origin, origin / spans_.horizon, residual, read ? rank_of(origin, residual) : 0});
}

std::array<double, kQuantiles.size()> Intervals::levels_at(std::size_t origin) const {
  auto levels = kQuantiles;
  for (const Past& past : known_at(origin, kAdaptedDays)) {
    for (std::size_t q = 0; q < levels.size(); ++q) {
      const double below = past.rank < levels[q] ? 1 : 0;
      // In the long run a share of kQuantiles[q] lies below the level, wherever it wanders.
      if (q != kMedian)
        levels[q] = std::clamp(levels[q] + kStep * (kQuantiles[q] - below), 0.0, 1.0);
    }
  }
  std::sort(levels.begin(), levels.end());
  return levels;
}

std::array<double, kQuantiles.size()> Intervals::at(std::size_t origin) const {
  std::vector<Residual> known;
  known.reserve(prior_.size() + past_.size());
  for (const double value : prior_)
    known.push_back({value, kPriorResiduals / static_cast<double>(prior_.size())});
  const std::size_t now = origin / spans_.horizon;
  for (const Past& past : known_at(origin, kCalibratedDays))
    known.push_back({past.residual, weight(past.number, now)});
  return residual_quantiles(known, levels_at(origin));
}

}  // namespace tidelimit::forecast
