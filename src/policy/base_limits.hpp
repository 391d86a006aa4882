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

/// Whether buckets that were filled under one configuration mean the same under the other.
[[nodiscard]] bool same_limits(const PolicySettings& a, const PolicySettings& b);

}  // namespace tidelimit::policy
