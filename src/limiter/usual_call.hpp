#pragma once

#include "limiter/bucket_names.hpp"
#include "limiter/limiter.hpp"

namespace tidelimit::limiter {

/// The call that most are: in force is the plan's limit on the principal, and nothing else holds,
/// is watched, or speaks of its client. Decided as Judge would decide it, in a fraction of the
/// instructions; a call that is not so is left to Judge. Its bucket is fetched from construction
/// on. Lives on the stack for one decision.
class UsualCall {
 public:
  UsualCall(Limiter& limiter, const Plan& plan, const Call& call, Instant now) noexcept
      : limiter_(limiter),
        plan_(plan),
        call_(call),
        now_(now),
        names_(limiter.seed_, call, call.endpoint, call.tier),
        key_(names_.principal()) {
    limiter.buckets_.prefetch(key_);
  }

  /// False: it is not such a call, nothing was charged, and `out` is as it was.
  [[nodiscard]] bool decide(const VerdictTable* verdicts, const OverrideTable* overrides,
                            Decision& out) noexcept;

 private:
  [[nodiscard]] bool known_to_plan() const noexcept;
  [[nodiscard]] bool enforced_in_full(const PlanEndpoint& endpoint) const noexcept;
  void charge(const CellLimits& limits, const Limit& base, Decision& out) noexcept;

  Limiter& limiter_;
  const Plan& plan_;
  const Call& call_;
  const Instant now_;
  const BucketNames names_;
  const std::uint64_t key_;
};

}  // namespace tidelimit::limiter
