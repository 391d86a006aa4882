// Invariants
//   1. A slot is in at most one list of touched slots: whoever sets its dirty flag lists it, and
//      the flag is cleared only after it was taken from the list. Lists are only pushed to or taken
//      whole, so a head that comes back to an old value does no harm.
//   2. A count is never missed by the collector: the counter is raised before the flag is read, and
//      the flag is cleared before the counters are read, all sequentially consistent. If the
//      counting thread still saw the flag set, the collector's reading comes later.
//   3. A slot changes hands under the fingerprint 1: first that, then the fresh flag, the counters,
//      the name, last the new fingerprint, each store releasing: a reading that met any of them
//      sees the fingerprint 1 or a later one. A reading that saw two different fingerprints, or a
//      fresh flag appear, is put off to the next collect.
//   4. Two threads that bring the same new client pick the same never-used slot, and the slower one
//      waits a bounded moment for the name in it. A client that gets a second slot all the same (in
//      a full set, where slots are taken from idle clients) is always found in the first in its
//      order; the other idles out.
#include "limiter/client_table.hpp"

#include <algorithm>

namespace tidelimit::limiter {
namespace {

constexpr std::uint64_t kNeverUsed = 0;
constexpr std::uint64_t kChangingHands = 1;
constexpr std::uint32_t kDirty = 1;
constexpr std::uint32_t kFresh = 2;
constexpr std::uint32_t kOfReader = kDirty | kFresh;

constexpr std::uint32_t kIdle_s = 300;      // the memory of profiles: nothing of it is lost
constexpr std::uint32_t kIdleGuest_s = 30;  // of a client that barely came
constexpr std::uint32_t kGuestRequests = 8;
constexpr int kPatience = 256;  // readings of a slot that changes hands, well over what it takes

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kRelease = std::memory_order_release;

[[nodiscard]] std::uint32_t seconds(Instant now) {
  const auto s = std::chrono::duration_cast<std::chrono::seconds>(now.since_start).count();
  return static_cast<std::uint32_t>(std::max<std::int64_t>(s, 0));
}

template <std::size_t N>
[[nodiscard]] std::uint32_t sum(const std::array<std::atomic<std::uint32_t>, N>& counters) {
  std::uint32_t total = 0;
  for (const auto& counter : counters) total += counter.load(kRelaxed);
  return total;
}

template <std::size_t N>
void copy(const std::array<std::atomic<std::uint32_t>, N>& from,
          std::array<std::uint32_t, N>& into) {
  for (std::size_t i = 0; i < N; ++i) into[i] = from[i].load(std::memory_order_acquire);
}

template <std::size_t N>
void clear(std::array<std::atomic<std::uint32_t>, N>& counters) {
  for (auto& counter : counters) counter.store(0, kRelease);
}

template <std::size_t N>
void count_classes(std::array<std::atomic<std::uint32_t>, N>& counters, std::uint8_t classes,
                   std::uint32_t hits) {
  for (std::size_t i = 0; i < N; ++i)
    if ((classes >> i & 1) != 0) counters[i].fetch_add(hits, std::memory_order_seq_cst);
}

}  // namespace

ClientTable::ClientTable(std::size_t bytes, std::uint64_t seed, Pages pages)
    : seed_(seed), sets_(capacity_of(bytes) / kWays, pages) {
  touched_.reserve(capacity());  // memory of what is never touched costs none
}

void ClientTable::count_request(std::uint64_t print, const Event& event, bool denied,
                                Instant now) noexcept {
  const std::uint32_t now_s = seconds(now);
  Slot* slot = find_slot(print);
  if (slot == nullptr) slot = claim_slot(event.client, print, now_s);
  if (slot == nullptr) {
    refused_.fetch_add(1, kRelaxed);
    return;
  }
  slot->paths[event.path_hash % kPathBuckets].fetch_add(event.hits, std::memory_order_seq_cst);
  if (denied) slot->denied.fetch_add(event.hits, std::memory_order_seq_cst);
  if (event.agent_classes != 0)
    count_classes(slot->class_requests, event.agent_classes, event.hits);
  const std::uint64_t agent = std::uint64_t{1} << event.agent_hash % 64;
  if (event.agent_hash != 0 && (slot->agents.load(kRelaxed) & agent) == 0)
    slot->agents.fetch_or(agent, std::memory_order_seq_cst);
  if (event.tier != 0) set_tier(*slot, event.tier);
  touch(*slot, now_s);
}

void ClientTable::count_response(const Event& event, ResponseClass of, Instant now) noexcept {
  Slot* slot = find_slot(fingerprint(event.client));
  if (slot == nullptr) return;
  slot->responses.fetch_add(event.hits, std::memory_order_seq_cst);
  if (of == ResponseClass::client_error || of == ResponseClass::breakage) {
    slot->client_errors.fetch_add(event.hits, std::memory_order_seq_cst);
    // By bits that the buckets of paths are not told by.
    const std::uint32_t path = std::uint32_t{1} << event.path_hash / kPathBuckets % 32;
    if ((slot->failed_paths.load(kRelaxed) & path) == 0)
      slot->failed_paths.fetch_or(path, std::memory_order_seq_cst);
  }
  if (of == ResponseClass::breakage)
    slot->flags.fetch_add(event.hits << kBreakagesShift, std::memory_order_seq_cst);
  if (of != ResponseClass::fine) {
    slot->errors.fetch_add(event.hits, std::memory_order_seq_cst);
    if (event.agent_classes != 0)
      count_classes(slot->class_errors, event.agent_classes, event.hits);
  }
  touch(*slot, seconds(now));
}

std::optional<std::uint32_t> ClientTable::find(const ClientId& client) const noexcept {
  const std::uint64_t print = fingerprint(client);
  const Set& set = set_of(print);
  for (std::size_t i = 0; i < kWays; ++i) {
    const Slot& slot = set.slots[(print + i) % kWays];
    const std::uint64_t seen = slot.fingerprint.load(std::memory_order_acquire);
    if (seen == print) return index_of(slot);
    if (seen == kNeverUsed) break;
  }
  return std::nullopt;
}

std::uint32_t ClientTable::index_of(const Slot& slot) const noexcept {
  return static_cast<std::uint32_t>(&slot - &sets_[0].slots[0]);
}

// A client's order of slots is a turn around its set, begun at a place of its own; it never stands
// behind one that was never used.
ClientTable::Slot* ClientTable::find_slot(std::uint64_t print) noexcept {
  Set& set = set_of(print);
  for (std::size_t i = 0; i < kWays; ++i) {
    Slot& slot = set.slots[(print + i) % kWays];
    const std::uint64_t seen = slot.fingerprint.load(std::memory_order_acquire);
    if (seen == print) return &slot;
    if (seen == kNeverUsed) return nullptr;
  }
  return nullptr;
}

ClientTable::Slot* ClientTable::claim_slot(const ClientId& client, std::uint64_t print,
                                           std::uint32_t now_s) noexcept {
  Set& set = set_of(print);
  Slot* idlest = nullptr;
  std::uint64_t idlest_print = 0;
  std::uint32_t idlest_s = 0;
  for (std::size_t i = 0; i < kWays; ++i) {
    Slot& slot = set.slots[(print + i) % kWays];
    if (slot.fingerprint.load(std::memory_order_acquire) == kNeverUsed &&
        take_over(slot, kNeverUsed, client, print, now_s))
      return &slot;
    std::uint64_t owner = slot.fingerprint.load(std::memory_order_acquire);
    for (int wait = 0; owner == kChangingHands && wait < kPatience; ++wait)
      owner = slot.fingerprint.load(std::memory_order_acquire);
    if (owner == print) return &slot;
    if (owner == kChangingHands) continue;
    const std::uint32_t seen_s = slot.last_seen_s.load(kRelaxed);
    const std::uint32_t idle_s = now_s > seen_s ? now_s - seen_s : 0;
    const bool guest = sum(slot.paths) < kGuestRequests;
    if (idle_s <= (guest ? kIdleGuest_s : kIdle_s) || idle_s <= idlest_s) continue;
    idlest = &slot;
    idlest_print = owner;
    idlest_s = idle_s;
  }
  const bool taken = idlest != nullptr && take_over(*idlest, idlest_print, client, print, now_s);
  return taken ? idlest : nullptr;
}

bool ClientTable::take_over(Slot& slot, std::uint64_t old, const ClientId& client,
                            std::uint64_t print, std::uint32_t now_s) noexcept {
  if (!slot.fingerprint.compare_exchange_strong(old, kChangingHands)) return false;
  slot.flags.fetch_and(kOfReader);
  slot.flags.fetch_or(kFresh);
  slot.last_seen_s.store(now_s, kRelease);
  slot.agents.store(0, kRelease);
  slot.denied.store(0, kRelease);
  slot.responses.store(0, kRelease);
  slot.errors.store(0, kRelease);
  slot.client_errors.store(0, kRelease);
  slot.failed_paths.store(0, kRelease);
  clear(slot.paths);
  clear(slot.class_requests);
  clear(slot.class_errors);
  slot.client_hi.store(client.hi, kRelease);
  slot.client_lo.store(client.lo, kRelease);
  slot.fingerprint.store(print);
  (old == kNeverUsed ? size_ : evictions_).fetch_add(1, kRelaxed);
  return true;
}

void ClientTable::set_tier(Slot& slot, std::uint8_t tier) noexcept {
  std::uint32_t flags = slot.flags.load(kRelaxed);
  constexpr std::uint32_t kTier = 0xffu << kTierShift;
  while (tier_in(flags) != tier &&
         !slot.flags.compare_exchange_weak(flags,
                                           (flags & ~kTier) | std::uint32_t{tier} << kTierShift)) {
  }
}

void ClientTable::touch(Slot& slot, std::uint32_t now_s) noexcept {
  if (slot.last_seen_s.load(kRelaxed) < now_s) slot.last_seen_s.store(now_s, kRelaxed);
  if ((slot.flags.load(std::memory_order_seq_cst) & kDirty) != 0) return;
  if ((slot.flags.fetch_or(kDirty) & kDirty) == 0) list(index_of(slot));
}

void ClientTable::list(std::uint32_t slot) noexcept {
  auto& head = shards_[slot / kWays % kShards].head;
  auto& next = slot_at(slot).next;
  auto first = head.load(kRelaxed);
  do {
    next.store(first, kRelaxed);
  } while (!head.compare_exchange_weak(first, slot + 1, std::memory_order_release, kRelaxed));
}

// Takes all lists. The slots stay listed, and so their links untouched, until each is read. Lists
// are followed side by side: the next slot of each is on its way while others are looked at.
void ClientTable::take_touched() {
  touched_.clear();
  std::array<std::uint32_t, kShards> links;
  for (std::size_t i = 0; i < kShards; ++i)
    links[i] = shards_[i].head.exchange(0, std::memory_order_acquire);
  for (bool any = true; any;) {
    any = false;
    for (std::uint32_t& link : links) {
      if (link == 0) continue;
      any = true;
      const std::uint32_t slot = link - 1;
      touched_.push_back(slot);
      link = slot_at(slot).next.load(kRelaxed);
      if (link != 0) __builtin_prefetch(&slot_at(link - 1));
    }
  }
}

// Parts are read before their wholes, which are counted first: no part is ever the larger.
ClientCounters ClientTable::counters_of(const Slot& slot, std::uint32_t flags) noexcept {
  ClientCounters counters;
  counters.breakages = static_cast<std::uint16_t>(flags >> kBreakagesShift);
  copy(slot.class_errors, counters.class_errors);
  copy(slot.class_requests, counters.class_requests);
  counters.errors = slot.errors.load();
  counters.client_errors = slot.client_errors.load();
  counters.responses = slot.responses.load();
  counters.denied = slot.denied.load();
  copy(slot.paths, counters.paths);
  for (const std::uint32_t count : counters.paths) counters.requests += count;
  return counters;
}

std::optional<ClientCounters> ClientTable::counters(std::uint32_t index) const noexcept {
  const Slot& slot = sets_[index / kWays].slots[index % kWays];
  const std::uint32_t flags = slot.flags.load();
  if ((flags & kFresh) != 0) return std::nullopt;
  return counters_of(slot, flags);
}

// One consistent reading of a listed slot; false when it is changing hands and was listed again.
bool ClientTable::read(std::uint32_t index, Reading& reading) noexcept {
  Slot& slot = slot_at(index);
  const std::uint32_t whole = slot.flags.fetch_and(~kOfReader);
  const std::uint32_t flags = whole & kOfReader;
  const std::uint64_t before = slot.fingerprint.load();
  ClientCounters& counters = reading.counters;
  counters = counters_of(slot, whole);
  reading.client.hi = slot.client_hi.load();
  reading.client.lo = slot.client_lo.load();
  const bool changed = before == kChangingHands || slot.fingerprint.load() != before ||
                       (slot.flags.load() & kFresh) != 0;
  if (changed) {
    if ((slot.flags.fetch_or(flags | kDirty) & kDirty) == 0) list(index);
    return false;
  }
  counters.agents = slot.agents.exchange(0);
  // Nearly nobody fails, and an exchange waits for what was written before it.
  if (slot.failed_paths.load() != 0) counters.failed_paths = slot.failed_paths.exchange(0);
  reading.fresh = (flags & kFresh) != 0;
  return true;
}

}  // namespace tidelimit::limiter
