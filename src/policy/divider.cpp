#include "policy/divider.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/seconds.hpp"
#include "policy/fair_share.hpp"
#include "policy/rates.hpp"

namespace tidelimit::policy {
namespace {

constexpr double kPriorityWeight = 8.0;  // of one priority over the next
constexpr double kTierWeight = 2.0;      // of one tier over the next
constexpr Nanos kLately = std::chrono::seconds{10};
constexpr Nanos kUsually = std::chrono::minutes{15};
constexpr double kGrowth = 1.25;  // a class may grow so much in a second and not be cut for it
constexpr double kCalmRatio = 0.9;
constexpr Nanos kCalm = std::chrono::minutes{1};
constexpr std::size_t kReserved = 3;  // the index of the 0.9 quantile
static_assert(forecast::kQuantiles[kReserved] == 0.90);

double weight_of(Priority priority, std::size_t tier, std::size_t tiers) {
  const double classes = priority == Priority::high ? 2 : priority == Priority::normal ? 1 : 0;
  return std::pow(kPriorityWeight, classes) *
         std::pow(kTierWeight, static_cast<double>(tiers - 1 - tier));
}

}  // namespace

Divider::Divider(const PolicySettings& settings, std::size_t rule)
    : rule_(rule),
      utilisation_(settings.rules[rule].when.utilisation.value_or(kDefaultUtilisation)),
      adapt_(settings.adapt),
      tiers_(settings.tiers) {
  const Rule& own = settings.rules[rule];
  state_.rule = own.name;
  state_.mode = settings.mode_of(own);
  for (const auto& endpoint : settings.endpoints) {
    endpoints_.push_back(endpoint.name);
    const ModeFor mode = lesser(lesser(settings.mode, endpoint.mode), state_.mode);
    for (std::size_t tier = 0; tier < tiers_.size(); ++tier) {
      Class& added = classes_.emplace_back();
      added.may_cut = own.then.reaches(endpoint, tiers_[tier]);
      added.enforced = added.may_cut && mode.mode == Mode::enforce ? mode.share : 0;
      added.weight = weight_of(endpoint.priority, tier, tiers_.size());
      added.cost = endpoint.cost;
      added.floor = settings.adapt.floor_of(endpoint.name, tiers_[tier]);
    }
  }
  add_pools(settings);
}

void Divider::add_pools(const PolicySettings& settings) {
  // `unit`: work of one of the requests that the capacity counts.
  const auto add = [&](const std::string& name, std::vector<std::size_t> endpoints, double unit,
                       const std::optional<Rate>& capacity,
                       const std::optional<LearnedCapacity>& learned) {
    if (!capacity && !learned) return;
    Pool& pool = pools_.emplace_back();
    pool.name = name;
    pool.endpoints = std::move(endpoints);
    for (const std::size_t e : pool.endpoints) {
      pool.in_work = pool.in_work || settings.endpoints[e].cost != 1;
      for (std::size_t t = 0; t < tiers_.size(); ++t) pool.classes.push_back(e * tiers_.size() + t);
    }
    if (capacity) {
      pool.usable = capacity->per_second() * unit * utilisation_;
      return;
    }
    std::optional<double> ceiling;
    if (learned->ceiling) ceiling = learned->ceiling->per_second() * unit;
    std::vector<double> costs;
    for (const std::size_t e : pool.endpoints) costs.push_back(settings.endpoints[e].cost);
    pool.estimate.emplace(ceiling, std::move(costs));
    use_estimate(pool);
  };
  for (std::size_t i = 0; i < settings.endpoints.size(); ++i) {
    const auto& endpoint = settings.endpoints[i];
    add(endpoint.name, {i}, endpoint.cost, endpoint.capacity, endpoint.learned);
  }
  for (const auto& upstream : settings.upstreams) {
    std::vector<std::size_t> before;
    for (const auto& name : upstream.endpoints) {
      const auto found = std::find(endpoints_.begin(), endpoints_.end(), name);
      if (found != endpoints_.end())
        before.push_back(static_cast<std::size_t>(found - endpoints_.begin()));
    }
    add(upstream.name, std::move(before), 1, upstream.capacity, upstream.learned);
  }
}

void Divider::inherit(const Divider& older, const Renumbering& renumbering) {
  for (std::size_t cell = 0; cell < classes_.size(); ++cell) {
    const auto before = renumbering.cell(cell / tiers_.size(), cell % tiers_.size());
    if (!before) continue;
    const Class& old = older.classes_[*before];
    Class& own = classes_[cell];
    for (const auto rate : {&Class::lately, &Class::usually, &Class::last, &Class::second_last})
      own.*rate = old.*rate * own.cost / old.cost;  // the same requests, as they weigh now
    own.cause = old.cause;
    if (!own.may_cut) continue;
    own.scale = old.scale;
    own.scale.keep_above(own.floor);
  }
  for (Pool& pool : pools_) {
    for (const Pool& old : older.pools_) {
      if (old.name != pool.name) continue;
      pool.scarce = old.scarce;
      pool.calm = old.calm;
      pool.claimed = old.claimed;
      const bool same =
          std::equal(pool.endpoints.begin(), pool.endpoints.end(), old.endpoints.begin(),
                     old.endpoints.end(), [&](std::size_t mine, std::size_t its) {
                       return endpoints_[mine] == older.endpoints_[its];
                     });
      if (!pool.estimate || !old.estimate) continue;
      double before = 0, after = 0;
      for (const std::size_t cell : pool.classes) {
        const auto its = renumbering.cell(cell / tiers_.size(), cell % tiers_.size());
        if (!its) continue;
        before += older.classes_[*its].usually;
        after += classes_[cell].usually;
      }
      pool.estimate->inherit(*old.estimate, same, before > 0 ? after / before : 1);
      use_estimate(pool);
    }
  }
  state_.inherit(older.state_);
}

void Divider::restore(std::size_t cell, double scale, std::optional<Instant> stepped,
                      const std::string& cause) {
  if (!classes_[cell].may_cut) return;
  classes_[cell].scale.restore(scale, stepped);
  classes_[cell].scale.keep_above(classes_[cell].floor);
  const bool at_base = std::all_of(classes_.begin(), classes_.end(),
                                   [](const Class& one) { return one.scale.value() == 1.0; });
  if (scale != 1.0 || at_base) state_.cause = cause;
}

void Divider::update(const StepReadings& readings, const LoadSample* load, Now now,
                     Instant before) {
  if (load != nullptr) observe(readings, load->span);
  claim(readings);
  for (Pool& pool : pools_) {
    if (load != nullptr && pool.estimate) learn(pool, readings, load->span);
    judge(pool, now.mono - before);
    if (pool.scarce) divide(pool, readings);
  }
  for (Class& one : classes_) {
    one.scale.move(one.goal, CellScale::Pace::by_steps, adapt_, now.mono, before);
  }
  settle(now.wall);
}

void Divider::observe(const StepReadings& readings, Nanos span) {
  if (span <= Nanos{0}) return;
  const double lately = weight_in(kLately, span);
  const double usually = weight_in(kUsually, span);
  for (std::size_t e = 0; e < endpoints_.size(); ++e) {
    const EndpointLoad* seen = readings.endpoints[e].load;
    if (seen == nullptr) continue;
    for (std::size_t t = 0; t < std::min(tiers_.size(), seen->asked.size()); ++t) {
      Class& one = classes_[e * tiers_.size() + t];
      const double reduced = t < seen->reduced.size() ? seen->reduced[t] : 0.0;
      const double rate = (seen->asked[t] + reduced) / in_seconds(span) * one.cost;
      smooth(one.lately, rate, lately);
      smooth(one.usually, rate, usually);
      one.second_last = std::exchange(one.last, rate);
    }
  }
}

void Divider::learn(Pool& pool, const StepReadings& readings, Nanos span) {
  std::vector<const EndpointLoad*> loads;
  for (const std::size_t e : pool.endpoints) loads.push_back(readings.endpoints[e].load);
  pool.estimate->update(loads, span, readings.enforced ? beyond_reach(pool) : kNoTotal,
                        pool.scarce);
  use_estimate(pool);
}

/// Work a second asked for that no limit holds back; infinite: none holds back anything.
double Divider::beyond_reach(const Pool& pool) const {
  double beyond = 0;
  bool reaches = false;
  for (const std::size_t cell : pool.classes) {
    const Class& one = classes_[cell];
    beyond += one.lately * (1 - one.enforced);
    reaches = reaches || one.enforced > 0;
  }
  return reaches ? beyond : kNoTotal;
}

void Divider::use_estimate(Pool& pool) const {
  const auto capacity = pool.estimate->to_let_in();
  pool.usable = capacity ? *capacity * utilisation_ : kNoTotal;
}

void Divider::claim(const StepReadings& readings) {
  for (std::size_t e = 0; e < endpoints_.size(); ++e) {
    Class* const first = &classes_[e * tiers_.size()];
    double usually = 0;
    for (std::size_t t = 0; t < tiers_.size(); ++t) usually += first[t].usually;
    const auto* forecast = readings.endpoints[e].forecast;
    double reserved = 0;
    if (forecast != nullptr && forecast->horizon > Nanos{0} &&
        std::isfinite(forecast->quantiles[kReserved])) {
      reserved = forecast->quantiles[kReserved] * first->cost / in_seconds(forecast->horizon);
    }
    for (std::size_t t = 0; t < tiers_.size(); ++t) {
      Class& one = first[t];
      const double part = usually > 0 ? one.usually / usually : 1.0 / double(tiers_.size());
      one.claim = one.left = std::max(one.lately, reserved * part);
      // The average is steady, and knows for ten seconds of a surge that has ended.
      const double now = std::min(one.lately, std::max(one.last, one.second_last) * kGrowth);
      one.asking = std::min(one.claim, now * kGrowth);
      one.goal = 1;
      one.total = kNoTotal;
      one.cause.clear();
    }
  }
}

void Divider::judge(Pool& pool, Nanos span) {
  pool.claimed = 0;
  for (const std::size_t cell : pool.classes) pool.claimed += classes_[cell].left;
  pool.calm = pool.claimed < pool.usable * kCalmRatio ? pool.calm + span : Nanos{0};
  pool.scarce = pool.claimed > pool.usable || (pool.scarce && pool.calm < kCalm);
}

/// Whom the rule does not reach takes what it claims; what that leaves, floors at least, is divided
/// among the others. A floor is of the claim, but of no more than an equal part of the capacity: a
/// class that asks for more than there is would else guarantee itself all of it.
std::vector<double> Divider::shares(const Pool& pool, double Class::*demand) const {
  std::vector<Claim> claims;
  double left = pool.usable;
  double floors = 0;
  bool all = true;
  const auto& cells = pool.classes;
  const auto asking = std::count_if(cells.begin(), cells.end(),
                                    [&](std::size_t cell) { return classes_[cell].*demand > 0; });
  const double equal = pool.usable / static_cast<double>(std::max<std::ptrdiff_t>(asking, 1));
  for (const std::size_t cell : cells) {
    const Class& one = classes_[cell];
    const double claimed = one.*demand;
    all = all && one.may_cut;
    claims.push_back({one.may_cut ? claimed : 0, one.weight,
                      one.may_cut ? std::min(claimed, equal) * one.floor : 0});
    floors += claims.back().minimum;
    if (!one.may_cut) left -= claimed;
  }
  auto shares = max_min_shares(all ? left : std::max(left, floors), claims);
  for (std::size_t i = 0; const std::size_t cell : cells) {
    if (!classes_[cell].may_cut) shares[i] = classes_[cell].*demand;
    ++i;
  }
  return shares;
}

void Divider::divide(const Pool& pool, const StepReadings& readings) {
  const auto& cells = pool.classes;
  const auto planned = shares(pool, &Class::left);
  const auto lent = shares(pool, &Class::asking);
  double asking = 0;
  for (const std::size_t cell : cells) asking += classes_[cell].asking;
  const bool short_now = asking > pool.usable;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    Class& one = classes_[cells[i]];
    if (!one.may_cut || planned[i] >= one.left) continue;
    one.goal = std::min(one.goal, std::max(one.floor, planned[i] / one.claim));
    if (short_now) one.total = std::min(one.total, std::max(planned[i], lent[i]) / one.cost);
    one.cause = describe(pool, i, planned, readings);
    one.left = planned[i];
    one.asking = std::min(one.asking, one.left);
  }
}

void Divider::settle(WallTime now) {
  std::string causes;
  for (const Pool& pool : pools_) {
    if (!pool.scarce) continue;
    if (!causes.empty()) causes += "; ";
    causes += claims_in_words(pool);
  }
  const bool active = !causes.empty();
  if (active != state_.active) state_.since = now;
  if (active) {
    state_.cause = std::move(causes);
  } else if (state_.active) {
    state_.cause = "there is room for all that is claimed";
  }
  state_.active = active;
}

std::vector<CapacityState> Divider::capacities() const {
  std::vector<CapacityState> all;
  for (const Pool& pool : pools_) {
    if (pool.estimate) {
      const CapacityEstimate& known = *pool.estimate;
      all.push_back({pool.name, true, known.per_second(), known.at_least(), known.ceiling(),
                     known.latency_ratio()});
    } else {
      all.push_back({pool.name, false, pool.usable / utilisation_, 0, {}, 0});
    }
  }
  return all;
}

bool Divider::at_rest() const {
  return !state_.active && std::all_of(classes_.begin(), classes_.end(),
                                       [](const Class& one) { return one.scale.value() == 1.0; });
}

}  // namespace tidelimit::policy
