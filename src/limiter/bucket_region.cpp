// Where a bucket lives
//   A key has four candidate sets of four entries (one cache line each), always tried in the same
//   order: two neighbouring lines, then two neighbouring lines elsewhere. An entry never moves.
//
// The state word: see bucket_state.hpp.
//
// Invariants
//   1. Key and state change only together, by one 16-byte compare-and-swap (CAS) that names both
//      old words. So a charge lands on the bucket it was computed for, or fails and is computed
//      anew.
//   2. An entry is reclaimed only when TAT + kSkew <= now: an absent bucket equals an empty one for
//      every worker whose clock reading is less than kSkew behind. For readings further behind, the
//      stripe's watermark is raised to that TAT before the entry is given away, and new buckets
//      start no earlier than it: time that goes backwards grants nothing. The watermark is read
//      once more after the placement was seen to be the only one, so that a thread that slept
//      between its search and its placement starts no earlier either.
//   3. A virgin entry stays virgin until the sets before it hold no vacancy, and is never virgin
//      again. So a key is never found behind a virgin entry of its own sets, and probing stops
//      there.
//   4. A key has at most one settled entry. A new key is placed tentatively, then its candidates
//      are read once more; it is settled only if no other entry with this key was seen, and only by
//      a CAS from that very placement (numbers never recur). Suppose p and q were both settled, p
//      placed first. Whoever settled q read p after q was placed, hence after p was placed, and saw
//      p without the key or took it away; p's placement was gone and its settling CAS had to fail,
//      or p had been settled, drained and reclaimed.
//      Of two tentative entries the earlier in probe order wins; any thread that meets a tentative
//      entry settles it, so nobody waits for a thread that was put to sleep.
//   5. Loops are bounded. A call that loses kAttempts races in a row is denied: that many others
//      passed on the same bucket meanwhile.
#include "limiter/bucket_region.hpp"

#include <bit>

#include "limiter/bucket_state.hpp"
#include "limiter/sync_point.hpp"

