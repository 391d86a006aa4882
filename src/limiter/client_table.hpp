#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/address.hpp"
#include "base/hash.hpp"
#include "base/time.hpp"
#include "limiter/response_class.hpp"
#include "limiter/zeroed_array.hpp"

namespace tidelimit::limiter {

inline constexpr std::size_t kPathBuckets = 8;   ///< paths are hashed into so many counters
inline constexpr std::size_t kAgentClasses = 4;  ///< user-agent patterns that rules may count

/// Raw counters of one client, as read by the control plane. Counters grow for ever (mod 2^32): the
/// reader takes differences.
struct ClientCounters {
  std::uint32_t requests = 0;
  std::uint32_t denied = 0;         ///< by tidelimit itself; never errors
  std::uint32_t responses = 0;      ///< responses with a known status
  std::uint32_t errors = 0;         ///< of those, status >= 400, tidelimit's own denials left out
  std::uint32_t client_errors = 0;  ///< of those, the client's own doing, breakages included
  std::uint16_t breakages = 0;      ///< of those, ResponseClass::breakage; mod 2^16
  std::array<std::uint32_t, kPathBuckets> paths{};
  std::array<std::uint32_t, kAgentClasses> class_requests{};
  std::array<std::uint32_t, kAgentClasses> class_errors{};
  /// Bitmaps since they were last taken (linear counting, Whang et al. 1990): of the hashes of user
  /// agents, and of those paths where client_errors came from.
  std::uint64_t agents = 0;
  std::uint32_t failed_paths = 0;
};

/// Fixed-capacity table of clients with raw counters. Any number of threads count; one control
/// thread collects, at the cost of the slots touched since its last visit. No lock, and no
/// allocation after construction.
///   When a client's set of slots is full, the slot idle for longest goes to a newcomer if it has
///   been idle for five minutes (30 s for one that made fewer than 8 requests); so newcomers never
///   push out clients that stay. A newcomer without a slot is not profiled and is counted in
///   `refused`.
///   A slot that changes hands while another thread counts in it may carry that one request over to
///   the new owner. No other count is lost or doubled.
class ClientTable {
 public:
  static constexpr std::size_t kSlotBytes = 128;

  /// Capacity from memory: bytes / kSlotBytes, rounded down to whole sets of 8 slots.
  ClientTable(std::size_t bytes, std::uint64_t seed, Pages pages = Pages::small);
  [[nodiscard]] static std::size_t capacity_of(std::size_t bytes) noexcept {
    return std::max<std::size_t>(bytes / sizeof(Set), 1) * kWays;
  }
  /// Of a full table of that capacity.
  [[nodiscard]] static std::size_t most_bytes(std::size_t capacity) noexcept {
    return capacity * (kSlotBytes + sizeof(std::uint32_t));
  }

  struct Event {
    ClientId client;
    std::uint32_t hits = 1;
    std::uint32_t path_hash = 0;
    std::uint32_t agent_hash = 0;
    std::uint8_t agent_classes = 0;
    std::uint8_t tier = 0;  ///< 1 + its index; 0: not known
  };
  /// What the client is found by: hash_client under the table's seed, for callers that need it more
  /// than once.
  [[nodiscard]] std::uint64_t fingerprint(const ClientId& client) const noexcept {
    return hash_client(client, seed_);
  }

  /// A request arrived. `denied`: tidelimit refused it.
  void count_request(const Event& event, bool denied, Instant now) noexcept {
    count_request(fingerprint(event.client), event, denied, now);
  }
  void count_request(std::uint64_t fingerprint, const Event& event, bool denied,
                     Instant now) noexcept;
  /// A response of a request counted before became known. Not counted if the client has no slot.
  void count_response(const Event& event, ResponseClass of, Instant now) noexcept;

  /// How soon a slot is visited: in time to fetch where something lies; then that; and then what it
  /// points to.
  enum class Soon : std::uint8_t { far, near, next };
  /// Visits every slot touched since the last collect, once, and takes its bitmaps. One thread
  /// at a time. `slot` is stable while the client stays; `fresh` says that the slot has a new owner
  /// since last visited. void visit(std::uint32_t slot, bool fresh, const ClientId&,
  /// const ClientCounters&); void soon(slot, Soon) is told of each before, in good time for the
  /// visitor to fetch its own memory.
  template <class Visit, class Tell>
  void collect(Visit&& visit, Tell&& soon) {
    constexpr std::ptrdiff_t kFar = 32;
    constexpr std::ptrdiff_t kNear = 16;
    constexpr std::ptrdiff_t kNext = 6;
    take_touched();
    const auto n = static_cast<std::ptrdiff_t>(touched_.size());
    const auto tell = [&](std::ptrdiff_t i, Soon how) {
      if (i < 0 || i >= n) return;
      const std::uint32_t slot = touched_[static_cast<std::size_t>(i)];
      if (how == Soon::near) prefetch(slot_at(slot));
      soon(slot, how);
    };
    for (std::ptrdiff_t i = -kFar; i < n; ++i) {
      tell(i + kFar, Soon::far);
      tell(i + kNear, Soon::near);
      tell(i + kNext, Soon::next);
      if (i < 0) continue;
      const std::uint32_t slot = touched_[static_cast<std::size_t>(i)];
      Reading reading;
      if (read(slot, reading)) visit(slot, reading.fresh, reading.client, reading.counters);
    }
  }
  template <class Visit>
  void collect(Visit&& visit) {
    collect(visit, [](std::uint32_t, Soon) {});
  }

