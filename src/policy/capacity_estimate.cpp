#include "policy/capacity_estimate.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/seconds.hpp"
#include "policy/rates.hpp"

namespace tidelimit::policy {
namespace {

constexpr double kFull = 3.0;         // times the usual latency: everything waits
constexpr double kWaiting = 1.5;      // times: something waits
constexpr double kProbeEnds = 2.0;    // times, in one look
constexpr double kLeastAnswers = 20;  // of a round; fewer do not say that the service is full
constexpr Nanos kPatience = std::chrono::seconds{20};  // of a round that has fewer
constexpr double kLeastOfLook = 10;                    // answers, that say something is waiting
constexpr double kLeastInFlight = 2;  // even one worker has so many where answers take thrice
constexpr double kLeastPart = 0.5;    // of the estimate, that one round's fall aims at
constexpr double kWithin = 1.05;      // of the estimate: no more than this is let in
constexpr double kDown = 0.3;         // of the way to a lower figure, a round
constexpr double kProbe = 1.2;
constexpr double kLeastProbe = 0.5;  // work a second more
constexpr Nanos kProbeEvery = std::chrono::minutes{1};
constexpr Nanos kRarestProbe = std::chrono::minutes{5};
constexpr double kDrain = 0.5;     // of what is served, let in while it drains
constexpr int kLongestDrain = 12;  // rounds
constexpr int kDoubted = 12;       // rounds after a drain

}  // namespace

void CapacityEstimate::Answers::operator+=(const Answers& more) {
  count += more.count;
  latency_ms += more.latency_ms;
  usual_ms += more.usual_ms;
}

CapacityEstimate::CapacityEstimate(std::optional<double> ceiling, std::vector<double> costs)
    : ceiling_(ceiling), costs_(std::move(costs)), usual_(costs_.size()) {}

void CapacityEstimate::inherit(const CapacityEstimate& older, bool same, double work) {
  if (same) usual_ = older.usual_;
  if (older.per_second_) per_second_ = *older.per_second_ * work;
  if (per_second_ && ceiling_) per_second_ = std::min(*per_second_, *ceiling_);
  at_least_ = older.at_least_ * work;
  if (!same) return;
  latency_ratio_ = older.latency_ratio_;
  probe_every_ = older.probe_every_;
  since_probe_ = older.since_probe_;
  drain_ = older.drain_ * work;
  drain_rounds_ = older.drain_rounds_;
  doubted_ = older.doubted_;
}

std::optional<double> CapacityEstimate::to_let_in() const {
  if (!per_second_) return ceiling_;
  double wanted = *per_second_;
  if (probing_) wanted = std::max(wanted * kProbe, wanted + kLeastProbe);
  if (drain_ > 0) wanted = std::min(wanted, drain_);
  return ceiling_ ? std::min(wanted, *ceiling_) : wanted;
}

void CapacityEstimate::update(const std::vector<const EndpointLoad*>& loads, Nanos span,
                              double beyond_reach, bool scarce) {
  const Answers answers = gather(loads, span);
  round_.answers += answers;
  round_.span += span;
  since_probe_ += span;
  if (probing_) watch_probe(answers);
  const bool patient = round_.answers.count < kLeastAnswers && round_.span < kPatience;
  if (round_.span < kRound || patient) return;
  judge(beyond_reach);
  choose_probe(scarce && std::isfinite(beyond_reach));
  round_ = {};
}

CapacityEstimate::Answers CapacityEstimate::gather(const std::vector<const EndpointLoad*>& loads,
                                                   Nanos span) {
  Answers answers;
  for (std::size_t e = 0; e < costs_.size(); ++e) {
    if (loads[e] == nullptr) continue;
    const EndpointLoad& load = *loads[e];
    for (const double asked : load.asked) round_.asked += asked * costs_[e];
    const auto usual = usual_[e].ms();
    round_.served += load.done(usual) * costs_[e];
    answers.count += load.served.count;
    if (usual && load.served.count > 0) {
      answers.latency_ms += load.served.latency_ms_sum;
      answers.usual_ms += *usual * load.served.count;
    }
    usual_[e].add(load, span, latency_ratio_ >= kWaiting);
  }
  return answers;
}

/// Ends a probe at the first sign of waiting.
void CapacityEstimate::watch_probe(const Answers& answers) {
  look_ += answers;
  if (look_.count < kLeastOfLook) return;
  if (look_.ratio() >= kProbeEnds) {
    probing_ = false;
    probe_every_ = std::min(2 * probe_every_, kRarestProbe);
    doubted_ = 0;  // what waits now was let in to see whether it would
  }
  look_ = {};
}

void CapacityEstimate::judge(double beyond_reach) {
  latency_ratio_ = round_.answers.ratio();
  if (latency_ratio_ == 0) {
    drain_ = 0;
    return;
  }
  const double span_s = in_seconds(round_.span);
  const double served = round_.served / span_s;
  const bool can_drain = beyond_reach <= kDrain * served;
  if (!can_drain) drain_ = 0;
  if (drain_ > 0) ++drain_rounds_;
  // So many arrivals have chance in them (Poisson): what is certain is a deviation less.
  const double deviation = served / std::sqrt(std::max(round_.answers.count, 1.0));
  const double certain = served - deviation;
  const double in_flight = round_.answers.latency_ms * 1e-3 / span_s;  // Little's law
  probe_paid_ = false;
  doubted_ = std::max(doubted_ - 1, 0);
  const bool probed = probing_ || echo_;
  const double found = probed ? served : certain;
  if (drain_ > 0 && latency_ratio_ < kFull) {
    drain_ = 0;
    doubted_ = kDoubted;
  }
  if (latency_ratio_ < kWaiting) {
    if (probed && per_second_ && served + deviation > *per_second_) {
      probe_paid_ = true;
      probe_every_ = kProbeEvery;
    }
    if (per_second_) per_second_ = std::max(*per_second_, found);
  } else if (latency_ratio_ >= kFull && round_.answers.count >= kLeastAnswers &&
             in_flight >= kLeastInFlight) {
    fill(served, certain, round_.asked / span_s, can_drain);
  }
  at_least_ = std::max(at_least_, certain);
  if (per_second_ && ceiling_) per_second_ = std::min(*per_second_, *ceiling_);
}

/// The service was full, and served so much.
void CapacityEstimate::fill(double served, double certain, double asked, bool can_drain) {
  if (!per_second_) {
    per_second_ = std::max(served, at_least_);
    return;
  }
  const double thought = *per_second_;
  if (certain > thought) per_second_ = certain;
  if (can_drain && served < thought && served * latency_ratio_ >= thought &&
      asked <= kWithin * thought)
    judge_fall(served);
}

/// It served less than it should, of no more than it should: once it is drained, and only if that
/// comes again or the drain does not end, is it believed.
void CapacityEstimate::judge_fall(double served) {
  if (drain_ == 0 && doubted_ == 0) {
    drain_ = kDrain * served;
    drain_rounds_ = 0;
    return;
  }
  if (drain_ > 0 && drain_rounds_ < kLongestDrain) return;
  drain_ = 0;
  doubted_ = kDoubted;
  const double thought = *per_second_;
  per_second_ = thought + kDown * (std::max(served, kLeastPart * thought) - thought);
  at_least_ = std::min(at_least_, *per_second_);
}

void CapacityEstimate::choose_probe(bool limiting) {
  const bool calm = latency_ratio_ > 0 && latency_ratio_ < kWaiting;
  echo_ = probing_;
  probing_ = limiting && calm && per_second_ && (probe_paid_ || since_probe_ >= probe_every_);
  if (!probing_) return;
  since_probe_ = Nanos{0};
  look_ = {};
}

}  // namespace tidelimit::policy
