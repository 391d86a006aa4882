#pragma once

#include "limiter/bucket_keys.hpp"
#include "limiter/bucket_state.hpp"
#include "limiter/limiter.hpp"

namespace tidelimit::limiter {

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
        keys_(limiter.seed_, client_hash, call, mark_of(plan, call.endpoint), call.tier),
        key_(keys_.principal()) {
    limiter.buckets_.prefetch(key_);
  }

  /// False: it is not such a call, nothing was charged, and `out` is as it was.
  [[nodiscard]] bool decide(const VerdictTable* verdicts, const OverrideTable* overrides,
                            Decision& out) noexcept;

 private:
  [[nodiscard]] bool known_to_plan() const noexcept;
  [[nodiscard]] bool enforced_in_full(const PlanEndpoint& endpoint) const noexcept;
  void charge(const CellLimits& limits, const Limit& base, Decision& out) noexcept;
  // All by value or apart from this object: it then lives in registers.
  static void charge_unsettled(Limiter& limiter, BucketKeys keys, const BucketCall& asked,
                               const Limit& base, Conformance& said, Decision& out) noexcept;

  Limiter& limiter_;
  const Plan& plan_;
  const Call& call_;
  const Instant now_;
  const BucketKeys keys_;
  const std::uint64_t key_;
};

inline bool UsualCall::known_to_plan() const noexcept {
  return index(call_.endpoint) < plan_.endpoints.size() && index(call_.tier) < plan_.tiers;
}

inline bool UsualCall::enforced_in_full(const PlanEndpoint& endpoint) const noexcept {
  const ModeSwitch& mode = limiter_.mode;
  const auto enforce = [](const std::atomic<Mode>& part) {
    return part.load(std::memory_order_relaxed) == Mode::enforce;
  };
  return endpoint.mode == Mode::enforce && call_.rollout < endpoint.enforced && enforce(mode.all) &&
         enforce(mode.rules) && enforce(mode.forecast);
}

[[gnu::always_inline]] inline bool UsualCall::decide(const VerdictTable* verdicts,
                                                     const OverrideTable* overrides,
                                                     Decision& out) noexcept {
  if (call_.hits == 0 || call_.given != nullptr || !known_to_plan() || now_ >= plan_.expires_at)
    return false;
  const PlanEndpoint& endpoint = plan_.endpoints[index(call_.endpoint)];
  if (!enforced_in_full(endpoint) || !endpoint.client.unlimited() ||
      endpoint.lease_generation_ms != 0)
    return false;
  const Cell& cell = plan_.cell(call_.endpoint, call_.tier);
  const CellLimits& limits = cell.in(View::effective);
  // The shadow view holds all rules: it sheds, has a total and another limit wherever any other
  // view does, those of a roll-out's stages among them.
  const CellLimits& all = cell.in(View::shadow);
  if (all.shed != 0) return false;
  const Limit& watched = all.principal;
  if (limits.principal.unlimited() || !all.total.unlimited() ||
      !(watched == limits.principal || watched.unlimited()))
    return false;
  if (overrides != nullptr && !overrides->empty()) return false;
  if (verdicts != nullptr && verdicts->find(call_.client, now_) != nullptr) return false;
  charge(limits, cell.in(View::base).principal, out);
  return true;
}

[[gnu::always_inline]] inline void UsualCall::charge(const CellLimits& limits, const Limit& base,
                                                     Decision& out) noexcept {
  const Limit& limit = limits.principal;
  const std::uint64_t epoch = plan_.limits_epoch;
  Conformance said;
  if (!limiter_.buckets_.main().charge_settled(key_, call_.hits, limit, epoch, now_, said))
      [[unlikely]]
    charge_unsettled(limiter_, keys_,
                     {key_, call_.hits, limit, epoch, now_, Tat{0},
                      plan_.endpoints[index(call_.endpoint)].longest},
                     base, said, out);
  out.endpoint = call_.endpoint;
  out.tier = call_.tier;
  out.plan_generation = plan_.generation;
  out.limit = limit;
  out.rule = limits.rule;
  out.remaining = said.remaining;
  out.reset_after = said.reset_after;
  if (said.conforms) [[likely]] {
    out.near_limit = near_limit(said.remaining, limit);
    return;
  }
  out.allowed = false;
  out.outcome = Outcome::deny;
  out.reason = conform(said.tat, call_.hits, base, now_).conforms ? Reason::reduced_capacity
                                                                  : Reason::over_limit;
  out.retry_after = said.retry_after;
}

}  // namespace tidelimit::limiter
