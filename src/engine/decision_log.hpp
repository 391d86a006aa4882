#pragma once

#include <atomic>
#include <cstdint>

#include "base/address.hpp"
#include "base/time.hpp"
#include "engine/denial_kinds.hpp"
#include "engine/user_name.hpp"
#include "limiter/decision.hpp"
#include "limiter/zeroed_array.hpp"

namespace tidelimit::engine {

/// A decision as a worker keeps it: plain bytes, no allocation. Names are looked up when it is
/// written to the history.
struct KeptDecision {
  std::uint64_t id;
  WallTime time;
  ClientId client;
  limiter::EndpointId endpoint;  ///< of the configuration with `routes_epoch`
  limiter::TierId tier;
  std::uint16_t rollout;  ///< Call::rollout
  std::uint32_t routes_epoch;
  limiter::Hits hits;
  std::uint32_t repeats;       ///< DecisionLog's own
  limiter::Decision decision;  ///< limiter::on_record
  UserName user;
  ShortText<128> path;
  ShortText<15> method;
};

/// A bounded queue from one worker to the control plane, with a fair share for everyone: of the
/// denials of one kind within a second the first are kept one by one, up to a 64th of the room that
/// is left; those that follow are counted by the last of these. So a flood of one kind never fills
/// the queue, what comes rarely finds room, and each denial is kept or counted until the queue is
/// full of kinds that are as many as its places; then what is of none of them is dropped.
///   1. One writer, one reader. `repeats` of a committed entry is atomic: the writer adds to it
///      until the reader has closed it. No lock: at most two tries for each.
///   2. An entry is written again only when the reader has given it back.
class DecisionLog {
 public:
  static constexpr std::size_t kCapacity = 4096;
  static constexpr std::size_t kShares = 64;

  DecisionLog() : entries_(kCapacity) {}

  /// The writer: counts a denial by an earlier one of its kind, whose id is returned; 0: it is to
  /// be kept by itself.
  [[nodiscard]] std::uint64_t join(std::uint64_t kind, Instant now) noexcept {
    const auto written = written_.load(std::memory_order_relaxed);
    const auto free = kCapacity - (written - taken_.load(std::memory_order_acquire));
    DenialKinds::Kind& at = kinds_.at(kind, now);
    if (at.kept > 0 && at.kept >= free / kShares && written - at.last <= kCapacity) {
      KeptDecision& last = entries_[at.last % kCapacity];
      if (add_to(last.repeats)) return last.id;
    }
    if (free == 0) return 0;
    ++at.kept;
    at.last = written;  // where it will stand
    return 0;
  }
  /// The writer's next free entry, or null; `commit` hands it over.
  [[nodiscard]] KeptDecision* next() noexcept {
    const auto written = written_.load(std::memory_order_relaxed);
    if (written - taken_.load(std::memory_order_acquire) == kCapacity) return nullptr;
    KeptDecision& entry = entries_[written % kCapacity];
    entry.repeats = 0;
    return &entry;
  }
  void commit() noexcept {
    written_.store(written_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  /// The reader: visits what was committed, each with the number of those that it stands for
  /// besides itself, and frees it.
  template <class Visit>
  void drain(Visit&& visit) {
    const auto written = written_.load(std::memory_order_acquire);
    auto taken = taken_.load(std::memory_order_relaxed);
    for (; taken != written; ++taken) {
      KeptDecision& entry = entries_[taken % kCapacity];
      const std::uint32_t repeats =
          std::atomic_ref(entry.repeats).exchange(kClosed, std::memory_order_relaxed);
      visit(static_cast<const KeptDecision&>(entry), repeats);
      taken_.store(taken + 1, std::memory_order_release);
    }
  }
  [[nodiscard]] bool empty() const noexcept {
    return written_.load(std::memory_order_acquire) == taken_.load(std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t kClosed = ~std::uint32_t{0};

  [[nodiscard]] static bool add_to(std::uint32_t& repeats) noexcept {
    const std::atomic_ref count(repeats);
    std::uint32_t seen = count.load(std::memory_order_relaxed);
    while (seen < kClosed - 1) {
      if (count.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }

  limiter::ZeroedArray<KeptDecision> entries_;
  DenialKinds kinds_;  ///< the writer's
  alignas(64) std::atomic<std::uint64_t> written_{0};
  alignas(64) std::atomic<std::uint64_t> taken_{0};
};

}  // namespace tidelimit::engine
