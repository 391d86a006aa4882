#include "limiter/bucket_table.hpp"

namespace tidelimit::limiter {
namespace {

[[nodiscard]] BucketCall by_overflow_key(const BucketCall& call) {
  BucketCall shared = call;
  shared.key = call.overflow_key;
  return shared;
}

}  // namespace

Charge BucketTable::peek(const BucketCall& call) noexcept {
  Charge result;
  if (main_.peek(call, result)) return result;
  result.overflow = true;
  if (spill_.peek(by_overflow_key(call), result)) return result;
  // Every place is taken by a stranger: charge would share with one of them. Say what a full bucket
  // would say.
  result.before = call.now.since_start + call.limit.tolerance();
  result.conformance = conform(result.before, call.hits, call.limit, call.now);
  return result;
}

void BucketTable::spill(const BucketCall& call, Charge& out) noexcept {
  const BucketCall shared = by_overflow_key(call);
  if (!spill_.charge(shared, out)) spill_.charge_any(shared, out);
  out.overflow = true;
  overflows_.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace tidelimit::limiter