namespace tidelimit::limiter {
namespace {

// A worker reads the newest plan at its next decision, so it may be a plan or two behind another.
constexpr std::uint64_t kEpochLag = 2;
constexpr std::uint64_t kGivenBack = 1;

constexpr int kAttempts = 128;

// Workers read the clock once per turn of their event loop; a turn of 10 ms is a slow one.
constexpr Nanos kSkew = std::chrono::milliseconds{10};
// A principal that came more than once keeps its place for so long after its bucket drained, while
// such places are at most half of its candidates: a flood of fresh keys does not push it out.
constexpr Nanos kStay = std::chrono::seconds{60};
constexpr std::size_t kStayingMax = 8;

// The TAT of a bucket that has nothing left.
[[nodiscard]] Tat full_at(const BucketCall& call) {
  return std::max(call.judged_at().since_start + call.limit.tolerance(), Tat{0});
}

// The TAT as the call's plan sees it: clamped on the first use under a newer epoch. A worker that
// still holds the older plan for a moment neither clamps nor takes the epoch back. Epochs are known
// mod 16 only: one that is 14 to 16 older and passes for a fresh one is told by a TAT that no limit
// in force could have left.
struct Seen {
  Tat tat;
  std::uint64_t epoch;
  bool clamped;
};
[[nodiscard]] Seen see(std::uint64_t state, const BucketCall& call) {
  const std::uint64_t stored = state >> kEpochShift & kEpochMask;
  const std::uint64_t ahead = (call.epoch - stored) & kEpochMask;
  const Tat tat = tat_of(state);
  const bool fresh = ahead == 0 || ahead > kEpochMask - kEpochLag;
  const bool beyond = call.longest.count() != 0 && is_beyond(tat, call.longest, call.judged_at());
  if (fresh && !beyond) return {tat, stored, false};
  return {std::min(tat, full_at(call)), call.epoch, true};
}

void deny(Charge& out, const BucketCall& call) {
  out.before = full_at(call);
  out.conformance = conform(out.before, call.hits, call.limit, call.judged_at());
}

// A reading so late that a TAT may not fit the state word (see kNowEnd) is denied, not forgotten.
void judge(Charge& out, Tat tat, const BucketCall& call) {
  if (call.judged_at().since_start > Tat{kTatMask} - call.limit.tolerance()) return deny(out, call);
  out.before = tat;
  out.conformance = conform(tat, call.hits, call.limit, call.judged_at());
}

// What a judged call makes of the TAT, where it makes anything of it; else the one there was.
[[nodiscard]] Tat charged_to(const Charge& out, const BucketCall& call) {
  const Conformance& said = out.conformance;
  if (said.conforms || call.excess_to.count() == 0 || said.remaining == 0) return said.tat;
  const Tat start = std::max(call.judged_at().since_start, out.before);
  const Tat most = call.judged_at().since_start + call.excess_to;
  const Nanos::rep room = (most - start) / call.limit.emission_interval;
  return start + call.limit.emission_interval * std::min<Nanos::rep>(call.hits, room);
}

// A denied call that was charged nonetheless is told how it stands then.
void tell_excess(Charge& out, Tat charged, const BucketCall& call) {
  if (!out.conformance.conforms) judge(out, charged, call);
}

}  // namespace

BucketRegion::BucketRegion(std::size_t bytes, Pages pages)
    : pairs_(std::max<std::size_t>(bytes / sizeof(Pair), 1), pages) {}

BucketRegion::Set& BucketRegion::candidate(std::uint64_t key, std::size_t i) noexcept {
  std::size_t pair = first_pair(key);
  if (i >= kSets) {
    const std::size_t other = first_pair(std::rotl(key, 32));
    pair = other != pair ? other : (pair + 1) % pairs_.size();
  }
  return pairs_[pair].sets[(key ^ i) % kSets];
}

// The whole search for a key that is not in its first pair of sets: the entry that holds it, or the
// best vacancy. Preferred are drained buckets (they keep virgin entries, which end searches), then
// virgin entries, then, if too many stay, the one that drained longest ago.
BucketRegion::Probe BucketRegion::probe(std::uint64_t key, Instant now) noexcept {
  Probe result;
  BucketEntry* oldest = nullptr;
  Content oldest_content;
  std::size_t staying = 0;
  for (std::size_t i = 0; i < kCandidates; ++i) {
    BucketEntry* virgin = nullptr;
    for (BucketEntry& entry : candidate(key, i).entries) {
      const Content content{entry.key.load(std::memory_order_acquire),
                            entry.state.load(std::memory_order_acquire)};
      if (content.key == key) return {&entry, nullptr, {}};
      if (content.key == 0 && content.state == 0) {
        if (virgin == nullptr) virgin = &entry;
        continue;
      }
      const Tat idle_since = tat_of(content.state) + kSkew;
      if (is_tentative(content.state) || idle_since > now.since_start) continue;
      const bool stays = (content.state & kReturned) != 0 && idle_since + kStay > now.since_start;
      if (!stays && result.vacancy == nullptr) {
        result.vacancy = &entry;
        result.vacancy_content = content;
      }
      if (stays &&
          (++staying, oldest == nullptr || idle_since < tat_of(oldest_content.state) + kSkew)) {
        oldest = &entry;
        oldest_content = content;
      }
    }
    if (virgin == nullptr) continue;
    if (result.vacancy == nullptr) result.vacancy = virgin;
    return result;
  }
  if (result.vacancy == nullptr && staying > kStayingMax) {
    result.vacancy = oldest;
    result.vacancy_content = oldest_content;
  }
  return result;
}

// The entry that holds the key; else null and a filled probe. The first pair is the usual case.
BucketEntry* BucketRegion::find(std::uint64_t key, Instant now, Probe& probed) noexcept {
  if (BucketEntry* entry = find_near(key); entry != nullptr) [[likely]]
    return entry;
  probed = probe(key, now);
  return probed.match;
}

Tat BucketRegion::watermark(std::uint64_t key) noexcept {
  return Tat{static_cast<Tat::rep>(stripe(key).watermark.load(std::memory_order_acquire))};
}

// Where a bucket that was found absent starts. Reading the watermark after the search is what makes
// invariant 2 hold: whoever reclaimed the bucket raised it before.
Tat BucketRegion::fresh_start(const BucketCall& call) noexcept {
  return std::max({call.now.since_start, watermark(call.key), call.floor});
}

bool BucketRegion::insert(const BucketCall& call, const Probe& probed, Tat start,
                          std::uint64_t state) noexcept {
  const Content old = probed.vacancy_content;
  if (old.key != 0) {
    auto& mark = stripe(old.key).watermark;
    const std::uint64_t tat = old.state & kTatMask;
    auto seen = mark.load(std::memory_order_relaxed);
    while (seen < tat && !mark.compare_exchange_weak(seen, tat, std::memory_order_release)) {
    }
  }
  Stripe& own = stripe(call.key);
  const Content placed{call.key,
                       kTentative | own.placements.fetch_add(1, std::memory_order_relaxed)};
  TIDELIMIT_SYNC_POINT("before placing");
  if (!swap_entry(*probed.vacancy, old.key, old.state, placed.key, placed.state)) return false;
  if (old.key != 0) own.reclaimed.fetch_add(1, std::memory_order_relaxed);
  TIDELIMIT_SYNC_POINT("placed");
  return settle(*probed.vacancy, placed, start, state);
}

// Decides a tentative entry: settles it with `state`, which starts from `start`, or gives it back
// if the key stands elsewhere. True when this call settled it; otherwise the caller looks again.
// The order of candidates is the same for all threads.
bool BucketRegion::settle(BucketEntry& entry, Content tentative, Tat start,
                          std::uint64_t state) noexcept {
  bool entry_passed = false;
  for (std::size_t i = 0; i < kCandidates; ++i) {
    bool virgin = false;
    for (BucketEntry& other : candidate(tentative.key, i).entries) {
      if (&other == &entry) {
        entry_passed = true;
        continue;
      }
      const auto other_key = other.key.load(std::memory_order_acquire);
      const auto other_state = other.state.load(std::memory_order_acquire);
      virgin = virgin || (other_key == 0 && other_state == 0);
      if (other_key != tentative.key) continue;
      const bool other_wins = !is_tentative(other_state) || !entry_passed;
      BucketEntry& loser = other_wins ? entry : other;
      const std::uint64_t losing = other_wins ? tentative.state : other_state;
      const bool removed = swap_entry(loser, tentative.key, losing, 0, kGivenBack);
      if (other_wins || !removed) return false;
    }
    if (virgin) break;
  }
  if (watermark(tentative.key) > start) return false;  // invariant 2
  TIDELIMIT_SYNC_POINT("before settling");
  return swap_entry(entry, tentative.key, tentative.state, tentative.key, state);
}

bool BucketRegion::charge(const BucketCall& call, Charge& out) noexcept {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Probe probed;
    BucketEntry* entry = find(call.key, call.now, probed);
    if (entry == nullptr) {
      if (probed.vacancy == nullptr) return false;
      const Tat start = fresh_start(call);
      judge(out, start, call);
      const Tat tat = charged_to(out, call);
      if (tat == out.conformance.tat && !out.conformance.conforms) return true;
      const std::uint64_t state = pack(tat, call.epoch, 0);
      if (!insert(call, probed, start, state)) continue;
      tell_excess(out, tat, call);
      out.entry = probed.vacancy;
      out.key = call.key;
      out.state_before = pack(start, call.epoch, 0);
      out.state_after = state;
      return true;
    }
    const std::uint64_t state = entry->state.load(std::memory_order_acquire);
    if (entry->key.load(std::memory_order_acquire) != call.key) continue;
    if (is_tentative(state)) {
      const Tat start = fresh_start(call);
      settle(*entry, {call.key, state}, start, pack(start, call.epoch, 0));
      continue;
    }
    const Seen seen = see(state, call);
    judge(out, seen.tat, call);
    const Tat tat = charged_to(out, call);
    const bool charged = out.conformance.conforms || tat != seen.tat;
    if (!charged && !seen.clamped) return true;
    const std::uint64_t flags = charged ? kReturned : state & kReturned;
    const std::uint64_t next = pack(tat, seen.epoch, flags);
    TIDELIMIT_SYNC_POINT("before charging");
    if (!swap_entry(*entry, call.key, state, call.key, next)) continue;
    if (!charged) return true;  // only the clamp was stored
    tell_excess(out, tat, call);
    out.entry = entry;
    out.key = call.key;
    out.state_before = pack(seen.tat, seen.epoch, flags);
    out.state_after = next;
    return true;
  }
  deny(out, call);
  return true;
}

