#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "engine/control.hpp"

namespace tidelimit::engine {
namespace {

using limiter::Reason;

const Routes* routes_of(const std::deque<std::shared_ptr<const Routes>>& recent,
                        std::uint32_t epoch) {
  for (const auto& routes : recent) {
    if (routes->epoch() == epoch) return routes.get();
  }
  return nullptr;
}

}  // namespace

/// The cause of the rule, verdict, override or requests in flight behind a decision, in words;
/// empty where the configured limit alone decided.
std::string Engine::Control::explanation_of(const KeptDecision& kept, const Routes& routes) const {
  const limiter::Decision& decision = kept.decision;
  if (decision.reason == Reason::override_) {
    const auto* made = overrides.applying(kept.client, kept.user.view());
    if (made == nullptr) return "an override";
    return fmt::format("override of {} by {}{}{}", made->target, made->by,
                       made->reason.empty() ? "" : ": ", made->reason);
  }
  if (decision.reason == Reason::client_blocked || decision.reason == Reason::client_limited) {
    const auto verdict = verdicts.find(kept.client);
    if (!verdict) return {};
    return fmt::format("{} is {}: {}", verdict->client_name, limiter::to_string(verdict->kind),
                       fmt::join(verdict->reasons, "; "));
  }
  if (decision.rule == limiter::kConcurrencyRule) {
    return fmt::format("{} of {} requests in flight at {}", decision.in_flight,
                       decision.in_flight_limit, routes.endpoint(kept.endpoint));
  }
  if (decision.rule == limiter::kNoRule) return {};
  const auto& rules = planner.rules();
  const std::size_t rule = limiter::index(decision.rule);
  if (rule >= rules.size()) return {};
  const auto current = planner.current();
  const std::size_t cell = limiter::index(decision.endpoint) * (current ? current->tiers : 0) +
                           limiter::index(decision.tier);
  const bool own = policy.rules[rule].then.divide && current && cell < current->cells.size();
  std::string cause = own ? planner.cause(cell) : std::string();
  return cause.empty() ? rules[rule].cause : cause;
}

void Engine::Control::drain_decisions(Now now) {
  if (!data.keeps_decisions) return;
  std::vector<std::shared_ptr<DecisionLog>> logs;
  {
    std::lock_guard lock(data.mutex);
    for (Seat& seat : data.seats) {
      if (seat.log && !seat.log->empty()) logs.push_back(seat.log);
      if (seat.left) seat.log.reset();  // this is its last word
    }
  }
  std::vector<DecisionRecord> records;
  const auto current = planner.current();
  for (const auto& log : logs) {
    log->drain([&](const KeptDecision& kept) {
      const Routes* routes = routes_of(recent_routes, kept.routes_epoch);
      if (routes == nullptr) return;
      const limiter::Decision& decision = kept.decision;
      DecisionRecord& record = records.emplace_back();
      record.id = format_decision_id(kept.id);
      record.time = kept.time;
      record.client = format_client(kept.client);
      record.user = kept.user.view();
      record.path = kept.path.view();
      record.method = kept.method.view();
      record.endpoint = routes->endpoint(kept.endpoint);
      record.tier = routes->tier(kept.tier);
      record.allowed = decision.allowed;
      record.outcome = limiter::to_string(decision.outcome);
      record.reason = limiter::to_string(decision.reason);
      if (const std::string* rule = routes->rule(decision.rule)) record.rule = *rule;
      record.verdict = limiter::to_string(decision.verdict);
      record.limit_per_minute = decision.limit.per_minute();
      if (current && limiter::index(kept.endpoint) < current->endpoints.size())
        record.base_per_minute =
            current->cell(kept.endpoint, kept.tier).in(limiter::View::base).principal.per_minute();
      record.remaining = decision.limit.unlimited() ? 0 : decision.remaining;
      record.retry_after_ms = static_cast<double>(decision.retry_after.count()) / 1e6;
      record.plan_generation = decision.plan_generation;
      record.explanation = explanation_of(kept, *routes);
    });
  }
  keeper.decisions(records, now.wall);
}

}  // namespace tidelimit::engine
