#include "policy/planner.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "policy/base_limits.hpp"
#include "policy/divider.hpp"
#include "policy/plan_cells.hpp"
#include "policy/readings.hpp"
#include "policy/rule_memory.hpp"
#include "policy/shedder.hpp"

namespace tidelimit::policy {
namespace {

using limiter::kNoRule;
using limiter::RuleId;
using limiter::View;

constexpr Nanos kShedRound = std::chrono::minutes{1};

/// Whether a rule counts in a view for those whom it takes `share` of the principals to reach.
bool speaks_in(const RuleState& rule, bool on_forecast, View view, double share) {
  const bool enforced = rule.mode == Mode::enforce && rule.enforced >= share;
  switch (view) {
    case View::base:
      return false;
    case View::without_forecast:
      return enforced && !on_forecast;
    case View::effective:
      return enforced;
    case View::shadow:
      return true;
  }
  return false;
}

/// For whom a rule of the shadow view is enforced; "" where for nobody.
std::string in_part(const RuleState& rule) {
  if (rule.mode != Mode::enforce || rule.enforced == 1) return {};
  return fmt::format("; enforced for {:g} % of the principals", rule.enforced * 100);
}

/// Scales of the effective and the shadow view as last put on record.
struct Recorded {
  double effective = 1.0;
  double shadow = 1.0;
};

}  // namespace

struct Planner::Impl {
  explicit Impl(PolicySettings given);

  PlanStep step(const PlanInputs& inputs);
  void reconfigure(PolicySettings after);

  void make_memories();
  bool asleep(const PlanInputs& inputs) const;
  void update_rules(const PlanInputs& inputs);
  void find_stages();
  Setting setting(std::size_t cell, View view, double share) const;
  Settings settings_of(std::size_t row) const;
  std::string cause(std::size_t cell, RuleId now, RuleId before) const;
  PlanChange change(std::size_t cell, View view, double before, const Setting& after,
                    WallTime now) const;
  void record(std::size_t cell, const Settings& after, WallTime now,
              std::vector<PlanChange>& changes);
  std::shared_ptr<const limiter::Plan> build(const std::vector<Settings>& rows, Instant now) const;
  std::optional<WallTime> next_planned(WallTime now) const;

  PolicySettings settings;
  std::vector<BaseLimits> bases;
  std::vector<RuleMemory> memories;  ///< of the rules on plans that are not off
  std::vector<Divider> dividers;     ///< of the rules that divide capacities and are not off
  std::vector<Shedder> shedders;     ///< of the rules on queueing that are not off
  std::vector<RuleState> states;
  /// Shares of the principals, below 1, for whom some of these rules are enforced; ascending.
  std::vector<double> stages;

  std::vector<Settings> published;  ///< by cell, then by cell of each stage
  std::vector<Recorded> recorded;
  std::shared_ptr<const limiter::Plan> plan;
  std::uint64_t limits_epoch = 1;
  bool must_publish = true;

