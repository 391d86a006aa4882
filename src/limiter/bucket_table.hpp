#pragma once

#include "limiter/bucket_region.hpp"

namespace tidelimit::limiter {

/// All GCRA buckets of the process, in memory fixed at construction. Any number of threads; a call
/// takes no lock and allocates nothing.
///   Readings of the clock come before kNowEnd; later ones are denied.
///   A bucket with TAT <= now equals an absent one; only such buckets are given up.
///   When every place for a new key holds a live bucket, it shares the bucket of its overflow key
///   in a part kept for that (1/64 of the memory), and the call is counted in `overflows`. What it
///   took there is not counted in the bucket of its own that it gets when a place is free: at that
///   moment it may take its burst once more. (A bucket that began where the shared one stands would
///   deny newcomers for whom there is room, wherever any neighbour found none.)
/// Two keys are one bucket only if their 64-bit hashes are equal: among n keys the chance that any
/// pair collides is n^2 / 2^65 (a million keys: 3e-8), and the hashing is keyed per process.
class BucketTable {
 public:
  explicit BucketTable(std::size_t bytes, Pages pages = Pages::small)
      : main_(bytes - bytes / 64, pages), spill_(bytes / 64) {}

  /// Charges the bucket if the call conforms; hits >= 1. `overflow_key()` gives the key (not 0) of
  /// the bucket to share when memory is full, and is asked only then.
  template <class OverflowKey>
  [[nodiscard]] Charge charge(const BucketCall& call, OverflowKey&& overflow_key) noexcept {
    Charge result;
    if (!main_.charge(call, result)) spill(call, overflow_key(), result);
    return result;
  }
  /// BucketRegion::charge_settled of the part where a key has its bucket unless memory is full.
  [[nodiscard]] BucketRegion& main() noexcept { return main_; }
  /// What charge would say (hits 0: of one more); charges and makes nothing.
  template <class OverflowKey>
  [[nodiscard]] Charge peek(const BucketCall& call, OverflowKey&& overflow_key) noexcept {
    Charge result;
    if (!main_.peek(call, result)) peek_spill(call, overflow_key(), result);
    return result;
  }
  /// Takes a charge back if nobody used the bucket since; else it stands, which is the strict side.
  static void undo(const Charge& charge) noexcept { BucketRegion::undo(charge); }

  void prefetch(std::uint64_t key) const noexcept { main_.prefetch(key); }
  void use_huge_pages() noexcept { main_.use_huge_pages(); }

  [[nodiscard]] std::size_t capacity() const noexcept {
    return main_.capacity() + spill_.capacity();
  }
  /// Buckets with TAT > now; an estimate from a sample in large tables. Cheap.
  [[nodiscard]] std::size_t live(Instant now) const noexcept {
    return main_.live(now) + spill_.live(now);
  }
  /// Drained buckets whose place went to another key. Lossless.
  [[nodiscard]] std::uint64_t reclaimed() const noexcept {
    return main_.reclaimed() + spill_.reclaimed();
  }
  /// Charges of a shared bucket because the table was full of live ones; peeks are not counted.
  [[nodiscard]] std::uint64_t overflows() const noexcept {
    return overflows_.load(std::memory_order_relaxed);
  }

 private:
  void spill(const BucketCall& call, std::uint64_t overflow_key, Charge& out) noexcept;
  void peek_spill(const BucketCall& call, std::uint64_t overflow_key, Charge& out) noexcept;

  BucketRegion main_;
  BucketRegion spill_;
  alignas(64) std::atomic<std::uint64_t> overflows_{0};
};

}  // namespace tidelimit::limiter
