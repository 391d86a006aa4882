#include "policy/settings.hpp"

#include <algorithm>

namespace tidelimit::policy {

double Adapt::floor_of(std::string_view endpoint, std::string_view tier) const {
  std::optional<double> named;
  for (const auto& [name, floor] : floors) {
    if (name == endpoint || name == tier) named = std::max(named.value_or(0.0), floor);
  }
  return named.value_or(default_floor);
}

Mode PolicySettings::mode_of(const Rule& rule) const {
  // Mode counts up from off over shadow to enforce.
  return rule.when.on_forecast() ? std::min(rule.mode, forecast_mode) : rule.mode;
}

}  // namespace tidelimit::policy
