#include "policy/planner.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "policy/base_limits.hpp"
#include "policy/rule_memory.hpp"
#include "policy/shedder.hpp"

namespace tidelimit::policy {
namespace {

using limiter::kNoRule;
using limiter::Limit;
using limiter::RuleId;
using limiter::View;

constexpr Nanos kSignalAge = std::chrono::seconds{15};     // older ones are ignored
constexpr Nanos kForecastSlack = std::chrono::minutes{1};  // for the grace of a window and the work
constexpr double kPublishedStep = 0.01;  // of the base limit, while a limit relaxes
constexpr double kRecordedStep = 0.1;    // the same, for the record of changes
constexpr double kRounding = 1e-9;       // sums of many small steps
constexpr double kShedStep = 0.01;       // a share that moves by less is left as it is
constexpr Nanos kShedRound = std::chrono::minutes{1};

/// Where a view of a cell stands.
struct Setting {
  double scale = 1.0;
  RuleId rule = kNoRule;
  bool moving = false;
  double shed = 0;  ///< share of the requests to refuse
  RuleId shed_rule = kNoRule;
};
using Settings = std::array<Setting, limiter::kViews>;

/// Scales of the effective and the shadow view as last put on record.
struct Recorded {
  double effective = 1.0;
  double shadow = 1.0;
};

Limit at_scale(const Limit& limit, double scale) {
  return limit.unlimited() || scale >= 1.0 ? limit : limiter::scaled(limit, scale);
}

bool speaks_in(Mode mode, bool on_forecast, View view) {
  switch (view) {
    case View::base:
      return false;
    case View::without_forecast:
      return mode == Mode::enforce && !on_forecast;
    case View::effective:
      return mode == Mode::enforce;
    case View::shadow:
      return true;
  }
  return false;
}

bool worth_publishing(const Setting& before, const Setting& after) {
  if ((after.shed == 0) != (before.shed == 0)) return true;
  if (std::abs(after.shed - before.shed) >= kShedStep) return true;
  if (after.scale < before.scale) return true;
  if (after.scale == before.scale) return after.rule != before.rule;
  return !after.moving || after.scale - before.scale >= kPublishedStep - kRounding;
}

bool worth_recording(double before, const Setting& after) {
  if (after.scale <= before) return after.scale < before;
  return !after.moving || after.scale - before >= kRecordedStep - kRounding;
}

}  // namespace

struct Planner::Impl {
  explicit Impl(PolicySettings given);

  PlanStep step(const PlanInputs& inputs);
  void reconfigure(PolicySettings after);

  void make_memories();
  bool asleep(const PlanInputs& inputs) const;
  StepReadings read(const PlanInputs& inputs) const;
  void update_rules(const PlanInputs& inputs);
  Setting setting(std::size_t cell, View view) const;
  Settings settings_of(std::size_t cell) const;
  const RuleMemory* memory_of(RuleId rule) const;
  std::string cause(std::size_t cell, RuleId now, RuleId before) const;
  PlanChange change(std::size_t cell, View view, double before, const Setting& after,
                    WallTime now) const;
  void record(std::size_t cell, const Settings& after, WallTime now,
              std::vector<PlanChange>& changes);
  std::shared_ptr<const limiter::Plan> build(const std::vector<Settings>& cells, Instant now) const;

  PolicySettings settings;
  std::vector<BaseLimits> bases;
  std::vector<RuleMemory> memories;  ///< of the rules on plans that are not off
  std::vector<Shedder> shedders;     ///< of the rules on queueing that are not off
  std::vector<RuleState> states;

  std::vector<Settings> published;
  std::vector<Recorded> recorded;
  std::shared_ptr<const limiter::Plan> plan;
  std::uint64_t limits_epoch = 1;
  bool must_publish = true;

