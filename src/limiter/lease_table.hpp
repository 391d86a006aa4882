#pragma once

#include "limiter/lease_region.hpp"

namespace tidelimit::limiter {

/// All leases of the process: who has how many requests in flight where, in memory fixed at
/// construction. Any number of threads; a call takes no lock and allocates nothing.
///   A lease ends when it is released, else after the timeout of its key or up to a third more.
///   Within a timeout never more than `limit` leases of one key are given and not released.
///   When every place for a new key holds live leases, it shares the count of its overflow key in a
///   part kept for that (1/16 of the memory), which `overflows` counts; where that is full too, it
///   is refused. What it holds there is not in the count of its own that it gets when a place is
///   free: until those end, it may hold `limit` more.
/// Two keys are one only if 44 bits of their hashes and the set that further bits choose are equal:
/// among the 230,000 that 4 MiB hold, the chance that any pair is so is 1e-7; and the hashing is
/// keyed per process.
class LeaseTable {
 public:
  explicit LeaseTable(std::size_t bytes) : main_(bytes - bytes / 16), spill_(bytes / 16) {}

  /// One more in flight, unless `limit` (>= 1) are already. `overflow_key()` gives the key to share
  /// when memory is full, and is asked only then.
  template <class OverflowKey>
  [[nodiscard]] Leasing acquire(const LeaseKey& key, std::uint32_t limit, Instant now,
                                OverflowKey&& overflow_key) noexcept {
    const Leasing said = main_.acquire(key, limit, now);
    return said.grant != Grant::full ? said : spill(overflow_key(), limit, now);
  }
  /// What acquire would say; takes nothing.
  template <class OverflowKey>
  [[nodiscard]] Leasing peek(const LeaseKey& key, std::uint32_t limit, Instant now,
                             OverflowKey&& overflow_key) noexcept {
    const Leasing said = main_.peek(key, limit, now);
    return said.grant != Grant::full ? said : peek_spill(overflow_key(), limit, now);
  }
  /// One less, if there is one: of the key's own count, else of the shared one. `began`: when it
  /// was taken; unknown: the oldest.
  template <class OverflowKey>
  bool release(const LeaseKey& key, std::optional<Instant> began, Instant now,
               OverflowKey&& overflow_key) noexcept {
    Release done = main_.release(key, began, now);
    if (done != Release::done && overflows() != 0)
      done = spill_.release(overflow_key(), began, now);
    return done == Release::done;
  }

  [[nodiscard]] std::size_t capacity() const noexcept {
    return main_.capacity() + spill_.capacity();
  }
  /// Keys with leases; an estimate from a sample above 16 MiB. Takes up to a
  /// millisecond, off the request path.
  [[nodiscard]] std::size_t live(Instant now) const noexcept {
    return main_.live(now) + spill_.live(now);
  }
  /// Keys whose leases were over and whose place went to another. Lossless.
  [[nodiscard]] std::uint64_t reclaimed() const noexcept {
    return main_.reclaimed() + spill_.reclaimed();
  }
  /// Calls counted with a neighbourhood because the table was full of live leases.
  [[nodiscard]] std::uint64_t overflows() const noexcept {
    return overflows_.load(std::memory_order_relaxed);
  }

 private:
  [[nodiscard]] Leasing spill(const LeaseKey& key, std::uint32_t limit, Instant now) noexcept;
  [[nodiscard]] Leasing peek_spill(const LeaseKey& key, std::uint32_t limit, Instant now) noexcept;

  LeaseRegion main_;
  LeaseRegion spill_;
  alignas(64) std::atomic<std::uint64_t> overflows_{0};
};

}  // namespace tidelimit::limiter
