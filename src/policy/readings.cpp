#include "policy/readings.hpp"

#include <string_view>
#include <unordered_map>

namespace tidelimit::policy {

StepReadings read(const PlanInputs& inputs, const PolicySettings& settings) {
  StepReadings readings;
  readings.now = inputs.now.wall;
  readings.enforced = inputs.all == Mode::enforce && inputs.enforced == limiter::View::effective;
  readings.endpoints.resize(settings.endpoints.size());
  std::unordered_map<std::string_view, Readings*> by_name;
  for (std::size_t i = 0; i < readings.endpoints.size(); ++i) {
    Readings& seen = readings.endpoints[i];
    seen.endpoint = &settings.endpoints[i];
    by_name.emplace(seen.endpoint->name, &seen);
  }
  const auto of = [&](const std::string& endpoint) {
    const auto found = by_name.find(endpoint);
    return found == by_name.end() ? nullptr : found->second;
  };
  if (inputs.forecasts) {
    const bool stale = is_stale(inputs.forecasts_at, inputs.window, inputs.now.mono);
    for (const auto& forecast : *inputs.forecasts) {
      if (forecast.source == forecast::Source::none) continue;
      Readings* const seen = of(forecast.endpoint);
      if (seen == nullptr) continue;
      seen->forecast_stale = stale;
      seen->forecast = stale ? nullptr : &forecast;
    }
  }
  if (inputs.demand) {
    for (const auto& demand : *inputs.demand)
      if (Readings* const seen = of(demand.endpoint)) seen->demand = demand.requests;
  }
  if (inputs.load) {
    for (const auto& load : inputs.load->endpoints)
      if (Readings* const seen = of(load.endpoint)) seen->load = &load;
  }
  for (const auto& signal : inputs.signals) {
    if (signal.name == "cpu" && inputs.now.mono - signal.measured_at <= kSignalAge) {
      readings.cpu = signal.value;
    }
  }
  return readings;
}

}  // namespace tidelimit::policy
