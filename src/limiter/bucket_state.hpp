#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "limiter/bucket_region.hpp"
#include "limiter/wide_swap.hpp"

namespace tidelimit::limiter {

// The state word
//   settled:   bit 63 = 0, bit 62 returned, bits 61..58 limits epoch mod 16, bits 57..0 TAT in ns
//   tentative: bit 63 = 1, bits 62..0 a number that no other placement of this stripe bears
//   {0, 0} was never used ("virgin"); {0, 1} was given back by a placement that lost.
inline constexpr std::uint64_t kTentative = std::uint64_t{1} << 63;
inline constexpr std::uint64_t kReturned = std::uint64_t{1} << 62;
inline constexpr unsigned kEpochShift = 58;
inline constexpr std::uint64_t kEpochMask = 15;
inline constexpr std::uint64_t kTatMask = (std::uint64_t{1} << kEpochShift) - 1;

[[nodiscard]] inline bool is_tentative(std::uint64_t state) {
  return (state & kTentative) != 0;
}
[[nodiscard]] inline Tat tat_of(std::uint64_t state) {
  return Tat{static_cast<Tat::rep>(state & kTatMask)};
}
/// Whether the state word has room for it; a TAT is never negative.
[[nodiscard]] inline bool fits(Tat tat) {
  return static_cast<std::uint64_t>(tat.count()) <= kTatMask;
}
/// Of a TAT that fits.
[[nodiscard]] inline std::uint64_t pack(Tat tat, std::uint64_t epoch, std::uint64_t flags) {
  return flags | (epoch & kEpochMask) << kEpochShift | static_cast<std::uint64_t>(tat.count());
}

[[nodiscard]] inline bool swap_entry(BucketEntry& entry, std::uint64_t old_key,
                                     std::uint64_t old_state, std::uint64_t new_key,
                                     std::uint64_t new_state) {
  return swap_words(&entry, old_key, old_state, new_key, new_state);
}

// A TAT further ahead than its limit lets any charge drive it, by more than clocks can differ (a
// thread may sleep between its reading of the clock and its charge), was left by another limit.
inline constexpr Nanos kClocksDiffer = std::chrono::minutes{1};
[[nodiscard]] inline bool is_beyond(Tat tat, Nanos tolerance, Instant now) {
  return tat - now.since_start > tolerance + kClocksDiffer;
}

/// Whether the state is a settled one under the epoch: its TAT is to be taken as it stands.
[[nodiscard]] inline bool is_settled_under(std::uint64_t state, std::uint64_t epoch) {
  constexpr std::uint64_t kMask = kTentative | kEpochMask << kEpochShift;
  return (state & kMask) == (epoch & kEpochMask) << kEpochShift;
}

// All four are compared before the one branch: which of them it is would be guessed wrong, and a
// wrong guess waits for memory and begins nothing meanwhile.
inline BucketEntry* BucketRegion::find_in(Set& set, std::uint64_t key) noexcept {
  unsigned holders = 0;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < kWays; ++i)
    holders |= unsigned{set.entries[i].key.load(std::memory_order_acquire) == key} << i;
  return holders == 0 ? nullptr : &set.entries[static_cast<std::size_t>(std::countr_zero(holders))];
}

inline BucketEntry* BucketRegion::find_near(std::uint64_t key) noexcept {
  Pair& pair = pairs_[first_pair(key)];
  BucketEntry* entry = find_in(pair.sets[key % kSets], key);
  return entry != nullptr ? entry : find_in(pair.sets[(key ^ 1) % kSets], key);
}

[[gnu::always_inline]] inline bool BucketRegion::charge_settled(std::uint64_t key, Hits hits,
                                                                const Limit& limit,
                                                                std::uint64_t epoch, Instant now,
                                                                Conformance& said) noexcept {
  BucketEntry* entry = find_near(key);
  if (entry == nullptr) return false;
  const std::uint64_t state = entry->state.load(std::memory_order_acquire);
  if (!is_settled_under(state, epoch)) return false;
  said = conform(tat_of(state), hits, limit, now);
  if (!said.conforms)
    return !is_beyond(said.tat, limit.tolerance(), now) &&
           entry->key.load(std::memory_order_acquire) == key;
  if (!fits(said.tat)) [[unlikely]]
    return false;
  return swap_entry(*entry, key, state, key, pack(said.tat, epoch, kReturned));
}

}  // namespace tidelimit::limiter