  std::optional<Instant> last_step;
  std::optional<Instant> seen_forecasts;
};

Planner::Impl::Impl(PolicySettings given)
    : settings(std::move(given)),
      bases(base_limits(settings)),
      published(bases.size()),
      recorded(bases.size()) {
  make_memories();
}

void Planner::Impl::make_memories() {
  memories.clear();
  shedders.clear();
  states.clear();
  for (std::size_t i = 0; i < settings.rules.size(); ++i) {
    const Rule& rule = settings.rules[i];
    const Mode mode = settings.mode_of(rule);
    RuleState& state = states.emplace_back();
    state.rule = rule.name;
    state.mode = mode;
    if (mode == Mode::off) continue;
    if (rule.when.on_queueing()) {
      shedders.emplace_back(settings, i);
    } else if (rule.when.on_plan()) {
      memories.emplace_back(settings, i);
    }
  }
}

void Planner::Impl::reconfigure(PolicySettings after) {
  const Renumbering renumbering(settings, after);
  if (!same_limits(settings, after)) ++limits_epoch;
  const std::vector<RuleMemory> older = std::move(memories);
  const std::vector<Shedder> older_shedders = std::move(shedders);
  const std::vector<RuleState> older_states = states;
  const std::vector<Recorded> older_recorded = std::move(recorded);
  settings = std::move(after);
  bases = base_limits(settings);

  make_memories();
  for (auto& memory : memories) {
    const auto old = std::find_if(older.begin(), older.end(), [&](const RuleMemory& m) {
      return m.state().rule == memory.state().rule;
    });
    if (old == older.end()) continue;
    memory.inherit(*old, renumbering);
    states[memory.rule()] = memory.state();
  }
  for (auto& shedder : shedders) {
    for (const Shedder& old : older_shedders) {
      if (old.state().rule == shedder.state().rule) shedder.inherit(old);
    }
  }
  published.assign(bases.size(), {});
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
  return std::all_of(memories.begin(), memories.end(),
                     [](const RuleMemory& memory) { return memory.at_rest(); });
}

StepReadings Planner::Impl::read(const PlanInputs& inputs) const {
  StepReadings readings;
  readings.endpoints.resize(settings.endpoints.size());
  const bool stale = inputs.now.mono - inputs.forecasts_at > inputs.window + kForecastSlack;
  for (std::size_t i = 0; i < readings.endpoints.size(); ++i) {
    Readings& seen = readings.endpoints[i];
    seen.endpoint = &settings.endpoints[i];
    const std::string& name = seen.endpoint->name;
    if (inputs.forecasts) {
      for (const auto& forecast : *inputs.forecasts) {
        if (forecast.endpoint != name || forecast.source == forecast::Source::none) continue;
        seen.forecast_stale = stale;
        seen.forecast = stale ? nullptr : &forecast;
        break;
      }
    }
    if (inputs.demand) {
      for (const auto& demand : *inputs.demand) {
        if (demand.endpoint == name) seen.demand = demand.requests;
      }
    }
  }
  for (const auto& signal : inputs.signals) {
    if (signal.name == "cpu" && inputs.now.mono - signal.measured_at <= kSignalAge) {
      readings.cpu = signal.value;
    }
  }
  return readings;
}

void Planner::Impl::update_rules(const PlanInputs& inputs) {
  const StepReadings readings = read(inputs);
  const Instant before = last_step.value_or(inputs.now.mono);
  for (auto& memory : memories) {
    memory.update(readings, inputs.now, before);
    const RuleState& state = memory.state();
    if (state.active || states[memory.rule()].active) states[memory.rule()] = state;
  }
  for (auto& shedder : shedders) {
    if (inputs.load) shedder.update(*inputs.load, inputs.now);
    const RuleState& state = shedder.state();
    if (state.active || states[shedder.rule()].active) states[shedder.rule()] = state;
  }
  if (inputs.forecasts) seen_forecasts = inputs.forecasts_at;
}

Setting Planner::Impl::setting(std::size_t cell, View view) const {
  Setting least;
  for (const auto& memory : memories) {
    if (!speaks_in(memory.mode(), memory.on_forecast(), view) || memory.scale(cell) >= least.scale)
      continue;
    least.scale = memory.scale(cell);
    least.rule = RuleId{static_cast<std::uint16_t>(memory.rule())};
    least.moving = memory.moving(cell);
  }
  for (const auto& shedder : shedders) {
    if (!speaks_in(shedder.mode(), false, view) || shedder.share(cell) <= least.shed) continue;
    least.shed = shedder.share(cell);
    least.shed_rule = RuleId{static_cast<std::uint16_t>(shedder.rule())};
  }
  return least;
}

Settings Planner::Impl::settings_of(std::size_t cell) const {
  Settings all;
  for (std::size_t view = 0; view < all.size(); ++view) {
    all[view] = setting(cell, static_cast<View>(view));
  }
  return all;
}

const RuleMemory* Planner::Impl::memory_of(RuleId rule) const {
  for (const auto& memory : memories) {
    if (memory.rule() == limiter::index(rule)) return &memory;
  }
  return nullptr;
}

std::string Planner::Impl::cause(std::size_t cell, RuleId now, RuleId before) const {
  const RuleMemory* memory = memory_of(now != kNoRule ? now : before);
  if (!memory) return "the configuration changed";
  return memory->cause(cell / settings.tiers.size());
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

std::shared_ptr<const limiter::Plan> Planner::Impl::build(const std::vector<Settings>& cells,
                                                          Instant now) const {
  auto next = std::make_shared<limiter::Plan>();
  next->generation = plan ? plan->generation + 1 : 1;
  next->limits_epoch = limits_epoch;
  next->expires_at = now + settings.adapt.plan_ttl;
  next->shed_round = static_cast<std::uint64_t>(now.since_start / kShedRound);
  next->tiers = settings.tiers.size();
  for (const auto& endpoint : settings.endpoints) {
    auto& out = next->endpoints.emplace_back();
    out.mode = endpoint.mode;
    out.priority = endpoint.priority;
    out.client = to_limit(endpoint.client);
    out.lease_generation_ms = lease_generation_ms(endpoint);
  }
  next->in_flight = in_flight_limits(settings);
  next->cells.resize(cells.size());
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    for (std::size_t view = 0; view < limiter::kViews; ++view) {
      const Setting& from = cells[cell][view];
      next->cells[cell].views[view] = {at_scale(bases[cell].principal, from.scale),
                                       at_scale(bases[cell].total, from.scale),
                                       from.scale,
                                       from.rule,
                                       static_cast<std::uint16_t>(from.shed * limiter::kShedAll),
                                       from.shed_rule};
    }
  }
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

  std::vector<Settings> cells(bases.size());
  bool publish = must_publish || now >= plan->expires_at - settings.adapt.plan_ttl / 2;
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    cells[cell] = settings_of(cell);
    for (std::size_t view = 0; view < limiter::kViews; ++view) {
      publish = publish || worth_publishing(published[cell][view], cells[cell][view]);
    }
  }
  if (!publish) return {};

  PlanStep result;
  for (std::size_t cell = 0; cell < cells.size(); ++cell) {
    record(cell, cells[cell], inputs.now.wall, result.changes);
  }
  plan = build(cells, now);
  published = std::move(cells);
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
  return !impl_->shedders.empty();
}

std::shared_ptr<const limiter::Plan> Planner::current() const {
  return impl_->plan;
}

}  // namespace tidelimit::policy
