#include "policy/planner.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "policy/base_limits.hpp"
#include "policy/plan_cells.hpp"
#include "policy/rule_set.hpp"

namespace tidelimit::policy {
namespace {

using limiter::kNoRule;
using limiter::RuleId;
using limiter::View;

constexpr Nanos kShedRound = std::chrono::minutes{1};

/// For whom a rule of the shadow view is enforced; "" where for nobody.
std::string in_part(const RuleState& rule) {
  if (rule.mode.mode != Mode::enforce || rule.mode.share == 1) return {};
  return fmt::format("; enforced for {:g} % of the principals", rule.mode.share * 100);
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

  bool asleep(const PlanInputs& inputs) const;
  CellSettings settings_of(std::size_t row) const;
  PlanChange change(std::size_t cell, View view, double before, const Setting& after,
                    WallTime now) const;
  void record(std::size_t cell, const CellSettings& after, WallTime now,
              std::vector<PlanChange>& changes);
  std::shared_ptr<const limiter::Plan> build(const std::vector<CellSettings>& rows,
                                             Instant now) const;

  PolicySettings settings;
  std::vector<BaseLimits> bases;
  RuleSet rules;

  std::vector<CellSettings> published;  ///< by cell, then by cell of each stage
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
      rules(settings),
      published(bases.size() * (1 + rules.stages().size())),
      recorded(bases.size()) {}

void Planner::Impl::reconfigure(PolicySettings after) {
  const Renumbering renumbering(settings, after);
  if (!same_limits(settings, after)) ++limits_epoch;
  const std::vector<Recorded> older_recorded = std::move(recorded);
  settings = std::move(after);
  bases = base_limits(settings);

  RuleSet heirs(settings);
  heirs.inherit(rules, renumbering);
  rules = std::move(heirs);
  published.assign(bases.size() * (1 + rules.stages().size()), {});
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
  if (const auto planned = rules.next_planned(); planned && inputs.now.wall >= *planned)
    return false;
  return rules.at_rest();
}

CellSettings Planner::Impl::settings_of(std::size_t row) const {
  const std::size_t stage = row / bases.size();
  const double share = stage == 0 ? 1.0 : rules.stages()[stage - 1];
  CellSettings all;
  for (std::size_t view = 0; view < all.size(); ++view) {
    all[view] = rules.setting(row % bases.size(), static_cast<View>(view), share);
  }
  return all;
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
  change.cause =
      rules.cause(cell, after.rule, published[cell][static_cast<std::size_t>(view)].rule);
  if (view == View::shadow && after.rule != kNoRule)
    change.cause += in_part(rules.states()[limiter::index(after.rule)]);
  change.shadow = view == View::shadow || endpoint.mode.mode != Mode::enforce ||
                  settings.mode.mode != Mode::enforce;
  return change;
}

/// The shadow view is on record only where it parts from the effective one.
void Planner::Impl::record(std::size_t cell, const CellSettings& after, WallTime now,
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

std::shared_ptr<const limiter::Plan> Planner::Impl::build(const std::vector<CellSettings>& rows,
                                                          Instant now) const {
  auto next = std::make_shared<limiter::Plan>();
  next->generation = plan ? plan->generation + 1 : 1;
  next->limits_epoch = limits_epoch;
  next->expires_at = now + settings.adapt.plan_ttl;
  next->shed_round = static_cast<std::uint64_t>(now.since_start / kShedRound);
  fill_plan(*next, settings, bases, rows, rules.stages());
  return next;
}

PlanStep Planner::Impl::step(const PlanInputs& inputs) {
  const Instant now = inputs.now.mono;
  if (asleep(inputs)) {
    last_step = now;
    return {};
  }
  rules.update(inputs, settings, last_step.value_or(now));
  if (inputs.forecasts) seen_forecasts = inputs.forecasts_at;
  last_step = now;

  std::vector<CellSettings> rows(published.size());
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
  return impl_->rules.states();
}

bool Planner::wants_load() const {
  return impl_->rules.wants_load();
}

std::vector<CapacityState> Planner::capacities() const {
  return impl_->rules.capacities();
}

std::optional<WallTime> Planner::next_planned() const {
  return impl_->rules.next_planned();
}

std::string Planner::cause(std::size_t row) const {
  const auto effective = static_cast<std::size_t>(View::effective);
  const RuleId rule = impl_->published[row][effective].rule;
  return rule == kNoRule ? std::string{}
                         : impl_->rules.cause(row % impl_->bases.size(), rule, rule);
}

std::string Planner::total_cause(std::size_t row) const {
  if (impl_->plan == nullptr) return {};
  const std::size_t cells = impl_->bases.size();
  const limiter::Plan& plan = *impl_->plan;
  const auto& from = row < cells ? plan.cells : plan.stages[row / cells - 1].cells;
  return cause(row % cells, from[row % cells].in(View::effective).total_rule);
}

std::string Planner::cause(std::size_t cell, RuleId rule) const {
  return rule == kNoRule ? std::string{} : impl_->rules.cause(cell, rule, rule);
}

std::shared_ptr<const limiter::Plan> Planner::current() const {
  return impl_->plan;
}

}  // namespace tidelimit::policy
