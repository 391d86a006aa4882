#include "policy/base_limits.hpp"

namespace tidelimit::policy {

limiter::Limit to_limit(const LimitSpec& spec) {
  if (!spec.rate) return {};
  return limiter::make_limit(*spec.rate, spec.burst.value_or(default_burst(*spec.rate)));
}

std::vector<BaseLimits> base_limits(const PolicySettings& settings) {
  std::vector<BaseLimits> table;
  for (const auto& endpoint : settings.endpoints) {
    for (std::size_t tier = 0; tier < settings.tiers.size(); ++tier) {
      BaseLimits& base = table.emplace_back();
      if (tier >= endpoint.limits.size()) continue;
      const LimitSpec& spec = endpoint.limits[tier];
      base.principal = to_limit(spec);
      if (spec.total) base.total = limiter::make_limit(*spec.total, default_burst(*spec.total));
      const auto& shown = spec.rate ? spec.rate : spec.total;
      if (shown) base.per_minute = shown->per_minute();
    }
  }
  return table;
}

bool same_limits(const PolicySettings& a, const PolicySettings& b) {
  if (a.tiers != b.tiers || a.endpoints.size() != b.endpoints.size()) return false;
  for (std::size_t i = 0; i < a.endpoints.size(); ++i) {
    if (a.endpoints[i].name != b.endpoints[i].name) return false;
    if (to_limit(a.endpoints[i].client) != to_limit(b.endpoints[i].client)) return false;
  }
  return base_limits(a) == base_limits(b);
}

}  // namespace tidelimit::policy
