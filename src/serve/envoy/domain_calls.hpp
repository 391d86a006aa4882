#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

#include "base/error.hpp"
#include "envoy/service/ratelimit/v3/rls.pb.h"
#include "limiter/loose_limits.hpp"
#include "serve/domains/domain_table.hpp"
#include "serve/gate/gate.hpp"

namespace tidelimit::serve::envoy {

using RateLimitRequest = ::envoy::service::ratelimit::v3::RateLimitRequest;
using RateLimitResponse = ::envoy::service::ratelimit::v3::RateLimitResponse;

/// A descriptor of a call and the limit that it meets.
struct MetLimit {
  const DomainRule* rule = nullptr;  ///< null: none, or the call brought the limit along
  std::uint32_t requests_per_unit = 0;
  RateLimitResponse::RateLimit::Unit unit = RateLimitResponse::RateLimit::UNKNOWN;
  Nanos period{0};            ///< of the unit
  std::size_t at = kNoLimit;  ///< which of the limits that are charged; kNoLimit: none of them
  bool enforced = true;       ///< false: by the gate's mode it is only watched, and nothing is told
  static constexpr std::size_t kNoLimit = ~std::size_t{0};
};

/// Calls in the domains of envoyproxy/ratelimit, served as their files have it, but that a call
/// charges all its limits or none. One loop; keeps its memory, and allocates only what the answer
/// takes.
class DomainCalls {
 public:
  /// `clock_offset`: see limiter::window_left. `loop`: a number of its own for the counts.
  /// `overflows` counts calls that met a shared bucket.
  DomainCalls(Gate& gate, Nanos clock_offset, std::size_t loop,
              std::atomic<std::uint64_t>& overflows)
      : gate_(gate), clock_offset_(clock_offset), loop_(loop), overflows_(overflows) {}

  /// `call` has passed check_shape; `out` is clear. Errors are invalid_argument and name the
  /// descriptor and the mend.
  [[nodiscard]] Result<void> answer(const RateLimitRequest& call, const DomainLevel& domain,
                                    const FrontSettings& settings, const Now& now,
                                    RateLimitResponse& out);

 private:
  [[nodiscard]] Result<void> find_limits(const RateLimitRequest& call, const DomainLevel& domain,
                                         const FrontSettings& settings, Instant now);
  void add_limit(MetLimit& met, Nanos period, const limiter::LooseLimit& limit,
                 const DomainTable& table, Instant now);
  void drop_replaced(std::size_t descriptors);
  void count(std::size_t descriptors, bool passed);

  Gate& gate_;
  const Nanos clock_offset_;
  const std::size_t loop_;
  std::atomic<std::uint64_t>& overflows_;
  std::array<MetLimit, limiter::kLooseMax> met_;
  std::array<limiter::LooseLimit, limiter::kLooseMax> limits_;
  std::array<limiter::LooseAnswer, limiter::kLooseMax> answers_;
  std::size_t limit_count_ = 0;
};

}  // namespace tidelimit::serve::envoy
