#include "policy/base_limits.hpp"

#include <algorithm>

#include "limiter/lease_region.hpp"

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
      if (spec.total)
        base.total =
            limiter::make_limit(*spec.total, spec.total_burst.value_or(default_burst(*spec.total)));
      const auto& shown = spec.rate ? spec.rate : spec.total;
      if (shown) base.per_minute = shown->per_minute();
    }
  }
  return table;
}

static_assert(kLongestInFlight / 3 <= std::chrono::milliseconds{limiter::LeaseKey::kLongest});
static_assert(kMostInFlight <= limiter::LeaseCounts::kMost);

std::uint32_t lease_generation_ms(const EndpointSettings& endpoint) {
  const bool limited = std::any_of(endpoint.concurrency.begin(), endpoint.concurrency.end(),
                                   [](std::uint16_t most) { return most != 0; });
  if (!limited) return 0;
  constexpr Nanos kThree = std::chrono::milliseconds{3};
  return static_cast<std::uint32_t>((endpoint.concurrency_timeout + kThree - Nanos{1}) / kThree);
}

std::vector<std::uint16_t> in_flight_limits(const PolicySettings& settings) {
  std::vector<std::uint16_t> table;
  for (std::size_t e = 0; e < settings.endpoints.size(); ++e) {
    const auto& endpoint = settings.endpoints[e];
    if (lease_generation_ms(endpoint) == 0) continue;
    table.resize(settings.endpoints.size() * settings.tiers.size());
    const std::size_t tiers = std::min(settings.tiers.size(), endpoint.concurrency.size());
    for (std::size_t t = 0; t < tiers; ++t)
      table[e * settings.tiers.size() + t] = endpoint.concurrency[t];
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
