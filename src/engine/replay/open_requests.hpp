#pragma once

#include <cstdint>
#include <queue>
#include <vector>

#include "engine/engine.hpp"

namespace tidelimit::engine {

/// Requests of a log that passed and are still in flight at the time that the replay stands at,
/// where that is limited: each ends at its logged time and latency, or by its timeout where the
/// client hung up. Deterministic; memory bounded: of more than kMost at once the rest is left to
/// its timeout, and counted. One thread.
class OpenRequests {
 public:
  static constexpr std::size_t kMost = 1u << 18;

  /// A request that passed now. One without a latency ends at once.
  void begin(EngineWorker& worker, const traffic::Request& request,
             const EngineWorker::Prepared& prepared, const Now& now);
  /// Ends those whose time has come.
  void end_until(EngineWorker& worker, const Now& now) {
    while (!open_.empty() && open_.top().end <= now.mono) end_first(worker);
  }

  [[nodiscard]] std::uint64_t without_latency() const { return without_latency_; }
  [[nodiscard]] std::uint64_t untracked() const { return untracked_; }

 private:
  struct Open {
    Instant end;
    std::uint64_t number;  // of those that end at one time, the first first
    float latency_ms;
    EngineWorker::Prepared prepared;
    bool operator<(const Open& other) const {  // the top of a heap is the greatest
      return end != other.end ? end > other.end : number > other.number;
    }
  };
  void end_first(EngineWorker& worker);

  std::priority_queue<Open> open_;
  std::uint64_t numbers_ = 0;
  std::uint64_t without_latency_ = 0;
  std::uint64_t untracked_ = 0;
};

}  // namespace tidelimit::engine
