// Where a principal's leases are counted
//   A key has one set of 15 entries (four cache lines with the set's head), and stands anywhere in
//   it. An entry never moves.
//
// The state word
//   settled:   bit 63 = 0: LeaseCounts
//   tentative: bit 63 = 1: the number of a placement, which no other of this set bears
//   The head's `turn` names the last placement that was accepted: number << 4 | slot.
//
// Invariants
//   1. Key and state change only together, by one 16-byte compare-and-swap (CAS) that names both
//      old words. So a lease is added to the counts that were judged, or fails and is judged anew.
//   2. An entry without live leases equals an absent one, and only such are given to other keys.
//      "Live" is by the clock of whoever looks; one that reads d less may find leases gone up to d
//      early. Clocks of workers differ by a turn of their loops.
//   3. A key has at most one settled entry. A new key is placed tentatively; its placement is then
//      accepted by a CAS on `turn`, from the value that was read before the set was searched; and
//      only an accepted placement is ever settled. Whoever wants to move `turn` on has first
//      settled the placement that it names, if that still stood (settle), so that at any time only
//      the one that `turn` names can be waiting to be settled. Suppose a placement of K is
//      accepted. From the time that its thread settled the one before until `turn` moved, no other
//      was accepted, so no entry was settled; the search in between saw no settled K; hence there
//      is none, and none can come before this one is settled or gone. Numbers never recur, so
//      neither `turn` nor a tentative entry is taken for an older one.
//   4. A tentative entry that `turn` does not name is nobody's: anyone may take its place, at worst
//      from a thread that is about to have it accepted; that thread sees its entry gone and begins
//      anew. Nobody waits for a thread that was put to sleep.
//   5. Loops are bounded. A call that loses kAttempts races in a row is refused (a release: not
//      done, and the lease ends by its timeout): the strict side.
#include "limiter/lease_region.hpp"

#include <algorithm>
#include <bit>

#include "limiter/sync_point.hpp"
#include "limiter/wide_swap.hpp"

namespace tidelimit::limiter {
namespace {

constexpr std::uint64_t kTentative = std::uint64_t{1} << 63;
constexpr unsigned kSlotBits = 4;
constexpr int kAttempts = 128;

[[nodiscard]] bool is_tentative(std::uint64_t state) {
  return (state & kTentative) != 0;
}

// Of the key word's own length.
[[nodiscard]] std::uint64_t generation(std::uint64_t word, Instant at) {
  constexpr std::uint64_t kMillisecond = 1'000'000;
  const auto ns = static_cast<std::uint64_t>(std::max<Nanos::rep>(at.since_start.count(), 0));
  return ns / ((word & LeaseKey::kLongest) * kMillisecond);
}

[[nodiscard]] LeaseCounts counts_at(std::uint64_t word, std::uint64_t state, Instant now) {
  LeaseCounts counts(state);
  counts.advance(generation(word, now));
  return counts;
}

[[nodiscard]] bool is_free(std::uint64_t word, std::uint64_t state, Instant now) {
  return word == 0 || LeaseCounts(state).sum() == 0 || counts_at(word, state, now).sum() == 0;
}

template <class Entry>
[[nodiscard]] bool swap_entry(Entry& entry, std::uint64_t old_key, std::uint64_t old_state,
                              std::uint64_t new_key, std::uint64_t new_state) {
  return swap_words(&entry, old_key, old_state, new_key, new_state);
}

}  // namespace

LeaseRegion::LeaseRegion(std::size_t bytes) : sets_(std::max<std::size_t>(bytes / sizeof(Set), 1)) {
  static_assert(sizeof(Set) == 256);
}

// By the bits of the hash that the entry does not bear, as far as they go.
LeaseRegion::Set& LeaseRegion::set_of(const LeaseKey& key) noexcept {
  __extension__ using Product = unsigned __int128;
  const std::uint64_t hash = std::rotl(key.hash, 64 - LeaseKey::kLengthBits);
  return sets_[static_cast<std::size_t>(static_cast<Product>(hash) * sets_.size() >> 64)];
}

LeaseRegion::Search LeaseRegion::find(Set& set, std::uint64_t word) noexcept {
  for (Entry& entry : set.entries) {
    if (entry.key.load(std::memory_order_acquire) != word) continue;
    const std::uint64_t state = entry.state.load(std::memory_order_acquire);
    if (is_tentative(state) || entry.key.load(std::memory_order_acquire) != word) continue;
    return {&entry, {word, state}, nullptr, 0, 0};
  }
  return {};
}

// The entry that holds the key; else the first place that is free, or one with a tentative entry.
LeaseRegion::Search LeaseRegion::search(Set& set, std::uint64_t word, Instant now) noexcept {
  const std::uint64_t turn = set.turn.load(std::memory_order_acquire);
  settle(set, turn);
  TIDELIMIT_SYNC_POINT("before searching");
  Search result = find(set, word);
  result.turn = turn;
  if (result.match != nullptr) return result;
  bool free = false;
  for (std::size_t slot = 0; slot < kWays && !free; ++slot) {
    Entry& entry = set.entries[slot];
    const Content content{entry.key.load(std::memory_order_acquire),
                          entry.state.load(std::memory_order_acquire)};
    free = !is_tentative(content.state) && is_free(content.key, content.state, now);
    if (!free && (!is_tentative(content.state) || result.vacancy != nullptr)) continue;
    result.found = content;
    result.vacancy = &entry;
    result.slot = slot;
  }
  return result;
}

// Settles the placement that `turn` names, if it still stands.
void LeaseRegion::settle(Set& set, std::uint64_t turn) noexcept {
  Entry& entry = set.entries[turn % (1u << kSlotBits)];
  const std::uint64_t key = entry.key.load(std::memory_order_acquire);
  const std::uint64_t placed = kTentative | turn >> kSlotBits;
  if (entry.state.load(std::memory_order_acquire) != placed) return;
  TIDELIMIT_SYNC_POINT("before settling for another");
  static_cast<void>(swap_entry(entry, key, placed, key, 0));
}

// Makes an entry for the key, with the counts `first`. False: look again.
bool LeaseRegion::place(Set& set, const Search& search, std::uint64_t word,
                        std::uint64_t first) noexcept {
  const std::uint64_t number = set.placements.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::uint64_t placed = kTentative | number;
  TIDELIMIT_SYNC_POINT("before placing");
  if (!swap_entry(*search.vacancy, search.found.key, search.found.state, word, placed))
    return false;
  TIDELIMIT_SYNC_POINT("placed");
  std::uint64_t turn = search.turn;
  if (!set.turn.compare_exchange_strong(turn, number << kSlotBits | search.slot,
                                        std::memory_order_acq_rel)) {
    static_cast<void>(swap_entry(*search.vacancy, word, placed, 0, 0));
    return false;
  }
  if (search.found.key != 0 && !is_tentative(search.found.state))
    reclaimed_.fetch_add(1, std::memory_order_relaxed);
  TIDELIMIT_SYNC_POINT("before settling");
  return swap_entry(*search.vacancy, word, placed, word, first);
}

Leasing LeaseRegion::acquire(const LeaseKey& key, std::uint32_t limit, Instant now) noexcept {
  const std::uint64_t word = key.word();
  Set& set = set_of(key);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const Search at = search(set, word, now);
    LeaseCounts counts = counts_at(word, at.match != nullptr ? at.found.state : 0, now);
    const std::uint32_t in_flight = counts.sum();
    if (at.match == nullptr && at.vacancy == nullptr) return {Grant::full, 0};
    if (in_flight >= limit || !counts.add()) return {Grant::refused, in_flight};
    TIDELIMIT_SYNC_POINT("before leasing");
    const bool done = at.match != nullptr
                          ? swap_entry(*at.match, word, at.found.state, word, counts.word())
                          : place(set, at, word, counts.word());
    if (done) return {Grant::given, in_flight + 1};
  }
  return {Grant::refused, std::min(limit, LeaseCounts::kMost)};
}

