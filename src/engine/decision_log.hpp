#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "base/address.hpp"
#include "base/hash.hpp"
#include "base/time.hpp"
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

/// What denials have in common that one record may stand for; never 0. `client`: its keyed hash, so
/// that nobody aims for another's kind. `decision`: limiter::on_record.
[[nodiscard]] inline std::uint64_t kind_of(const limiter::Call& call, std::uint64_t client,
                                           const limiter::Decision& decision,
                                           std::uint32_t routes_epoch) noexcept {
  const auto word = [](auto... parts) {
    std::uint64_t all = 0;
    ((all = all << 16 | static_cast<std::uint16_t>(parts)), ...);
    return all;
  };
  std::uint64_t kind = mix(mix(client, call.user), call.hits);
  kind = mix(kind, word(limiter::index(call.endpoint), limiter::index(call.tier),
                        limiter::index(decision.rule), decision.reason));
  kind = mix(kind, word(decision.outcome, decision.verdict, decision.limit_of));
  return std::max<std::uint64_t>(mix(kind, decision.plan_generation << 32 | routes_epoch), 1);
}

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

  DecisionLog() : entries_(kCapacity), kinds_(kSets * kWays) {}

  /// The writer: counts a denial by an earlier one of its kind, whose id is returned; 0: it is to
  /// be kept by itself.
  [[nodiscard]] std::uint64_t join(std::uint64_t kind, Instant now) noexcept {
    const auto second = static_cast<std::uint32_t>(now.since_start / std::chrono::seconds{1});
    const auto written = written_.load(std::memory_order_relaxed);
    const auto free = kCapacity - (written - taken_.load(std::memory_order_acquire));
    Kind& at = place_of(kind, second);
    if (at.kind != kind || at.second != second) at = {kind, 0, second, 0};
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
  /// What one kind has had within one second.
  struct Kind {
    std::uint64_t kind;
    std::uint64_t last;  ///< which entry counts what follows
    std::uint32_t second;
    std::uint32_t kept;
  };
  static constexpr std::size_t kSets = 512;
  static constexpr std::size_t kWays = 8;
  static constexpr std::uint32_t kClosed = ~std::uint32_t{0};

  /// The kind's own place, or the one to give it: a past second's, else that of the rarest, so that
  /// floods keep theirs. Another set each second: no two kinds are in each other's way for long.
  [[nodiscard]] Kind& place_of(std::uint64_t kind, std::uint32_t second) noexcept {
    Kind* const set = &kinds_[mix(kind, second) % kSets * kWays];
    Kind* worst = set;
    for (Kind* at = set; at != set + kWays; ++at) {
      if (at->kind == kind && at->second == second) return *at;
      const auto worth = [&](const Kind& k) { return k.second == second ? k.kept : 0; };
      if (worth(*at) < worth(*worst)) worst = at;
    }
    return *worst;
  }
  [[nodiscard]] static bool add_to(std::uint32_t& repeats) noexcept {
    const std::atomic_ref count(repeats);
    std::uint32_t seen = count.load(std::memory_order_relaxed);
    while (seen < kClosed - 1) {
      if (count.compare_exchange_weak(seen, seen + 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }

  limiter::ZeroedArray<KeptDecision> entries_;
  limiter::ZeroedArray<Kind> kinds_;  ///< the writer's
  alignas(64) std::atomic<std::uint64_t> written_{0};
  alignas(64) std::atomic<std::uint64_t> taken_{0};
};

}  // namespace tidelimit::engine