  std::optional<Instant> last_step;
  std::optional<Instant> seen_forecasts;
  std::optional<WallTime> planned;  ///< when a planned time next starts or ends
};

Planner::Impl::Impl(PolicySettings given)
    : settings(std::move(given)), bases(base_limits(settings)), recorded(bases.size()) {
  make_memories();
  published.resize(bases.size() * (1 + stages.size()));
}

void Planner::Impl::make_memories() {
  memories.clear();
  dividers.clear();
  shedders.clear();
  states.clear();
  for (std::size_t i = 0; i < settings.rules.size(); ++i) {
    const Rule& rule = settings.rules[i];
    const Mode mode = settings.mode_of(rule);
    RuleState& state = states.emplace_back();
    state.rule = rule.name;
    state.mode = mode;
    state.enforced = settings.enforced_of(rule);
    if (mode == Mode::off) continue;
    if (rule.when.on_queueing()) {
      shedders.emplace_back(settings, i);
    } else if (rule.when.on_claims()) {
      dividers.emplace_back(settings, i);
    } else if (rule.when.on_plan()) {
      memories.emplace_back(settings, i);
    }
  }
  find_stages();
}

void Planner::Impl::find_stages() {
  stages.clear();
  for (std::size_t i = 0; i < states.size(); ++i) {
    const RuleState& state = states[i];
    if (settings.rules[i].when.on_client()) continue;
    if (state.mode == Mode::enforce && state.enforced < 1) stages.push_back(state.enforced);
  }
  std::sort(stages.begin(), stages.end());
  stages.erase(std::unique(stages.begin(), stages.end()), stages.end());
}

void Planner::Impl::reconfigure(PolicySettings after) {
  const Renumbering renumbering(settings, after);
  if (!same_limits(settings, after)) ++limits_epoch;
  const std::vector<RuleMemory> older = std::move(memories);
  const std::vector<Divider> older_dividers = std::move(dividers);
  const std::vector<Shedder> older_shedders = std::move(shedders);
  const std::vector<RuleState> older_states = states;
  const std::vector<Recorded> older_recorded = std::move(recorded);
  settings = std::move(after);
  bases = base_limits(settings);

  make_memories();
  const auto hand_over = [&](auto& heirs, const auto& elders) {
    for (auto& heir : heirs) {
      for (const auto& elder : elders) {
        if (elder.state().rule != heir.state().rule) continue;
        heir.inherit(elder, renumbering);
        states[heir.rule()] = heir.state();
      }
    }
  };
  hand_over(memories, older);
  hand_over(dividers, older_dividers);
  for (auto& shedder : shedders) {
    for (const Shedder& old : older_shedders) {
      if (old.state().rule == shedder.state().rule) shedder.inherit(old);
    }
  }
  published.assign(bases.size() * (1 + stages.size()), {});
  recorded.assign(bases.size(), {});
  const std::size_t tiers = settings.tiers.size();
  for (std::size_t cell = 0; cell < bases.size(); ++cell) {
    const auto old = renumbering.cell(cell / tiers, cell % tiers);
    if (old) recorded[cell] = older_recorded[*old];
  }
  must_publish = true;
}

bool Planner::Impl::asleep(const PlanInputs& inputs) const {
  if (must_publish || !inputs.signals.empty() || inputs.load) return false;
  const bool new_forecasts = inputs.forecasts && seen_forecasts != inputs.forecasts_at;
  if (new_forecasts || inputs.now.mono >= plan->expires_at - settings.adapt.plan_ttl / 2) {
    return false;
  }
  const auto rests = [](const auto& one) { return one.at_rest(); };
  if (planned && inputs.now.wall >= *planned) return false;
  return std::all_of(memories.begin(), memories.end(), rests) &&
         std::all_of(dividers.begin(), dividers.end(), rests);
}

/// The next start or end of a planned time.
std::optional<WallTime> Planner::Impl::next_planned(WallTime now) const {
  std::optional<WallTime> next;
  for (const auto& memory : memories) {
    const auto edge = memory.next_edge(now);
    if (edge) next = std::min(next.value_or(*edge), *edge);
  }
  return next;
}

void Planner::Impl::update_rules(const PlanInputs& inputs) {
  const StepReadings readings = read(inputs, settings);
  const Instant before = last_step.value_or(inputs.now.mono);
  const auto note = [&](const auto& one) {
    const RuleState& state = one.state();
    if (state.active || states[one.rule()].active) states[one.rule()] = state;
  };
  for (auto& memory : memories) {
    memory.update(readings, inputs.now, before);
    note(memory);
  }
  for (auto& divider : dividers) {
    divider.update(readings, inputs.load ? &*inputs.load : nullptr, inputs.now, before);
    note(divider);
  }
  for (auto& shedder : shedders) {
    if (inputs.load) shedder.update(*inputs.load, inputs.now);
    note(shedder);
  }
  planned = next_planned(inputs.now.wall);
  if (inputs.forecasts) seen_forecasts = inputs.forecasts_at;
}

Setting Planner::Impl::setting(std::size_t cell, View view, double share) const {
  Setting result;
  const auto id = [](const auto& one) { return RuleId{static_cast<std::uint16_t>(one.rule())}; };
  const auto speaks = [&](const auto& one) {
    return speaks_in(one.state(), one.on_forecast(), view, share);
  };
  for (const auto& memory : memories) {
    if (speaks(memory)) result.offer_scale(memory.scale(cell), id(memory), memory.moving(cell));
  }
  for (const auto& divider : dividers) {
    if (!speaks(divider)) continue;
    result.offer_scale(divider.scale(cell), id(divider), divider.moving(cell));
    // What is for all principals together is so for a share of them in proportion.
    const double part = view == View::shadow ? 1.0 : divider.state().enforced;
    result.total = std::min(result.total, divider.total(cell) * part);
  }
  for (const auto& shedder : shedders) {
    if (!speaks_in(shedder.state(), false, view, share) || shedder.share(cell) <= result.shed)
      continue;
    result.shed = shedder.share(cell);
    result.shed_rule = id(shedder);
  }
  return result;
}

Settings Planner::Impl::settings_of(std::size_t row) const {
  const std::size_t stage = row / bases.size();
  const double share = stage == 0 ? 1.0 : stages[stage - 1];
  Settings all;
  for (std::size_t view = 0; view < all.size(); ++view) {
    all[view] = setting(row % bases.size(), static_cast<View>(view), share);
  }
  return all;
}

std::string Planner::Impl::cause(std::size_t cell, RuleId now, RuleId before) const {
  const std::size_t rule = limiter::index(now != kNoRule ? now : before);
  for (const auto& memory : memories) {
    if (memory.rule() == rule) return memory.cause(cell / settings.tiers.size());
  }
  for (const auto& divider : dividers) {
    if (divider.rule() != rule) continue;
    const std::string& own = divider.cause(cell);
    return now != kNoRule && !own.empty() ? own : divider.state().cause;
  }
  return "the configuration changed";
}

PlanChange Planner::Impl::change(std::size_t cell, View view, double before, const Setting& after,
                                 WallTime now) const {
  const auto& endpoint = settings.endpoints[cell / settings.tiers.size()];
  PlanChange change;
  change.time = now;
  change.endpoint = endpoint.name;
  change.tier = settings.tiers[cell % settings.tiers.size()];
  change.before_scale = before;
  change.after_scale = after.scale;
  change.before_per_minute = bases[cell].per_minute * before;
  change.after_per_minute = bases[cell].per_minute * after.scale;
  if (after.rule != kNoRule) change.rule = settings.rules[limiter::index(after.rule)].name;
  change.cause = cause(cell, after.rule, published[cell][static_cast<std::size_t>(view)].rule);
  if (view == View::shadow && after.rule != kNoRule)
    change.cause += in_part(states[limiter::index(after.rule)]);
  change.shadow =
      view == View::shadow || endpoint.mode != Mode::enforce || settings.mode != Mode::enforce;
  return change;
}

/// The shadow view is on record only where it parts from the effective one.
void Planner::Impl::record(std::size_t cell, const Settings& after, WallTime now,
                           std::vector<PlanChange>& changes) {
  Recorded& last = recorded[cell];
  const Setting& effective = after[static_cast<std::size_t>(View::effective)];
  const Setting& shadow = after[static_cast<std::size_t>(View::shadow)];
  const bool apart = last.shadow != last.effective || shadow.scale != effective.scale;
  if (worth_recording(last.effective, effective)) {
    changes.push_back(change(cell, View::effective, last.effective, effective, now));
    last.effective = effective.scale;
  }
  if (!apart) {
    last.shadow = last.effective;
  } else if (worth_recording(last.shadow, shadow)) {
    changes.push_back(change(cell, View::shadow, last.shadow, shadow, now));
    last.shadow = shadow.scale;
  }
}

std::shared_ptr<const limiter::Plan> Planner::Impl::build(const std::vector<Settings>& rows,
                                                          Instant now) const {
  auto next = std::make_shared<limiter::Plan>();
  next->generation = plan ? plan->generation + 1 : 1;
  next->limits_epoch = limits_epoch;
  next->expires_at = now + settings.adapt.plan_ttl;
  next->shed_round = static_cast<std::uint64_t>(now.since_start / kShedRound);
  fill_plan(*next, settings, bases, rows, stages);
  return next;
}

PlanStep Planner::Impl::step(const PlanInputs& inputs) {
  const Instant now = inputs.now.mono;
  if (asleep(inputs)) {
    last_step = now;
    return {};
  }
  update_rules(inputs);
  last_step = now;

  std::vector<Settings> rows(published.size());
  bool publish = must_publish || now >= plan->expires_at - settings.adapt.plan_ttl / 2;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    rows[row] = settings_of(row);
    for (std::size_t view = 0; view < limiter::kViews; ++view) {
      publish = publish || worth_publishing(published[row][view], rows[row][view]);
    }
  }
  if (!publish) return {};

