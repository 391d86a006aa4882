#include "limiter/lease_table.hpp"

namespace tidelimit::limiter {
namespace {

// A part of the table that is full too refuses: so many are in flight that hold a place of their
// own that this one may wait.
[[nodiscard]] Leasing shared(Leasing said) {
  if (said.grant == Grant::full) said.grant = Grant::refused;
  said.overflow = true;
  return said;
}

}  // namespace

Leasing LeaseTable::spill(const LeaseKey& key, std::uint32_t limit, Instant now) noexcept {
  overflows_.fetch_add(1, std::memory_order_relaxed);
  return shared(spill_.acquire(key, limit, now));
}

Leasing LeaseTable::peek_spill(const LeaseKey& key, std::uint32_t limit, Instant now) noexcept {
  return shared(spill_.peek(key, limit, now));
}

}  // namespace tidelimit::limiter