Leasing LeaseRegion::peek(const LeaseKey& key, std::uint32_t limit, Instant now) noexcept {
  const std::uint64_t word = key.word();
  const Search at = search(set_of(key), word, now);
  if (at.match == nullptr) return {at.vacancy != nullptr ? Grant::given : Grant::full, 0};
  const std::uint32_t in_flight = counts_at(word, at.found.state, now).sum();
  return {in_flight < limit ? Grant::given : Grant::refused, in_flight};
}

Release LeaseRegion::release(const LeaseKey& key, std::optional<Instant> began,
                             Instant now) noexcept {
  const std::uint64_t word = key.word();
  Set& set = set_of(key);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    settle(set, set.turn.load(std::memory_order_acquire));
    const Search at = find(set, word);
    if (at.match == nullptr) return Release::no_entry;
    LeaseCounts counts = counts_at(word, at.found.state, now);
    const bool taken = began ? counts.take(generation(word, *began)) : counts.take_oldest();
    if (!taken) return Release::no_lease;
    TIDELIMIT_SYNC_POINT("before releasing");
    if (swap_entry(*at.match, word, at.found.state, word, counts.word())) return Release::done;
  }
  return Release::no_lease;
}

std::size_t LeaseRegion::live(Instant now) const noexcept {
  constexpr std::size_t kSample = 1u << 16;  // most are untouched: one look each
  const std::size_t stride = std::max<std::size_t>(sets_.size() / kSample, 1);
  std::size_t seen = 0;
  std::size_t found = 0;
  for (std::size_t i = 0; i < sets_.size(); i += stride, ++seen) {
    if (sets_[i].placements.load(std::memory_order_relaxed) == 0) continue;
    for (const Entry& entry : sets_[i].entries) {
      const auto key = entry.key.load(std::memory_order_relaxed);
      const auto state = entry.state.load(std::memory_order_relaxed);
      found += !is_tentative(state) && !is_free(key, state, now);
    }
  }
  return found * sets_.size() / seen;
}

}  // namespace tidelimit::limiter
