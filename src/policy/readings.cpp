#include "policy/readings.hpp"

namespace tidelimit::policy {

StepReadings read(const PlanInputs& inputs, const PolicySettings& settings) {
  StepReadings readings;
  readings.now = inputs.now.wall;
  readings.endpoints.resize(settings.endpoints.size());
  const bool stale = is_stale(inputs.forecasts_at, inputs.window, inputs.now.mono);
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

}  // namespace tidelimit::policy
