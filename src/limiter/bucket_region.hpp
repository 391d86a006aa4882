#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <span>

#include "limiter/gcra.hpp"
#include "limiter/zeroed_array.hpp"

namespace tidelimit::limiter {

/// One call on one bucket.
struct BucketCall {
  std::uint64_t key = 0;  ///< keyed hash of principal and limit; not 0
  Hits hits = 1;
  Limit limit;              ///< not unlimited
  std::uint64_t epoch = 0;  ///< Plan::limits_epoch; a bucket last used under an older is clamped
  Instant now;
  Tat floor{0};      ///< a bucket that is absent starts from here if that is later than `now`
  Nanos longest{0};  ///< the longest tolerance of all limits that charge this bucket under this
                     ///< epoch; 0: not known. What is further ahead is of an epoch long gone
  Nanos ahead{0};    ///< the bucket is judged as it will be so much later (see window_limit)
  /// A denied call is charged, too, where anything is left: up to a TAT so far ahead. 0: it is not.
  Nanos excess_to{0};

  [[nodiscard]] Instant judged_at() const noexcept { return now + ahead; }
};

/// A bucket: 16 bytes that change only together (one 16-byte compare-and-swap).
struct alignas(16) BucketEntry {
  std::atomic<std::uint64_t> key;    ///< 0: nobody's
  std::atomic<std::uint64_t> state;  ///< see bucket_region.cpp
};

/// What a call on a bucket found and did.
struct Charge {
  Conformance conformance;
  Tat before{0};          ///< the TAT that was judged
  bool overflow = false;  ///< a bucket shared by a neighbourhood

  // For undo: what was stored where. entry is null when nothing was.
  BucketEntry* entry = nullptr;
  std::uint64_t key = 0;
  std::uint64_t state_before = 0;
  std::uint64_t state_after = 0;
};

/// A bucket outside of any table.
struct KeptBucket {
  std::uint64_t key = 0;
  Tat tat{0};
};

/// A fixed number of GCRA buckets, found by key. Any number of threads; no lock, no allocation
/// after construction. The invariants stand at the head of bucket_region.cpp.
class BucketRegion {
 public:
  /// `bytes` of buckets, rounded down to pairs of sets (128 bytes), at least one pair.
  explicit BucketRegion(std::size_t bytes, Pages pages = Pages::small);

  /// Finds or makes the bucket, and charges it if the call conforms (or by excess_to). False when
  /// the bucket is absent and every place for it is taken by a live one; `out` is then untouched.
  [[nodiscard]] bool charge(const BucketCall& call, Charge& out) noexcept;
  /// The usual case of charge, inline (in bucket_state.hpp): the bucket stands in its first pair,
  /// settled under the call's epoch, and nobody else charges it now. False: nothing was charged,
  /// and charge is to be asked.
  [[nodiscard]] inline bool charge_settled(std::uint64_t key, Hits hits, const Limit& limit,
                                           std::uint64_t epoch, Instant now,
                                           Conformance& said) noexcept;
  /// As charge, for whichever bucket stands first in the key's set: the last resort.
  void charge_any(const BucketCall& call, Charge& out) noexcept;
  /// What charge and charge_any would say; they change nothing. False as above.
  [[nodiscard]] bool peek(const BucketCall& call, Charge& out) noexcept;
  void peek_any(const BucketCall& call, Charge& out) noexcept;
  /// Takes a charge back if nobody used the bucket since; else the charge stands.
  static void undo(const Charge& charge) noexcept;

  /// Of both sets of its first pair: one bucket in seven stands in the second.
  void prefetch(std::uint64_t key) const noexcept {
    const Pair& pair = pairs_[first_pair(key)];
    __builtin_prefetch(&pair.sets[0], 1);
    __builtin_prefetch(&pair.sets[1], 1);
  }
  void use_huge_pages() noexcept { pairs_.use_huge_pages(); }

  [[nodiscard]] std::size_t capacity() const noexcept { return pairs_.size() * kSets * kWays; }
  /// Buckets with TAT > now, counted in at most 16,384 pairs spread over the region and scaled up.
  [[nodiscard]] std::size_t live(Instant now) const noexcept;
  [[nodiscard]] std::uint64_t reclaimed() const noexcept;

  /// Fills `out` (8 or more) with buckets whose TAT is later than `than`, from `cursor` on, which
  /// is 0 at first; says how many, 0 at the end. Others may charge meanwhile.
  [[nodiscard]] std::size_t copy_later(Tat than, std::size_t& cursor,
                                       std::span<KeptBucket> out) const noexcept;
  /// Puts a bucket in that was copied of another table, of whatever size, as last used under that
  /// epoch. False: there is no place for it.
  [[nodiscard]] bool restore(const KeptBucket& kept, std::uint64_t epoch, Instant now) noexcept;

 private:
  static constexpr std::size_t kWays = 4;  // entries of a cache line
  static constexpr std::size_t kSets = 2;  // neighbours
  static constexpr std::size_t kCandidates = 2 * kSets;
  static constexpr std::size_t kStripes = 256;

  struct alignas(64) Set {
    std::array<BucketEntry, kWays> entries;
  };
  struct Pair {
    std::array<Set, kSets> sets;
  };
  // What is rarely written, by the top byte of the key: keys of one stripe share a cache line.
  struct alignas(64) Stripe {
    std::atomic<std::uint64_t> watermark{0};  // the latest TAT of a bucket that was reclaimed
    std::atomic<std::uint64_t> placements{0};
    std::atomic<std::uint64_t> reclaimed{0};
  };
  struct Content {
    std::uint64_t key = 0;
    std::uint64_t state = 0;
  };
  struct Probe {
    BucketEntry* match = nullptr;    // holds the key, settled or tentative
    BucketEntry* vacancy = nullptr;  // where it may be placed, when there is no match
    Content vacancy_content;
  };

  [[nodiscard]] std::size_t first_pair(std::uint64_t key) const noexcept {
    __extension__ using Product = unsigned __int128;
    return static_cast<std::size_t>(static_cast<Product>(key) * pairs_.size() >> 64);
  }
  [[nodiscard]] static inline BucketEntry* find_in(Set& set, std::uint64_t key) noexcept;
  [[nodiscard]] inline BucketEntry* find_near(std::uint64_t key) noexcept;
  [[nodiscard]] Set& candidate(std::uint64_t key, std::size_t i) noexcept;
  [[nodiscard]] Probe probe(std::uint64_t key, Instant now) noexcept;
  [[nodiscard]] BucketEntry* find(std::uint64_t key, Instant now, Probe& probe) noexcept;
  [[nodiscard]] Tat fresh_start(const BucketCall& call) noexcept;
  [[nodiscard]] Tat watermark(std::uint64_t key) noexcept;
  [[nodiscard]] bool insert(const BucketCall& call, const Probe& probe, Tat start,
                            std::uint64_t state) noexcept;
  bool settle(BucketEntry& entry, Content tentative, Tat start, std::uint64_t state) noexcept;
  [[nodiscard]] Stripe& stripe(std::uint64_t key) noexcept { return stripes_[key >> 56]; }

  ZeroedArray<Pair> pairs_;
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace tidelimit::limiter
