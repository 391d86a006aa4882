#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <mutex>
#include <vector>

#include "base/siphash.hpp"
#include "engine/crowd.hpp"
#include "engine/decision_log.hpp"
#include "engine/engine.hpp"
#include "engine/history.hpp"
#include "engine/tally.hpp"

namespace tidelimit::engine {

/// What a worker goes by: how to name requests, the limits by those names, and where to count them.
/// One snapshot, so that no request is named by one configuration and judged by the plan of
/// another, where its number is another endpoint's. A new configuration brings new tallies, so that
/// a tally never changes its shape.
struct WorkerView {
  std::shared_ptr<const Routes> routes;
  std::shared_ptr<const limiter::Plan> plan;    ///< null before the first
  std::vector<std::shared_ptr<Tally>> tallies;  ///< by seat; null where the worker has left
};

/// One worker's place: given once, never reused.
struct Seat {
  std::shared_ptr<DecisionLog> log;
  bool left = false;
};

/// A tally and how much of it the control plane has taken into its windows.
struct CountedTally {
  std::shared_ptr<Tally> tally;
  std::vector<WindowCounts> taken;  ///< [endpoint][place], control plane only
  bool unused = false;              ///< no view held it at the last look
};

/// The part of the engine that workers touch. What they share with the control plane is atomic or a
/// snapshot; the mutex guards the list of seats, which a decision never needs.
struct Engine::Data {
  Data(const Settings& settings, std::uint64_t the_seed, std::uint64_t start,
       const History* history);

  static constexpr std::int64_t kQuiet = std::numeric_limits<std::int64_t>::max();

  [[nodiscard]] WindowIndex index_of(WallTime time) const noexcept {
    return floor_to(time, window).time_since_epoch() / window;
  }
  [[nodiscard]] WallTime start_of(WindowIndex index) const noexcept {
    return WallTime{window * index};
  }
  [[nodiscard]] std::uint64_t id_of(std::uint64_t decision) const noexcept {
    std::array<char, sizeof decision> bytes;
    std::memcpy(bytes.data(), &decision, sizeof decision);
    return siphash(id_key, {bytes.data(), bytes.size()});
  }
  /// Tells next_due that there is something to fold.
  void wake(Instant now) noexcept {
    if (active_since.load(std::memory_order_relaxed) == kQuiet)
      active_since.store(now.since_start.count(), std::memory_order_relaxed);
  }

  const Nanos window;
  /// Makes the ids of decisions, which strangers see: nothing of the seed follows from them.
  const SipKey id_key;
  const SipKey user_name_key;  ///< History::user_name_key
  const bool keeps_decisions;
  limiter::Limiter limiter;
  CrowdTable crowd;
  limiter::SnapshotSlot<WorkerView> view;

  /// The first window that is not closed. Written by the control plane before it takes the last
  /// counts of the one before; events of earlier windows are late.
  std::atomic<WindowIndex> first_open{std::numeric_limits<WindowIndex>::min()};
  /// When the first request since the last tick came, in ns of Instant; kQuiet: none.
  std::atomic<std::int64_t> active_since{kQuiet};

  mutable std::mutex mutex;
  std::vector<Seat> seats;                    ///< guarded by mutex
  std::vector<CountedTally> tallies;          ///< guarded by mutex
  std::shared_ptr<const Routes> routes;       ///< guarded by mutex; the newest
  std::shared_ptr<const limiter::Plan> plan;  ///< guarded by mutex; the newest, of those routes
  CountersView retired;                       ///< guarded by mutex; of tallies that are gone

  /// Of all workers under the names in force, those that have left too.
  [[nodiscard]] CountersView counters() const;
  /// Gives every worker a tally for the routes in force and publishes. Call with mutex held.
  void publish_view();
};

}  // namespace tidelimit::engine
