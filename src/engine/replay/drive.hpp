#pragma once

#include <array>
#include <span>

#include "engine/replay/lookahead.hpp"
#include "engine/replay/replay.hpp"

namespace tidelimit::engine {

/// What was prepared for a group.
using PreparedGroup = std::array<EngineWorker::Prepared, Lookahead::kGroup>;

inline void prepare(Replay& replay, std::span<const traffic::Request> requests,
                    PreparedGroup& prepared) {
  for (std::size_t i = 0; i < requests.size(); ++i) prepared[i] = replay.prepare(requests[i]);
}

/// Replays all that `next` gives: bool next(traffic::Request&), void each(request, answer).
/// Decides as Replay::add, one by one, only faster.
template <class Next, class Each>
void drive(Replay& replay, Next&& next, Each&& each) {
  Lookahead ahead;
  PreparedGroup prepared;
  while (ahead.fill(next)) {
    const auto requests = ahead.requests();
    prepare(replay, requests, prepared);
    for (std::size_t i = 0; i < requests.size(); ++i)
      each(requests[i], replay.add(requests[i], prepared[i]));
  }
}

/// The same through two engines: void each(request, before, now).
template <class Next, class Each>
void drive(Replay& before, Replay& now, Next&& next, Each&& each) {
  Lookahead ahead;
  PreparedGroup prepared;
  PreparedGroup prepared_before;
  while (ahead.fill(next)) {
    const auto requests = ahead.requests();
    prepare(now, requests, prepared);
    prepare(before, requests, prepared_before);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const Answer& answer = now.add(requests[i], prepared[i]);
      each(requests[i], before.add(requests[i], prepared_before[i]), answer);
    }
  }
}

}  // namespace tidelimit::engine
