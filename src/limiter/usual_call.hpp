#pragma once

#include <vector>

#include "limiter/bucket_keys.hpp"
#include "limiter/bucket_state.hpp"
#include "limiter/limiter.hpp"

namespace tidelimit::limiter {

/// What is usual at each endpoint and tier of the plan, row-major.
[[nodiscard]] std::vector<UsualLimit> usual_limits(const Plan& plan);

/// The call that most are: in force is the plan's limit on the principal, and nothing else holds,
/// is watched, or speaks of its client. Decided as Judge would decide it, in a fraction of the
/// instructions; a call that is not so is left to Judge. Its bucket is fetched from construction
/// on. Lives on the stack for one decision.
class UsualCall {
 public:
  /// `client_hash`: Limiter::hash_client of the call's client.
  UsualCall(Limiter& limiter, const Plan& plan, std::uint64_t client_hash, const Call& call,
            Instant now) noexcept
      : limiter_(limiter),
        plan_(plan),
        call_(call),
        now_(now),
        client_hash_(client_hash),
        usual_(plan.usual_limit(call.endpoint, call.tier)),
        key_(usual_ == nullptr ? 0 : bucket_key(*usual_, client_hash, call)) {
    if (usual_ != nullptr) limiter.buckets_.prefetch(key_);
  }

  /// False: it is not such a call, nothing was charged, and `out` is as it was.
  [[nodiscard]] bool decide(const VerdictTable* verdicts, const OverrideTable* overrides,
                            Decision& out) noexcept;

  [[nodiscard]] std::uint64_t client_hash() const noexcept { return client_hash_; }
  /// Of the principal's bucket.
  [[nodiscard]] static std::uint64_t bucket_key(const UsualLimit& usual, std::uint64_t client_hash,
                                                const Call& call) noexcept {
    return BucketKeys::principal(call.user != 0 ? call.user : client_hash, usual.purpose);
  }

 private:
  [[nodiscard]] bool enforced_in_full() const noexcept;
  void charge(Decision& out) noexcept;
  void charge_unsettled(Conformance& said, Decision& out) const noexcept;

  Limiter& limiter_;
  const Plan& plan_;
  const Call& call_;
  const Instant now_;
  const std::uint64_t client_hash_;
  const UsualLimit* const usual_;
  const std::uint64_t key_;
};

inline bool UsualCall::enforced_in_full() const noexcept {
  const ModeSwitch& mode = limiter_.mode;
  const auto enforce = [](const std::atomic<Mode>& part) {
    return part.load(std::memory_order_relaxed) == Mode::enforce;
  };
  return enforce(mode.all) && enforce(mode.rules) && enforce(mode.forecast);
}

[[gnu::always_inline]] inline bool UsualCall::decide(const VerdictTable* verdicts,
                                                     const OverrideTable* overrides,
                                                     Decision& out) noexcept {
  if (usual_ == nullptr || call_.rollout >= usual_->below || call_.hits == 0 ||
      call_.given != nullptr || now_ >= plan_.expires_at || !enforced_in_full())
    return false;
  if (overrides != nullptr && !overrides->empty() &&
      overrides->find(call_.client, call_.user, now_) != nullptr)
    return false;
  if (verdicts != nullptr && verdicts->find(call_.client, now_) != nullptr) return false;
  charge(out);
  return true;
}

[[gnu::always_inline]] inline void UsualCall::charge(Decision& out) noexcept {
  const Limit& limit = usual_->limit;
  Conformance said;
  if (!limiter_.buckets_.main().charge_settled(key_, call_.hits, limit, plan_.limits_epoch, now_,
                                               said)) [[unlikely]]
    charge_unsettled(said, out);
  out.endpoint = call_.endpoint;
  out.tier = call_.tier;
  out.plan_generation = plan_.generation;
  out.limit = limit;
  out.rule = usual_->rule;
  out.remaining = said.remaining;
  out.reset_after = said.reset_after;
  if (said.conforms) [[likely]] {
    out.near_limit = near_limit(said.remaining, limit);
    return;
  }
  out.allowed = false;
  out.outcome = Outcome::deny;
  out.reason = conform(said.tat, call_.hits, usual_->base, now_).conforms ? Reason::reduced_capacity
                                                                          : Reason::over_limit;
  out.retry_after = said.retry_after;
}

}  // namespace tidelimit::limiter
