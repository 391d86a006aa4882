#include "policy/settings.hpp"

#include <algorithm>

namespace tidelimit::policy {
namespace {

bool named(const std::vector<std::string>& list, std::string_view name) {
  return list.empty() || std::find(list.begin(), list.end(), name) != list.end();
}

}  // namespace

bool Effect::reaches(const EndpointSettings& endpoint, std::string_view tier) const {
  return named(tiers, tier) && (same_endpoints || named(endpoints, endpoint.name)) &&
         priority.value_or(endpoint.priority) == endpoint.priority;
}

double Adapt::floor_of(std::string_view endpoint, std::string_view tier) const {
  std::optional<double> named;
  for (const auto& [name, floor] : floors) {
    if (name == endpoint || name == tier) named = std::max(named.value_or(0.0), floor);
  }
  return named.value_or(default_floor);
}

ModeFor PolicySettings::mode_of(const Rule& rule) const {
  return rule.when.looks_ahead() ? lesser(rule.mode, forecast_mode) : rule.mode;
}

bool PolicySettings::rolls_out() const {
  const auto partly = [](const auto& one) { return one.mode.share < 1; };
  return partly(*this) || forecast_mode.share < 1 || partly(anomaly) ||
         std::any_of(endpoints.begin(), endpoints.end(), partly) ||
         std::any_of(rules.begin(), rules.end(), partly);
}

}  // namespace tidelimit::policy
