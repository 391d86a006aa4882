#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "forecast/forecaster.hpp"
#include "limiter/plan.hpp"
#include "policy/load.hpp"

namespace tidelimit::policy {

/// A measured load figure with its age.
struct Signal {
  std::string name;  ///< "cpu"
  double value = 0;
  Instant measured_at;
};

/// A signal that is older counts no more.
inline constexpr Nanos kSignalAge = std::chrono::seconds{15};

/// Forecasts count for one window, and a minute more for its grace and the work.
[[nodiscard]] constexpr bool is_stale(Instant made, Nanos window, Instant now) {
  return now - made > window + std::chrono::minutes{1};
}

/// What one endpoint was really asked for lately.
struct Demand {
  std::string endpoint;
  double requests = 0;  ///< of the last closed window, scaled to the forecast's horizon
};

/// What the planner sees at one step.
struct PlanInputs {
  Now now;
  limiter::View enforced = limiter::View::effective;  ///< what the switches leave in force
  limiter::Mode all = limiter::Mode::enforce;         ///< the switch over everything
  std::string by_hand;  ///< whose word has changed modes since the last step; empty: nobody's
  const std::vector<forecast::EndpointForecast>* forecasts = nullptr;  ///< null: none
  Instant forecasts_at;  ///< when they were made; see is_stale
  Nanos window{std::chrono::minutes{15}};
  /// A forecast may tighten early, but only observed quiet relaxes: with this given, a forecast
  /// rule ends when forecast and demand are both low. null: the forecast alone decides.
  const std::vector<Demand>* demand = nullptr;
  std::vector<Signal> signals;
  /// For rules on queueing and on claims, once a second; empty: not measured.
  std::optional<LoadSample> load;
};

}  // namespace tidelimit::policy