  PlanStep result;
  for (std::size_t cell = 0; cell < bases.size(); ++cell) {
    record(cell, rows[cell], inputs.now.wall, result.changes);
  }
  plan = build(rows, now);
  published = std::move(rows);
  must_publish = false;
  result.plan = plan;
  return result;
}

Planner::Planner(PolicySettings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Planner::~Planner() = default;
Planner::Planner(Planner&&) noexcept = default;
Planner& Planner::operator=(Planner&&) noexcept = default;

PlanStep Planner::step(const PlanInputs& inputs) {
  return impl_->step(inputs);
}

void Planner::reconfigure(PolicySettings settings) {
  impl_->reconfigure(std::move(settings));
}

const std::vector<RuleState>& Planner::rules() const {
  return impl_->states;
}

bool Planner::wants_load() const {
  return !impl_->shedders.empty() || !impl_->dividers.empty();
}

std::vector<CapacityState> Planner::capacities() const {
  std::vector<CapacityState> all;
  for (const Divider& divider : impl_->dividers) {
    auto its = divider.capacities();
    all.insert(all.end(), its.begin(), its.end());
  }
  return all;
}

std::optional<WallTime> Planner::next_planned() const {
  return impl_->planned;
}

std::string Planner::cause(std::size_t row) const {
  const auto effective = static_cast<std::size_t>(View::effective);
  const RuleId rule = impl_->published[row][effective].rule;
  return rule == kNoRule ? std::string{} : impl_->cause(row % impl_->bases.size(), rule, rule);
}

std::shared_ptr<const limiter::Plan> Planner::current() const {
  return impl_->plan;
}

}  // namespace tidelimit::policy