  /// The client's slot, if it has one.
  [[nodiscard]] std::optional<std::uint32_t> find(const ClientId& client) const noexcept;

  /// The slot's counters between two collects, without the bitmaps, which those take. None of an
  /// owner whom no collect has seen yet.
  [[nodiscard]] std::optional<ClientCounters> counters(std::uint32_t slot) const noexcept;

  /// Event::tier of the latest request that named one.
  [[nodiscard]] std::uint8_t tier(std::uint32_t slot) const noexcept {
    const Slot& of = sets_[slot / kWays].slots[slot % kWays];
    return tier_in(of.flags.load(std::memory_order_relaxed));
  }

  /// The first lines of the two slots where the client stands most likely.
  void prefetch(std::uint64_t fingerprint) const noexcept {
    const Set& set = set_of(fingerprint);
    __builtin_prefetch(&set.slots[fingerprint % kWays], 1);
    __builtin_prefetch(&set.slots[(fingerprint + 1) % kWays], 1);
  }
  void use_huge_pages() noexcept { sets_.use_huge_pages(); }

  [[nodiscard]] std::size_t capacity() const noexcept { return sets_.size() * kWays; }
  [[nodiscard]] std::size_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t evictions() const noexcept {
    return evictions_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t refused() const noexcept {
    return refused_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr std::size_t kShards = 16;
  static constexpr std::uint32_t kTierShift = 8;
  static constexpr std::uint32_t kBreakagesShift = 16;

  using Counter = std::atomic<std::uint32_t>;
  struct alignas(64) Slot {
    // First line: all that an ordinary request and its response touch.
    std::atomic<std::uint64_t> fingerprint;  // 0 never used, 1 changing hands, else hash of client
    std::atomic<std::uint64_t> agents;
    Counter last_seen_s;
    // In its lowest bits; the tier from kTierShift on; breakages from kBreakagesShift on.
    Counter flags;
    Counter responses;
    Counter errors;
    std::array<Counter, kPathBuckets> paths;  // requests are their sum
    // Second line.
    std::atomic<std::uint64_t> client_hi;
    std::atomic<std::uint64_t> client_lo;
    Counter denied;
    Counter next;  // link of a list of touched slots: slot + 1, 0 ends
    Counter client_errors;
    Counter failed_paths;
    std::array<Counter, kAgentClasses> class_requests;
    std::array<Counter, kAgentClasses> class_errors;
  };
  static_assert(sizeof(Slot) == kSlotBytes);
  struct Set {
    std::array<Slot, kWays> slots;
  };
  // The head of a list of touched slots.
  struct alignas(64) Shard {
    std::atomic<std::uint32_t> head{0};
  };
  struct Reading {
    bool fresh = false;
    ClientId client;
    ClientCounters counters;
  };

  [[nodiscard]] std::size_t set_index(std::uint64_t fingerprint) const noexcept {
    __extension__ using Product = unsigned __int128;
    return static_cast<std::size_t>(static_cast<Product>(fingerprint) * sets_.size() >> 64);
  }
  [[nodiscard]] const Set& set_of(std::uint64_t fingerprint) const noexcept {
    return sets_[set_index(fingerprint)];
  }
  [[nodiscard]] Set& set_of(std::uint64_t fingerprint) noexcept {
    return sets_[set_index(fingerprint)];
  }
  [[nodiscard]] Slot& slot_at(std::uint32_t slot) noexcept {
    return sets_[slot / kWays].slots[slot % kWays];
  }
  [[nodiscard]] std::uint32_t index_of(const Slot& slot) const noexcept;

  [[nodiscard]] Slot* find_slot(std::uint64_t fingerprint) noexcept;
  [[nodiscard]] Slot* claim_slot(const ClientId& client, std::uint64_t fingerprint,
                                 std::uint32_t now_s) noexcept;
  [[nodiscard]] bool take_over(Slot& slot, std::uint64_t old, const ClientId& client,
                               std::uint64_t fingerprint, std::uint32_t now_s) noexcept;
  [[nodiscard]] static std::uint8_t tier_in(std::uint32_t flags) noexcept {
    return static_cast<std::uint8_t>(flags >> kTierShift);
  }
  static void set_tier(Slot& slot, std::uint8_t tier) noexcept;
  void touch(Slot& slot, std::uint32_t now_s) noexcept;
  void list(std::uint32_t slot) noexcept;

  static void prefetch(const Slot& slot) noexcept {
    __builtin_prefetch(&slot, 1);
    __builtin_prefetch(&slot.client_hi, 1);
  }
  void take_touched();
  [[nodiscard]] bool read(std::uint32_t slot, Reading& reading) noexcept;
  [[nodiscard]] static ClientCounters counters_of(const Slot& slot, std::uint32_t flags) noexcept;

  std::uint64_t seed_;
  ZeroedArray<Set> sets_;
  std::array<Shard, kShards> shards_;
  std::vector<std::uint32_t> touched_;  // the collector's; room for all slots from the start
  alignas(64) std::atomic<std::size_t> size_{0};
  std::atomic<std::uint64_t> evictions_{0};
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace tidelimit::limiter
