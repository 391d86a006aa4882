// Questions that are decided together: several about one request, or one whose path servers read in
// several ways.
#include <algorithm>
#include <exception>
#include <span>

#include "engine/worker_impl.hpp"

namespace tidelimit::engine {

using limiter::Outcome;

namespace {

/// How badly a call fares by what is in force: 2 denied, 1 denied but for shadow mode, 0 let pass.
int severity(const limiter::Decision& decision) {
  if (!decision.allowed) return 2;
  const bool by_watched = decision.watched.reason != limiter::Reason::ok;
  return decision.outcome == Outcome::shadow_deny && !by_watched ? 1 : 0;
}

/// Whether the later of two decisions about one request counts in place of the earlier.
bool is_worse(const limiter::Decision& later, const limiter::Decision& earlier) {
  if (severity(later) != severity(earlier)) return severity(later) > severity(earlier);
  return earlier.outcome == Outcome::allow && later.outcome == Outcome::shadow_deny;
}

/// Whether the caller is told the later of two decisions about one request: what is only watched
/// leaves what he is told of the limits in force.
bool says_more(const limiter::Decision& later, const limiter::Decision& earlier) {
  if (severity(later) != severity(earlier)) return severity(later) > severity(earlier);
  return earlier.limit.unlimited() && !later.limit.unlimited();
}

/// Something that is only watched would have denied one reading of a call that passes: that stands
/// in its answer, whichever reading this tells of.
void take_watched(limiter::Decision& told, const limiter::Decision& other) {
  if (told.outcome != Outcome::allow || other.outcome != Outcome::shadow_deny) return;
  told.outcome = other.outcome;
  told.watched = other.watched;
}

}  // namespace

bool EngineWorker::decide_all(std::span<const Asked> asked, Now now, std::span<Answer> answers) {
  Impl& me = *impl_;
  if (asked.size() > limiter::Worker::kTogetherMax) std::terminate();
  const WorkerView& view = me.look();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    const Prepared prepared = me.identify(*view.routes, asked[i].request, asked[i].hits);
    me.whose[i] = prepared.who;
    me.calls[i] = prepared.call;
    me.calls[i].given = asked[i].given;
  }
  return me.decide_together(view, asked, now, answers);
}

bool EngineWorker::Impl::decide_together(const WorkerView& seen, std::span<const Asked> asked,
                                         Now now, std::span<Answer> answers) {
  const std::size_t count = add_other_readings(asked.size());
  const bool passed = limiter.decide_all(std::span(calls).first(count), now.mono, decisions);
  account_together(seen, asked, count, now);
  for (std::size_t i = 0; i < count; ++i) {
    const bool first = i < asked.size();
    Answer& answer = answers[question[i]];
    if (!first && !says_more(decisions[i], answer.decision)) {
      take_watched(answer.decision, decisions[i]);
      continue;
    }
    const limiter::Decision before = answer.decision;
    answer = {.decision = decisions[i]};
    if (!first) take_watched(answer.decision, before);
    name(*seen.routes, whose[i], answer);
    answer.decision_id = ids[i];
  }
  return passed;
}

/// Behind the questions that were asked: those about the endpoints at which servers that read a
/// path otherwise take its request, as far as there is room. How many calls there are then.
std::size_t EngineWorker::Impl::add_other_readings(std::size_t asked) noexcept {
  std::size_t count = asked;
  for (std::size_t i = 0; i < asked; ++i) {
    question[i] = i;
    for (std::size_t j = 0; j < whose[i].other_count && count < calls.size(); ++j, ++count) {
      whose[count] = whose[i];
      whose[count].endpoint = whose[i].others[j];
      calls[count] = calls[i];
      calls[count].endpoint = whose[count].endpoint;
      question[count] = i;
    }
  }
  return count;
}

/// Each request once: by its first question that charges, as the one that went worst says.
void EngineWorker::Impl::account_together(const WorkerView& seen, std::span<const Asked> asked,
                                          std::size_t count, Now now) noexcept {
  const auto is_one = [&](std::size_t i, std::size_t j) {
    return calls[j].hits != 0 && limiter::same_request(calls[question[i]], calls[question[j]]);
  };
  for (std::size_t i = 0; i < count; ++i) ids[i] = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (calls[i].hits == 0) continue;
    bool counted = false;
    for (std::size_t j = 0; j < i; ++j) counted = counted || is_one(i, j);
    if (counted) continue;
    std::size_t worst = i;
    limiter::Hits hits = calls[i].hits;
    for (std::size_t j = i + 1; j < count; ++j) {
      if (!is_one(i, j)) continue;
      hits = std::max(hits, calls[j].hits);
      if (is_worse(decisions[j], decisions[worst])) worst = j;
    }
    limiter::Call whole = calls[worst];
    whole.hits = hits;
    const traffic::Request& request = asked[question[i]].request;
    const std::uint64_t id = account(seen, request, whose[worst], whole, decisions[worst], now);
    for (std::size_t j = i; j < count; ++j)
      if (is_one(i, j)) ids[j] = id;
  }
}

}  // namespace tidelimit::engine
