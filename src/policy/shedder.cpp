#include "policy/shedder.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <string_view>

#include "base/seconds.hpp"
#include "policy/rates.hpp"
#include "policy/words.hpp"

namespace tidelimit::policy {
namespace {

constexpr double kLeastAnswers = 20;                   // fewer say nothing of latency
constexpr Nanos kPatience = std::chrono::seconds{10};  // with too few answers: nothing is known
constexpr double kDrain_s = 2;      // what waits too long is to be gone in this time
constexpr double kMostLess = 0.5;   // of the capacity, to drain
constexpr double kMostMore = 0.05;  // of the capacity, to fill a queue that is too short
constexpr double kProbe = 0.01;     // growth a second of the estimate while little waits
constexpr Nanos kCapacityMemory = std::chrono::seconds{20};  // of the measured throughput
constexpr Nanos kAskedMemory = std::chrono::seconds{10};     // of demand
constexpr double kChance = 3;          // deviations (Poisson) that a jump of demand exceeds
constexpr double kGrowth = 1.25;       // demand may fall so far below its mean and count as that
constexpr double kLeastShare = 0.005;  // smaller ones are none
constexpr Nanos kIdle = std::chrono::seconds{10};
constexpr std::string_view kUnknown =
    "usual latency not yet known: that takes a minute of answers without an overload";

}  // namespace

Shedder::Shedder(const PolicySettings& settings, std::size_t rule)
    : rule_(rule),
      threshold_ms_(in_seconds(*settings.rules[rule].when.queueing) * 1e3),
      tiers_(settings.tiers) {
  const Rule& own = settings.rules[rule];
  state_.rule = own.name;
  state_.mode = settings.mode_of(own);
  state_.cause = kUnknown;
  for (std::size_t e = 0; e < settings.endpoints.size(); ++e) {
    const EndpointSettings& endpoint = settings.endpoints[e];
    endpoints_.push_back({endpoint.name, {}, {}});
    index_of_.emplace(endpoint.name, e);
    for (std::size_t t = 0; t < tiers_.size(); ++t) {
      Class& one = classes_.emplace_back();
      one.endpoint = e;
      one.tier = t;
      one.floor = settings.adapt.floor_of(endpoint.name, tiers_[t]);
      one.may_shed = own.then.reaches(endpoint, tiers_[t]);
    }
  }
  std::stable_sort(classes_.begin(), classes_.end(), [&](const Class& a, const Class& b) {
    const auto rank = [&](const Class& c) {
      return std::pair(settings.endpoints[c.endpoint].priority, c.tier);
    };
    return rank(a) < rank(b);
  });
  order_of_.resize(classes_.size());
  for (std::size_t i = 0; i < classes_.size(); ++i)
    order_of_[classes_[i].endpoint * tiers_.size() + classes_[i].tier] = i;
}

void Shedder::inherit(const Shedder& older, const Renumbering& renumbering) {
  for (std::size_t e = 0; e < endpoints_.size(); ++e) {
    if (const auto before = renumbering.endpoints[e])
      endpoints_[e].usual = older.endpoints_[*before].usual;
  }
  for (Class& one : classes_) {
    const auto cell = renumbering.cell(one.endpoint, one.tier);
    if (!cell) continue;
    const Class& before = older.classes_[older.order_of_[*cell]];
    one.asked = before.asked;
    one.lately = before.lately;
    one.last = before.last;
    one.share = std::min(before.share, one.most());
  }
  lately_ = older.lately_;
  last_ = older.last_;
  capacity_ = older.capacity_;
  admitted_ = older.admitted_;
  queueing_ms_ = older.queueing_ms_;
  engaged_ = older.engaged_;
  idle_ = older.idle_;
  state_.inherit(older.state_);
  waiting_ = older.waiting_;
}

bool Shedder::knows_usual() const {
  return std::any_of(endpoints_.begin(), endpoints_.end(),
                     [](const Endpoint& endpoint) { return endpoint.usual.known(); });
}

void Shedder::update(const LoadSample& load, Now now) {
  gather(load);
  const auto queueing = queueing_ms();
  if (!queueing && gathered_ < kPatience) return;
  const Nanos span = gathered_;
  queueing_ms_ = queueing.value_or(0);
  const bool overloaded = queueing && *queueing > threshold_ms_;
  if (engaged_ || overloaded) {
    follow(queueing_ms_, span);
    divide();
  }
  settle(overloaded, span, now.wall);
  for (Endpoint& endpoint : endpoints_) endpoint.waited = {};
  gathered_ = Nanos{0};
  done_ = 0;
}

void Shedder::gather(const LoadSample& load) {
  gathered_ += load.span;
  const double in_asked = weight_in(kAskedMemory, load.span);
  const bool jumps = jump(load);
  for (const EndpointLoad& seen : load.endpoints) {
    const auto found = index_of_.find(seen.endpoint);
    if (found == index_of_.end()) continue;
    const std::size_t e = found->second;
    Endpoint& endpoint = endpoints_[e];
    endpoint.usual.add(seen, load.span, engaged_);
    const auto usual = endpoint.usual.ms();
    endpoint.waited += seen.waited(usual);
    const double weight = usual.value_or(0) / 1e3;
    done_ += seen.done(usual) * weight;
    for (std::size_t t = 0; t < tiers_.size() && t < seen.asked.size(); ++t) {
      Class& one = classes_[order_of_[e * tiers_.size() + t]];
      const double rate = seen.asked[t] * weight / in_seconds(load.span);
      smooth(one.lately, rate, in_asked);
      if (jumps) one.lately = (rate + one.last) / 2;
      one.asked = std::min(one.lately, std::max(rate, one.last) * kGrowth);
      one.last = rate;
    }
  }
}

/// Whether each of the last two samples asked for more than the mean by more than chance: what came
/// before says nothing of demand any more.
bool Shedder::jump(const LoadSample& load) {
  double calls = 0;
  for (const EndpointLoad& seen : load.endpoints) {
    if (!index_of_.contains(seen.endpoint)) continue;
    calls = std::accumulate(seen.asked.begin(), seen.asked.end(), calls);
  }
  const double rate = calls / in_seconds(load.span);
  const bool jumps = std::min(rate, last_) > lately_ + kChance * std::sqrt(lately_);
  smooth(lately_, rate, weight_in(kAskedMemory, load.span));
  if (jumps) lately_ = (rate + last_) / 2;
  last_ = rate;
  return jumps;
}

/// The excess over usual latency that at least half of the answers have; empty with too few.
std::optional<double> Shedder::queueing_ms() const {
  struct Excess {
    double ms, answers;
  };
  std::vector<Excess> excesses;
  double answers = 0;
  for (const Endpoint& endpoint : endpoints_) {
    const auto usual = endpoint.usual.ms();
    if (endpoint.waited.count == 0 || !usual) continue;
    excesses.push_back({endpoint.waited.mean_ms() - *usual, endpoint.waited.count});
    answers += endpoint.waited.count;
  }
  if (answers < kLeastAnswers) return std::nullopt;
  std::sort(excesses.begin(), excesses.end(),
            [](const Excess& a, const Excess& b) { return a.ms > b.ms; });
  double above = 0;
  for (const Excess& excess : excesses) {
    above += excess.answers;
    if (above * 2 >= answers) return std::max(0.0, excess.ms);
  }
  return 0.0;
}

/// What to let in. While calls wait the upstream does all it can, so its throughput is its
/// capacity; while few do, it may be able to do more.
void Shedder::follow(double queueing, Nanos span) {
  const double throughput = done_ / in_seconds(span);
  if (!capacity_ || !engaged_) {
    capacity_ = throughput;
  } else if (queueing > threshold_ms_ / 2) {
    smooth(*capacity_, throughput, weight_in(kCapacityMemory, span));
  } else {
    *capacity_ = std::max(*capacity_ * (1 + kProbe * in_seconds(span)), throughput);
  }
  const double lead = (threshold_ms_ - queueing) / 1e3 / kDrain_s;
  admitted_ = *capacity_ * (1 + std::clamp(lead, -kMostLess, kMostMore));
}

void Shedder::divide() {
  double left = admitted_;
  for (Class& one : classes_) {
    const double served = one.asked > 0 ? std::clamp(left / one.asked, 0.0, 1.0) : 1;
    one.share = std::min(1 - served, one.most());
    if (one.share < kLeastShare) one.share = 0;
    left = std::max(0.0, left - one.asked * (1 - one.share));
  }
}

void Shedder::settle(bool overloaded, Nanos span, WallTime now) {
  const bool shedding =
      std::any_of(classes_.begin(), classes_.end(), [](const Class& one) { return one.share > 0; });
  idle_ = shedding || overloaded ? Nanos{0} : idle_ + span;
  engaged_ = overloaded || (engaged_ && idle_ < kIdle);
  const bool was_active = state_.active;
  state_.active = engaged_ && (was_active || shedding);
  if (state_.active) {
    state_.cause = describe();
    waiting_ = false;
  } else if (waiting_ && knows_usual()) {
    state_.cause.clear();
    waiting_ = false;
  }
  if (!engaged_) capacity_.reset();
  if (state_.active == was_active) return;
  state_.since = now;
  if (state_.active) return;
  state_.cause = "answers no longer wait";
}

double Shedder::asked_for() const {
  double work = 0;
  for (const Class& one : classes_) work += one.asked;
  return work;
}

std::string Shedder::describe() const {
  std::string text = fmt::format(
      "answers take {:.0f} ms longer than usual (threshold {:.0f} ms); asked for {} of what the "
      "upstream does, up to {} is let in",
      queueing_ms_, threshold_ms_, percent_in_words(asked_for() / std::max(*capacity_, 1e-9)),
      percent_in_words(admitted_ / std::max(*capacity_, 1e-9)));
  const char* before = "; sheds ";
  for (auto one = classes_.rbegin(); one != classes_.rend(); ++one) {
    if (one->share == 0) continue;
    text += fmt::format("{}{} of {}/{}", before, percent_in_words(one->share),
                        endpoints_[one->endpoint].name, tiers_[one->tier]);
    before = ", ";
  }
  if (!knows_usual()) text += "; the usual latency is not known from a whole minute yet";
  return text;
}

}  // namespace tidelimit::policy
