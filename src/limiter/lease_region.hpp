#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/time.hpp"
#include "limiter/lease_counts.hpp"
#include "limiter/zeroed_array.hpp"

namespace tidelimit::limiter {

/// Whose leases, and how long they hold.
struct LeaseKey {
  std::uint64_t hash = 0;           ///< keyed, of principal and endpoint
  std::uint32_t generation_ms = 1;  ///< a third of the timeout, rounded up: 1 .. kLongest

  static constexpr unsigned kLengthBits = 20;
  static constexpr std::uint32_t kLongest = (1u << kLengthBits) - 1;
  /// What an entry bears: 44 bits of the hash, and the length, so that whoever meets an entry knows
  /// when it is over. Never 0.
  [[nodiscard]] constexpr std::uint64_t word() const noexcept {
    return (hash & ~std::uint64_t{kLongest}) | generation_ms;
  }
};

enum class Grant : std::uint8_t {
  given,
  refused,  ///< as many are in flight as may be
  full,     ///< no entry of this key, and every place for one holds live leases
};

struct Leasing {
  Grant grant = Grant::refused;
  std::uint32_t in_flight = 0;  ///< the new one included, if it was given
  bool overflow = false;        ///< counted with a neighbourhood: the table was full
};

enum class Release : std::uint8_t { done, no_lease, no_entry };

/// A fixed number of lease counts, found by key. Any number of threads; no lock, no allocation
/// after construction. The invariants stand at the head of lease_region.cpp.
class LeaseRegion {
 public:
  /// `bytes` of entries, rounded down to whole sets (256 bytes), at least one.
  explicit LeaseRegion(std::size_t bytes);

  /// One more in flight, unless `limit` (>= 1) are already.
  [[nodiscard]] Leasing acquire(const LeaseKey& key, std::uint32_t limit, Instant now) noexcept;
  /// What acquire would say, and how many are in flight; changes nothing.
  [[nodiscard]] Leasing peek(const LeaseKey& key, std::uint32_t limit, Instant now) noexcept;
  /// One less. `began`: when it was taken; unknown: the oldest.
  Release release(const LeaseKey& key, std::optional<Instant> began, Instant now) noexcept;

  [[nodiscard]] std::size_t capacity() const noexcept { return sets_.size() * kWays; }
  /// Entries with leases, counted in at most 65,536 sets (16 MiB) spread over the region and scaled
  /// up.
  [[nodiscard]] std::size_t live(Instant now) const noexcept;
  /// Entries whose leases were over and whose place went to another key.
  [[nodiscard]] std::uint64_t reclaimed() const noexcept {
    return reclaimed_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kWays = 15;

  /// 16 bytes that change only together.
  struct alignas(16) Entry {
    std::atomic<std::uint64_t> key;    ///< LeaseKey::word; 0: nobody's
    std::atomic<std::uint64_t> state;  ///< LeaseCounts, or the number of a placement
  };
  struct alignas(64) Set {
    std::atomic<std::uint64_t> turn;        ///< the last placement that was accepted
    std::atomic<std::uint64_t> placements;  ///< numbers handed out
    std::array<Entry, kWays> entries;
  };
  struct Content {
    std::uint64_t key = 0;
    std::uint64_t state = 0;
  };
  struct Search {
    Entry* match = nullptr;  ///< holds the key
    Content found;           ///< what stood there, or in the vacancy
    Entry* vacancy = nullptr;
    std::size_t slot = 0;  ///< of the vacancy
    std::uint64_t turn = 0;
  };

  [[nodiscard]] Set& set_of(const LeaseKey& key) noexcept;
  [[nodiscard]] static Search search(Set& set, std::uint64_t word, Instant now) noexcept;
  [[nodiscard]] static Search find(Set& set, std::uint64_t word) noexcept;
  static void settle(Set& set, std::uint64_t turn) noexcept;
  [[nodiscard]] bool place(Set& set, const Search& search, std::uint64_t word,
                           std::uint64_t first) noexcept;

  ZeroedArray<Set> sets_;
  alignas(64) std::atomic<std::uint64_t> reclaimed_{0};
};

}  // namespace tidelimit::limiter
