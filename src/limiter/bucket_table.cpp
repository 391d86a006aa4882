#include "limiter/bucket_table.hpp"

namespace tidelimit::limiter {
namespace {

[[nodiscard]] BucketCall with_key(const BucketCall& call, std::uint64_t key) {
  BucketCall shared = call;
  shared.key = key;
  return shared;
}

}  // namespace

void BucketTable::spill(const BucketCall& call, std::uint64_t overflow_key, Charge& out) noexcept {
  const BucketCall shared = with_key(call, overflow_key);
  if (!spill_.charge(shared, out)) spill_.charge_any(shared, out);
  out.overflow = true;
  overflows_.fetch_add(1, std::memory_order_relaxed);
}

void BucketTable::peek_spill(const BucketCall& call, std::uint64_t overflow_key,
                             Charge& out) noexcept {
  const BucketCall shared = with_key(call, overflow_key);
  if (!spill_.peek(shared, out)) spill_.peek_any(shared, out);
  out.overflow = true;
}

}  // namespace tidelimit::limiter
