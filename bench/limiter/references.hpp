#pragma once

#include <mutex>
#include <unordered_map>

#include "limiter/gcra.hpp"
#include "limiter/zeroed_array.hpp"

namespace tidelimit::bench {

/// The floor: no probing, no verdict, no plan; hash, one load, GCRA, one compare-and-swap. Sixteen
/// bytes an entry, the same memory as the table beside it.
class BareTable {
 public:
  explicit BareTable(std::size_t bytes) : entries_(bytes / sizeof(Entry), limiter::Pages::huge) {}

  bool pass(std::uint64_t hash, const limiter::Limit& limit, Instant now) noexcept {
    return charge(hash, limit, now) >= 0;
  }
  /// The TAT that it leaves; -1: denied.
  std::int64_t charge(std::uint64_t hash, const limiter::Limit& limit, Instant now) noexcept {
    std::atomic<std::int64_t>& cell = entry(hash).tat;
    std::int64_t tat = cell.load(std::memory_order_acquire);
    for (;;) {
      const std::int64_t next =
          std::max(now.since_start.count(), tat) + limit.emission_interval.count();
      if (next > (now.since_start + limit.tolerance()).count()) return -1;
      if (cell.compare_exchange_weak(tat, next, std::memory_order_acq_rel)) return next;
    }
  }
  void prefetch(std::uint64_t hash) noexcept { __builtin_prefetch(&entry(hash), 1); }

 private:
  struct alignas(16) Entry {
    std::uint64_t unused;
    std::atomic<std::int64_t> tat;
  };
  Entry& entry(std::uint64_t hash) noexcept {
    __extension__ using Product = unsigned __int128;
    return entries_[static_cast<std::size_t>(static_cast<Product>(hash) * entries_.size() >> 64)];
  }
  limiter::ZeroedArray<Entry> entries_;
};

/// What one writes first.
class MutexMap {
 public:
  bool pass(std::uint64_t hash, const limiter::Limit& limit, Instant now) {
    std::lock_guard lock(mutex_);
    limiter::Tat& tat = tats_[hash];
    const auto said = limiter::conform(tat, 1, limit, now);
    tat = said.tat;
    return said.conforms;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, limiter::Tat> tats_;
};

}  // namespace tidelimit::bench
