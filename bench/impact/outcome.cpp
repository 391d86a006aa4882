#include "impact/outcome.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tidelimit::impact {
namespace {

const double kLogStep = std::log(1.02);

}  // namespace

void Histogram::add(double ms) {
  const double at = ms <= 1 ? 0 : std::log(ms) / kLogStep;
  const auto bin = static_cast<std::size_t>(at);
  if (bin >= bins_.size()) bins_.resize(bin + 1, 0);
  ++bins_[bin];
  ++count_;
}

void Histogram::add(const Histogram& other) {
  if (other.bins_.size() > bins_.size()) bins_.resize(other.bins_.size(), 0);
  for (std::size_t i = 0; i < other.bins_.size(); ++i) bins_[i] += other.bins_[i];
  count_ += other.count_;
}

double Histogram::quantile(double part) const {
  if (count_ == 0) return std::numeric_limits<double>::quiet_NaN();
  const double rank = part * static_cast<double>(count_ - 1);
  double below = 0;
  for (std::size_t i = 0; i < bins_.size(); ++i) {
    below += bins_[i];
    if (below > rank) return std::exp((static_cast<double>(i) + 0.5) * kLogStep);
  }
  return std::exp(static_cast<double>(bins_.size()) * kLogStep);
}

void Group::add(const Group& other) {
  asked += other.asked;
  denied += other.denied;
  refused += other.refused;
  answered += other.answered;
  in_time += other.in_time;
  latency.add(other.latency);
  for (std::size_t i = 0; i < by_reason.size(); ++i) by_reason[i] += other.by_reason[i];
}

Group Outcome::sum(Phase phase, std::size_t offer, std::size_t tier) const {
  Group total;
  const auto& offers = good[static_cast<std::size_t>(phase)];
  for (std::size_t o = 0; o < offers.size(); ++o) {
    for (std::size_t t = 0; t < kTiers; ++t) {
      if ((offer == kAll || offer == o) && (tier == kAll || tier == t)) total.add(offers[o][t]);
    }
  }
  return total;
}

double Outcome::useful_work(Phase phase) const {
  double work = 0;
  const auto& offers = good[static_cast<std::size_t>(phase)];
  for (std::size_t o = 0; o < offers.size(); ++o) {
    for (const Group& group : offers[o])
      work += static_cast<double>(group.in_time) * kOffers[o].service_ms / 1e3;
  }
  return work;
}

double Outcome::useful_work() const {
  return useful_work(Phase::calm) + useful_work(Phase::spike) + useful_work(Phase::flood);
}

void Outcome::add(const Outcome& other) {
  for (std::size_t p = 0; p < kPhases; ++p) {
    for (std::size_t o = 0; o < kOffers.size(); ++o) {
      for (std::size_t t = 0; t < kTiers; ++t) good[p][o][t].add(other.good[p][o][t]);
    }
    attack[p].add(other.attack[p]);
  }
}

}  // namespace tidelimit::impact