void BucketRegion::charge_any(const BucketCall& call, Charge& out) noexcept {
  BucketEntry& entry = candidate(call.key, 0).entries[0];
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto key = entry.key.load(std::memory_order_acquire);
    const auto state = entry.state.load(std::memory_order_acquire);
    if (is_tentative(state)) continue;
    judge(out, tat_of(state), call);
    if (!out.conformance.conforms) return;
    const std::uint64_t next = pack(out.conformance.tat, state >> kEpochShift, state & kReturned);
    if (key == 0 || !swap_entry(entry, key, state, key, next)) continue;
    out.entry = &entry;
    out.key = key;
    out.state_before = state;
    out.state_after = next;
    return;
  }
  deny(out, call);
}

bool BucketRegion::peek(const BucketCall& call, Charge& out) noexcept {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Probe probed;
    BucketEntry* entry = find(call.key, call.now, probed);
    if (entry == nullptr) {
      if (probed.vacancy == nullptr) return false;
      judge(out, fresh_start(call), call);
      return true;
    }
    const std::uint64_t state = entry->state.load(std::memory_order_acquire);
    if (entry->key.load(std::memory_order_acquire) != call.key) continue;
    judge(out, is_tentative(state) ? fresh_start(call) : see(state, call).tat, call);
    return true;
  }
  deny(out, call);
  return true;
}

