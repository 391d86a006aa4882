#pragma once

#include <optional>
#include <vector>

#include "policy/plan_inputs.hpp"
#include "policy/settings.hpp"
#include "policy/trigger.hpp"

namespace tidelimit::policy {

/// What every rule sees at one step, by endpoint index.
struct StepReadings {
  std::vector<Readings> endpoints;
  std::optional<double> cpu;
  WallTime now{};
  bool enforced = true;  ///< the switches leave rules on forecasts and claims in force
};

/// Of what the planner was given, what counts: load, and forecasts and signals that are not too
/// old, by endpoint. What it returns looks into both arguments.
[[nodiscard]] StepReadings read(const PlanInputs& inputs, const PolicySettings& settings);

}  // namespace tidelimit::policy
