#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "limiter/plan.hpp"
#include "policy/plan_change.hpp"
#include "policy/plan_inputs.hpp"
#include "policy/rule_state.hpp"
#include "policy/settings.hpp"

namespace tidelimit::policy {

struct PlanStep {
  /// Null when nothing changed and the plan needs no renewal.
  std::shared_ptr<const limiter::Plan> plan;
  std::vector<PlanChange> changes;
};

/// Rules and their memory (hysteresis, holds, slow relaxing): forecasts and signals in, plans out.
/// Deterministic; one thread.
///   several active rules on one limit: the smallest scale wins, never their product;
///   forecast rules tighten by at most `adapt.tighten` a step, and hold; signal rules tighten at
///   once, to the floor; everything relaxes by `adapt.relax` a minute;
///   a rule that divides (policy/divider.hpp) does as forecast rules do, and sets totals besides;
///   planned times may raise limits, at once, where no rule tightens them;
///   rules on queueing move no limit: they shed requests (policy/shedder.hpp);
///   a rule that is enforced for a share of the principals moves the limits of these alone
///   (limiter::RolloutStage), and its totals in that proportion.
/// A plan is published when a limit tightens, when one has relaxed by 1 % of its base or reached
/// its goal, and when the last plan has lived for half of `plan_ttl`.
class Planner {
 public:
  explicit Planner(PolicySettings settings);
  ~Planner();
  Planner(Planner&&) noexcept;
  Planner& operator=(Planner&&) noexcept;

  /// Meant to be called every second; costs next to nothing while no rule holds.
  [[nodiscard]] PlanStep step(const PlanInputs& inputs);

  /// New settings: rules that keep their name keep their state; limits that change make a new
  /// limits_epoch.
  void reconfigure(PolicySettings settings);

  /// Goes on where the gate stood before a restart, by the changes that it put on record, oldest
  /// first: what a rule moved relaxes from there, and is on record already. `all`: as in
  /// PlanInputs.
  void restore(const std::vector<PlanChange>& changes, Mode all, Now now);

  /// One per rule of the settings, in their order, so that a RuleId is an index. Rules on clients
  /// are the VerdictBook's affair and never active here.
  [[nodiscard]] const std::vector<RuleState>& rules() const;
  /// Whether any rule asks for `PlanInputs::load`.
  [[nodiscard]] bool wants_load() const;
  /// The capacities that are divided, endpoints' first.
  [[nodiscard]] std::vector<CapacityState> capacities() const;
  /// When a planned time next starts or ends; empty: none will.
  [[nodiscard]] std::optional<WallTime> next_planned() const;
  /// Why the effective limit of a cell ([endpoint][tier], row-major; then those of each stage of
  /// the plan) is not its base; "" if it is.
  [[nodiscard]] std::string cause(std::size_t row) const;
  /// The same of the total of all principals of the tier.
  [[nodiscard]] std::string total_cause(std::size_t row) const;
  /// Why this rule moves the limits of a cell, or what it says of itself.
  [[nodiscard]] std::string cause(std::size_t cell, limiter::RuleId rule) const;
  [[nodiscard]] std::shared_ptr<const limiter::Plan> current() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidelimit::policy
