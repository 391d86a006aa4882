#include "policy/planner.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "policy/base_limits.hpp"
#include "policy/plan_cells.hpp"
#include "policy/plan_record.hpp"
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

}  // namespace

struct Planner::Impl {
  explicit Impl(PolicySettings given);

  PlanStep step(const PlanInputs& inputs);
  void reconfigure(PolicySettings after);

  bool asleep(const PlanInputs& inputs) const;
  CellSettings settings_of(std::size_t row) const;
  bool watched(std::size_t endpoint, Mode all) const;
  void restore(const std::vector<PlanChange>& changes, Mode all, Now now);
  PlanChange change(const PlanRecord::Departure& departure, std::size_t cell,
                    const CellSettings& after, const PlanInputs& inputs) const;
  std::optional<std::size_t> cell_named(const PlanChange& change) const;
  std::shared_ptr<const limiter::Plan> build(const std::vector<CellSettings>& rows,
                                             Instant now) const;

  PolicySettings settings;
  std::vector<BaseLimits> bases;
  RuleSet rules;

  std::vector<CellSettings> published;  ///< by cell, then by cell of each stage
  PlanRecord on_record;
  std::shared_ptr<const limiter::Plan> plan;
  std::uint64_t limits_epoch = limiter::kFirstEpoch;
  bool must_publish = true;
  View enforced = View::effective;  ///< at the last step

  std::optional<Instant> last_step;
  WallTime last_wall{};
  std::optional<Instant> seen_forecasts;
};

Planner::Impl::Impl(PolicySettings given)
    : settings(std::move(given)),
      bases(base_limits(settings)),
      rules(settings),
      published(bases.size() * (1 + rules.stages().size())),
      on_record(bases.size()) {}

void Planner::Impl::reconfigure(PolicySettings after) {
  const Renumbering renumbering(settings, after);
  if (!same_limits(settings, after)) ++limits_epoch;
  const PlanRecord older_record = std::move(on_record);
  settings = std::move(after);
  bases = base_limits(settings);

  RuleSet heirs(settings);
  heirs.inherit(rules, renumbering);
  rules = std::move(heirs);
  published.assign(bases.size() * (1 + rules.stages().size()), {});
  on_record = PlanRecord(bases.size());
  const std::size_t tiers = settings.tiers.size();
  for (std::size_t cell = 0; cell < bases.size(); ++cell) {
    const auto old = renumbering.cell(cell / tiers, cell % tiers);
    if (old) on_record.inherit(cell, older_record, *old);
  }
  must_publish = true;
}

bool Planner::Impl::asleep(const PlanInputs& inputs) const {
  if (must_publish || !inputs.signals.empty() || inputs.load) return false;
  if (inputs.enforced != enforced || !inputs.by_hand.empty()) return false;
  const bool new_forecasts = inputs.forecasts && seen_forecasts != inputs.forecasts_at;
  if (new_forecasts || inputs.now.mono >= plan->expires_at - settings.adapt.plan_ttl / 2) {
    return false;
  }
  if (const auto planned = rules.next_planned(); planned && inputs.now.wall >= *planned)
    return false;
  if (inputs.now.wall < last_wall) return false;  // set back, perhaps into a planned time
  return rules.at_rest();
}

CellSettings Planner::Impl::settings_of(std::size_t row) const {
  const std::size_t stage = row / bases.size();
  return rules.settings(row % bases.size(), stage == 0 ? 1.0 : rules.stages()[stage - 1]);
}

/// Whether nothing is enforced at an endpoint while the switch over everything is at `all`.
bool Planner::Impl::watched(std::size_t endpoint, Mode all) const {
  return std::min({all, settings.mode.mode, settings.endpoints[endpoint].mode.mode}) !=
         Mode::enforce;
}

PlanChange Planner::Impl::change(const PlanRecord::Departure& departure, std::size_t cell,
                                 const CellSettings& after, const PlanInputs& inputs) const {
  const auto& [of, view, before] = departure;
  const std::size_t endpoint = cell / settings.tiers.size();
  const auto [value, rule] = figure_of(after[index(view)], of);
  PlanChange change;
  change.of = of;
  change.time = inputs.now.wall;
  change.endpoint = settings.endpoints[endpoint].name;
  change.tier = settings.tiers[cell % settings.tiers.size()];
  change.set_figures(before, value, bases[cell].per_minute);
  if (rule != kNoRule) change.rule = settings.rules[limiter::index(rule)].name;
  const RuleId before_rule = figure_of(published[cell][index(view)], of).rule;
  const bool by_rule = rule != kNoRule || before_rule != kNoRule;
  if (by_rule && (rule != kNoRule || inputs.by_hand.empty()))
    change.cause = rules.cause(cell, rule, before_rule);
  if (!inputs.by_hand.empty())
    change.cause = inputs.by_hand + (change.cause.empty() ? "" : "; " + change.cause);
  if (change.cause.empty())
    change.cause = plan == nullptr ? "the gate was started anew" : "the configuration changed";
  if (view == View::shadow && rule != kNoRule)
    change.cause += in_part(rules.states()[limiter::index(rule)]);
  change.shadow = view == View::shadow || watched(endpoint, inputs.all);
  return change;
}

std::optional<std::size_t> Planner::Impl::cell_named(const PlanChange& change) const {
  const auto endpoint = std::find_if(settings.endpoints.begin(), settings.endpoints.end(),
                                     [&](const auto& one) { return one.name == change.endpoint; });
  const auto tier = std::find(settings.tiers.begin(), settings.tiers.end(), change.tier);
  if (endpoint == settings.endpoints.end() || tier == settings.tiers.end()) return std::nullopt;
  return static_cast<std::size_t>(endpoint - settings.endpoints.begin()) * settings.tiers.size() +
         static_cast<std::size_t>(tier - settings.tiers.begin());
}

void Planner::Impl::restore(const std::vector<PlanChange>& changes, Mode all, Now now) {
  for (const PlanChange& change : changes) {
    const auto cell = cell_named(change);
    if (!cell) continue;
    const bool in_force = !change.shadow || watched(*cell / settings.tiers.size(), all);
    on_record.restore(*cell, change.of, change.figure_after(), in_force);
    if (change.of == PlanChange::Of::limit) rules.restore(*cell, change, in_force, now);
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
  const bool sleeps = asleep(inputs);
  last_wall = inputs.now.wall;
  if (sleeps) {
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
  PlanStep result;
  for (std::size_t cell = 0; cell < bases.size(); ++cell) {
    for (const auto& departure : on_record.note(cell, rows[cell], inputs.enforced, now))
      result.changes.push_back(change(departure, cell, rows[cell], inputs));
  }
  enforced = inputs.enforced;
  if (!publish) return result;

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

void Planner::restore(const std::vector<PlanChange>& changes, Mode all, Now now) {
  impl_->restore(changes, all, now);
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
  return cause(row % impl_->bases.size(), impl_->published[row][index(View::effective)].rule);
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
