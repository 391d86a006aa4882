#pragma once

#include <array>
#include <concepts>
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
/// identified, on a thread of its own. Each request is decided by every one of `replays`, as by
/// Replay::add, one by one, only faster; then, where a limit could meet it, void each(request,
/// answers), these in the replays' order.
template <class Next, class Each, std::same_as<Replay>... Replays>
void drive(Next&& next, Each&& each, Replays&... replays) {
  const std::array engines{&replays...};
  std::array identified{IdentifiedAhead(replays)...};
  ingest::ReadAhead ahead(std::forward<Next>(next), [&](std::size_t block, auto requests) {
    for (IdentifiedAhead& one : identified) one.identify(block, requests);
  });
  std::array<const Answer*, engines.size()> answers{};
  for (auto requests = ahead.take(); !requests.empty(); requests = ahead.take()) {
    const std::size_t block = ahead.block();
    look_ahead(
        requests.size(),
        [&](std::size_t i) {
          for (std::size_t k = 0; k < engines.size(); ++k)
            engines[k]->prefetch(identified[k].of(block)[i]);
        },
        [&](std::size_t i) {
          for (std::size_t k = 0; k < engines.size(); ++k)
            answers[k] = &engines[k]->add(requests[i], identified[k].of(block)[i]);
          if (traffic::meets_limits(requests[i])) each(requests[i], answers);
        });
  }
}

}  // namespace tidelimit::engine
