#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "forecast/forecaster.hpp"
#include "limiter/plan.hpp"
#include "policy/settings.hpp"

namespace tidelimit::policy {

/// A measured load figure with its age.
struct Signal {
  std::string name;  ///< "cpu"
  double value = 0;
  Instant measured_at;
};

/// What the planner sees at one step.
struct PlanInputs {
  Now now;
  const std::vector<forecast::EndpointForecast>* forecasts = nullptr;  ///< null: none
  Instant forecasts_at;  ///< when they were made; older than one window they don't count
  std::vector<Signal> signals;
};

/// One change of an effective limit, for logs, API, metrics.
struct PlanChange {
  WallTime time{};
  std::string endpoint;
  std::string tier;
  double before_per_minute = 0;
  double after_per_minute = 0;
  double before_scale = 1;
  double after_scale = 1;
  std::string rule;   ///< "" when relaxing to base
  std::string cause;  ///< "forecast of payment is 2.1 times the usual 840 requests an hour"
  bool shadow = false;
};

/// Whether a rule holds now, and why.
struct RuleState {
  std::string rule;
  bool active = false;
  Mode mode = Mode::enforce;
  std::string cause;
  WallTime since{};
};

struct PlanStep {
  std::shared_ptr<const limiter::Plan>
      plan;  ///< null when nothing changed and the plan needs no renewal
  std::vector<PlanChange> changes;
};

/// Rules and their memory (hysteresis, holds, slow relaxing): forecasts and signals in, plans out.
/// Deterministic; one thread.
///   several active rules on one limit: the smallest scale wins, never their product;
///   forecast rules tighten by at most `adapt.tighten` a step, and hold; signal rules tighten at
///   once, to the floor; everything relaxes by `adapt.relax` a minute.
class Planner {
 public:
  explicit Planner(PolicySettings settings);

  [[nodiscard]] PlanStep step(const PlanInputs& inputs);

  /// New settings: rules that keep their name keep their state; limits that change make a new
  /// limits_epoch.
  void reconfigure(PolicySettings settings);

  [[nodiscard]] const std::vector<RuleState>& rules() const;
  [[nodiscard]] std::shared_ptr<const limiter::Plan> current() const;
};

}  // namespace tidelimit::policy
