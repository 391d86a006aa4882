#include "limiter/usual_call.hpp"

namespace tidelimit::limiter {
namespace {

// The shadow view holds all rules: it sheds, has a total and another limit wherever any other view
// does, those of a roll-out's stages among them.
[[nodiscard]] bool only_limits_principals(const PlanEndpoint& endpoint, const Cell& cell) {
  const Limit& limit = cell.in(View::effective).principal;
  const CellLimits& all = cell.in(View::shadow);
  return !limit.unlimited() && (all.principal == limit || all.principal.unlimited()) &&
         all.total.unlimited() && all.shed == 0 && endpoint.client.unlimited() &&
         endpoint.lease_generation_ms == 0;
}

}  // namespace

std::vector<UsualLimit> usual_limits(const Plan& plan) {
  std::vector<UsualLimit> usual(plan.cells.size());
  for (std::size_t i = 0; i < usual.size(); ++i) {
    const EndpointId id{static_cast<std::uint16_t>(i / plan.tiers)};
    const PlanEndpoint& endpoint = plan.endpoints[index(id)];
    const Cell& cell = plan.cells[i];
    const bool enforces = endpoint.mode == Mode::enforce && only_limits_principals(endpoint, cell);
    usual[i] = {.limit = cell.in(View::effective).principal,
                .base = cell.in(View::base).principal,
                .purpose = BucketKeys::principal_purpose(mark_of(plan, id)),
                .rule = cell.in(View::effective).rule,
                .below = enforces ? endpoint.enforced : std::uint16_t{0}};
  }
  return usual;
}

void UsualCall::charge_unsettled(Conformance& said, Decision& out) const noexcept {
  const BucketCall asked{.key = key_,
                         .hits = call_.hits,
                         .limit = usual_->limit,
                         .epoch = plan_.limits_epoch,
                         .now = now_,
                         .longest = plan_.endpoints[index(call_.endpoint)].longest};
  const Charge charge = limiter_.buckets_.charge(asked, [&] {
    const BucketKeys keys(limiter_.seed_, client_hash_, call_, mark_of(plan_, call_.endpoint),
                          call_.tier);
    return keys.overflow(key_, Use::principal, usual_->base);
  });
  said = charge.conformance;
  out.overflow = charge.overflow;
}

}  // namespace tidelimit::limiter
