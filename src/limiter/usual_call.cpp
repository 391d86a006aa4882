#include "limiter/usual_call.hpp"

namespace tidelimit::limiter {

bool UsualCall::known_to_plan() const noexcept {
  return index(call_.endpoint) < plan_.endpoints.size() && index(call_.tier) < plan_.tiers;
}

bool UsualCall::enforced_in_full(const PlanEndpoint& endpoint) const noexcept {
  const ModeSwitch& mode = limiter_.mode;
  const auto enforce = [](const std::atomic<Mode>& part) {
    return part.load(std::memory_order_relaxed) == Mode::enforce;
  };
  return endpoint.mode == Mode::enforce && enforce(mode.all) && enforce(mode.rules) &&
         enforce(mode.forecast);
}

bool UsualCall::decide(const VerdictTable* verdicts, const OverrideTable* overrides,
                       Decision& out) noexcept {
  if (call_.hits == 0 || call_.given != nullptr || !known_to_plan() || now_ >= plan_.expires_at)
    return false;
  const PlanEndpoint& endpoint = plan_.endpoints[index(call_.endpoint)];
  if (!enforced_in_full(endpoint) || endpoint.shed || !endpoint.client.unlimited()) return false;
  const Cell& cell = plan_.cell(call_.endpoint, call_.tier);
  const CellLimits& limits = cell.in(View::effective);
  const Limit& watched = cell.in(View::shadow).principal;
  if (limits.principal.unlimited() || !limits.total.unlimited() ||
      !(watched == limits.principal || watched.unlimited()))
    return false;
  if (overrides != nullptr && !overrides->empty()) return false;
  if (verdicts != nullptr && verdicts->find(call_.client, now_) != nullptr) return false;
  charge(limits, cell.in(View::base).principal, out);
  return true;
}

void UsualCall::charge(const CellLimits& limits, const Limit& base, Decision& out) noexcept {
  const Limit& limit = limits.principal;
  const BucketCall asked{key_, call_.hits, limit, plan_.limits_epoch, now_, Tat{0}};
  const Charge charge =
      limiter_.buckets_.charge(asked, [&] { return names_.overflow(key_, Use::principal, limit); });
  const Conformance& said = charge.conformance;
  out.endpoint = call_.endpoint;
  out.tier = call_.tier;
  out.plan_generation = plan_.generation;
  out.limit = limit;
  out.rule = limits.rule;
  out.remaining = said.remaining;
  out.reset_after = said.reset_after;
  out.overflow = charge.overflow;
  if (said.conforms) {
    out.near_limit = said.remaining * 5 < limit.burst;
    return;
  }
  out.allowed = false;
  out.outcome = Outcome::deny;
  out.reason = conform(said.tat, call_.hits, base, now_).conforms ? Reason::reduced_capacity
                                                                  : Reason::over_limit;
  out.retry_after = said.retry_after;
}

}  // namespace tidelimit::limiter
