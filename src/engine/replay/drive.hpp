#pragma once

#include <array>
#include <span>
#include <utility>
#include <vector>

#include "engine/replay/replay.hpp"
#include "ingest/read_ahead.hpp"

namespace tidelimit::engine {

/// So many requests are looked at ahead of their decision, that the memory each will touch is
/// fetched while earlier ones are decided.
inline constexpr std::size_t kAhead = 16;

/// void look(i), and then, when others were looked at, void decide(i): for each i below n.
template <class Look, class Decide>
void look_ahead(std::size_t n, Look&& look, Decide&& decide) {
  for (std::size_t i = 0; i < n + kAhead; ++i) {
    if (i < n) look(i);
    if (i >= kAhead) decide(i - kAhead);
  }
}

/// What a replay makes of the requests that are read ahead, on the thread that reads them.
class IdentifiedAhead {
 public:
  explicit IdentifiedAhead(const Replay& replay) : identifier_(replay.make_identifier()) {}

  void identify(std::size_t block, std::span<const traffic::Request> requests) {
    auto& identified = blocks_[block];
    identified.clear();
    for (const traffic::Request& request : requests)
      identified.push_back(identifier_.identify(request, 1));
  }
  using Block = std::vector<EngineWorker::Prepared>;
  [[nodiscard]] const Block& of(std::size_t block) const { return blocks_[block]; }

 private:
  Identifier identifier_;
  std::array<Block, ingest::ReadAhead::kBlocks> blocks_;
};

/// Replays all that a reader gives: bool next(traffic::Request&), which is asked, as requests are
/// identified, on a thread of its own; void each(request, answer). Decides as Replay::add, one by
/// one, only faster.
template <class Next, class Each>
void drive(Replay& replay, Next&& next, Each&& each) {
  IdentifiedAhead identified(replay);
  ingest::ReadAhead ahead(std::forward<Next>(next), [&](std::size_t block, auto requests) {
    identified.identify(block, requests);
  });
  for (auto requests = ahead.take(); !requests.empty(); requests = ahead.take()) {
    const auto& prepared = identified.of(ahead.block());
    look_ahead(
        requests.size(), [&](std::size_t i) { replay.prefetch(prepared[i]); },
        [&](std::size_t i) { each(requests[i], replay.add(requests[i], prepared[i])); });
  }
}

/// The same through two engines: void each(request, before, now).
template <class Next, class Each>
void drive(Replay& before, Replay& now, Next&& next, Each&& each) {
  IdentifiedAhead identified_before(before);
  IdentifiedAhead identified_now(now);
  ingest::ReadAhead ahead(std::forward<Next>(next), [&](std::size_t block, auto requests) {
    identified_before.identify(block, requests);
    identified_now.identify(block, requests);
  });
  for (auto requests = ahead.take(); !requests.empty(); requests = ahead.take()) {
    const auto& prepared_before = identified_before.of(ahead.block());
    const auto& prepared = identified_now.of(ahead.block());
    look_ahead(
        requests.size(),
        [&](std::size_t i) {
          now.prefetch(prepared[i]);
          before.prefetch(prepared_before[i]);
        },
        [&](std::size_t i) {
          const Answer& answer = now.add(requests[i], prepared[i]);
          each(requests[i], before.add(requests[i], prepared_before[i]), answer);
        });
  }
}

}  // namespace tidelimit::engine
