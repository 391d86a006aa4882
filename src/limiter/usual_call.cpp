#include "limiter/usual_call.hpp"

namespace tidelimit::limiter {

void UsualCall::charge_unsettled(Limiter& limiter, BucketKeys keys, const BucketCall& asked,
                                 const Limit& base, Conformance& said, Decision& out) noexcept {
  const Charge charge = limiter.buckets_.charge(
      asked, [&] { return keys.overflow(asked.key, Use::principal, base); });
  said = charge.conformance;
  out.overflow = charge.overflow;
}

}  // namespace tidelimit::limiter