void BucketRegion::peek_any(const BucketCall& call, Charge& out) noexcept {
  const auto state = candidate(call.key, 0).entries[0].state.load(std::memory_order_acquire);
  judge(out, is_tentative(state) ? call.now.since_start : tat_of(state), call);
}

void BucketRegion::undo(const Charge& charge) noexcept {
  if (charge.entry == nullptr) return;
  static_cast<void>(
      swap_entry(*charge.entry, charge.key, charge.state_after, charge.key, charge.state_before));
}

std::size_t BucketRegion::live(Instant now) const noexcept {
  constexpr std::size_t kSample =
      1u << 14;  // of a table of 64 MiB every 32nd pair: a millisecond or two
  const std::size_t stride = std::max<std::size_t>(pairs_.size() / kSample, 1);
  std::size_t seen = 0;
  std::size_t found = 0;
  for (std::size_t i = 0; i < pairs_.size(); i += stride, ++seen) {
    for (const Set& set : pairs_[i].sets) {
      for (const BucketEntry& entry : set.entries) {
        const auto state = entry.state.load(std::memory_order_relaxed);
        found += !is_tentative(state) && tat_of(state) > now.since_start;
      }
    }
  }
  return found * pairs_.size() / seen;
}

std::uint64_t BucketRegion::reclaimed() const noexcept {
  std::uint64_t sum = 0;
  for (const Stripe& stripe : stripes_) sum += stripe.reclaimed.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace tidelimit::limiter
