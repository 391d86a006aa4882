#pragma once

#include <vector>

#include "limiter/gcra.hpp"
#include "policy/settings.hpp"

namespace tidelimit::policy {

/// Base limits of one endpoint and tier, as the data plane takes them.
struct BaseLimits {
  limiter::Limit principal;
  limiter::Limit total;
  double per_minute = 0;  ///< of the principal's limit, or of the total where that is the only one
  bool operator==(const BaseLimits&) const = default;
};

/// Row-major [endpoint][tier].
[[nodiscard]] std::vector<BaseLimits> base_limits(const PolicySettings& settings);

[[nodiscard]] limiter::Limit to_limit(const LimitSpec& spec);

/// A third of the time after which a request counts as in flight no more, rounded up to
/// milliseconds; 0 where no tier is limited so.
[[nodiscard]] std::uint32_t lease_generation_ms(const EndpointSettings& endpoint);
/// Row-major [endpoint][tier]; empty when no endpoint limits how many may be in flight.
[[nodiscard]] std::vector<std::uint16_t> in_flight_limits(const PolicySettings& settings);

/// Whether buckets that were filled under one configuration mean the same under the other.
[[nodiscard]] bool same_limits(const PolicySettings& a, const PolicySettings& b);

}  // namespace tidelimit::policy
