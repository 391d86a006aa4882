#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "engine/replay/replay.hpp"
#include "traffic/request_block.hpp"

namespace tidelimit::engine {

/// So many requests are looked at ahead of their decision, that the memory each will touch is
/// fetched while earlier ones are decided.
inline constexpr std::size_t kAhead = 32;
using PreparedGroup = std::array<EngineWorker::Prepared, kAhead>;

inline void prepare(Replay& replay, std::span<const traffic::Request> requests,
                    PreparedGroup& prepared) {
  for (std::size_t i = 0; i < requests.size(); ++i) prepared[i] = replay.prepare(requests[i]);
}

/// void each(std::span<const traffic::Request>) for at most kAhead requests at a time.
template <class Take, class Each>
void in_groups(Take&& take, Each&& each) {
  for (std::span<const traffic::Request> all = take(); !all.empty(); all = take()) {
    while (!all.empty()) {
      const std::size_t size = std::min(kAhead, all.size());
      each(all.first(size));
      all = all.subspan(size);
    }
  }
}

/// Replays all that `take` gives, block by block: std::span<const traffic::Request> take(), empty
/// at the end, each holding until the next; void each(request, answer). Decides as Replay::add, one
/// by one, only faster.
template <class Take, class Each>
void drive(Replay& replay, Take&& take, Each&& each) {
  PreparedGroup prepared;
  in_groups(take, [&](std::span<const traffic::Request> requests) {
    prepare(replay, requests, prepared);
    for (std::size_t i = 0; i < requests.size(); ++i)
      each(requests[i], replay.add(requests[i], prepared[i]));
  });
}

/// The same through two engines: void each(request, before, now).
template <class Take, class Each>
void drive(Replay& before, Replay& now, Take&& take, Each&& each) {
  PreparedGroup prepared;
  PreparedGroup prepared_before;
  in_groups(take, [&](std::span<const traffic::Request> requests) {
    prepare(now, requests, prepared);
    prepare(before, requests, prepared_before);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const Answer& answer = now.add(requests[i], prepared[i]);
      each(requests[i], before.add(requests[i], prepared_before[i]), answer);
    }
  });
}

/// Blocks for `drive` out of bool next(traffic::Request&), on the same thread.
template <class Next>
class Blocks {
 public:
  explicit Blocks(Next next) : next_(std::move(next)) {}
  [[nodiscard]] std::span<const traffic::Request> operator()() {
    filler_.fill(block_, next_);
    return block_.requests();
  }

 private:
  Next next_;
  traffic::RequestBlock block_{kAhead};
  traffic::BlockFiller filler_;
};

}  // namespace tidelimit::engine
