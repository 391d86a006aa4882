#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/control.hpp"
#include "engine/excuse.hpp"
#include "limiter/nominal.hpp"
#include "policy/plan_cells.hpp"

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

/// The limit as configured that the one which decided stands for.
const limiter::Limit& base_of(const KeptDecision& kept, const limiter::Plan& plan) {
  const limiter::CellLimits& base = plan.cell(kept.endpoint, kept.tier).in(limiter::View::base);
  switch (kept.decision.limit_of) {
    case limiter::LimitOf::total:
      return base.total;
    case limiter::LimitOf::client:
      return plan.endpoints[limiter::index(kept.endpoint)].client;
    default:
      return base.principal;
  }
}

// What was set by hand below the configured mode is known to the switches alone.
policy::ModeFor mode_of(const policy::VerdictRecord& verdict, const SwitchModes& switches) {
  const bool of_rules = verdict.part == limiter::Part::rules;
  return {std::min(verdict.mode, of_rules ? switches.rules : switches.anomaly), verdict.enforced};
}

bool by_verdict(Reason reason) {
  return reason == Reason::client_blocked || reason == Reason::client_limited;
}

/// What the record of a shadow denial says behind the verdict. One that is only watched is on trial
/// itself: were it to excuse what it would deny, a rule that blocks everybody would harm nobody. A
/// gate that is watched as a whole takes its verdicts at their word, as it would once it enforces.
std::string_view excuse_of(const KeptDecision& kept, const LabelRecord* label,
                           const std::optional<policy::VerdictRecord>& verdict,
                           const SwitchModes& switches) {
  const limiter::Decision& decision = kept.decision;
  if (label != nullptr && label->malicious) return kByLabel;
  if (decision.verdict == limiter::VerdictKind::normal) return {};
  if (label != nullptr || !verdict) return kOnlyWatched;
  const policy::ModeFor mode = mode_of(*verdict, switches);
  const bool enforced =
      mode.mode == limiter::Mode::enforce && kept.rollout < policy::part_of_everyone(mode.share);
  return enforced ? std::string_view() : kOnlyWatched;
}

}  // namespace

/// What led to a decision, in words; empty where the configured limit alone decided.
std::string Engine::Control::explanation_of(const KeptDecision& kept, const Routes& routes) const {
  std::string cause = cause_of(kept, routes);
  const Reason reason = kept.decision.reason;
  const bool by_limit = reason != Reason::client_blocked && reason != Reason::load_shed;
  if (by_limit && kept.decision.limit_of == limiter::LimitOf::total)
    cause = fmt::format("it is the total of all {} principals at {}{}{}", routes.tier(kept.tier),
                        routes.endpoint(kept.endpoint), cause.empty() ? "" : ": ", cause);
  const std::string watched = why_only_watched(kept);
  if (cause.empty() || watched.empty()) return cause + watched;
  return cause + "; " + watched;
}

/// Why a denial is only counted: by whose mode, and for which share of the principals it is not.
std::string Engine::Control::why_only_watched(const KeptDecision& kept) const {
  const limiter::Decision& decision = kept.decision;
  if (decision.outcome != limiter::Outcome::shadow_deny) return {};
  const auto words = [&](std::string_view what, const policy::ModeFor& mode) -> std::string {
    if (mode.mode != limiter::Mode::enforce) return fmt::format("{} is in shadow mode", what);
    if (mode.share == 1) return {};
    if (kept.rollout < policy::part_of_everyone(mode.share))
      return fmt::format(
          "{} is enforced for {:g} % of the principals, this one among them; were "
          "it for all, what all may have together would have denied it",
          what, mode.share * 100);
    return fmt::format("{} is enforced for {:g} % of the principals, and not for this one", what,
                       mode.share * 100);
  };
  const SwitchModes switches = modes.modes();
  if (!decision.enforced) {
    const std::size_t at = limiter::index(decision.endpoint);
    if (at >= policy.endpoints.size()) return {};
    const policy::EndpointSettings& endpoint = policy.endpoints[at];
    const policy::ModeFor all{std::min(policy.mode.mode, switches.all), policy.mode.share};
    const bool own = endpoint.mode.mode < all.mode ||
                     (endpoint.mode.mode == all.mode && endpoint.mode.share < all.share);
    return own ? words(endpoint.name, endpoint.mode) : words("the gate", all);
  }
  if (by_verdict(decision.reason)) {
    const auto verdict = verdicts.find(kept.client);
    return verdict ? words("the verdict", mode_of(*verdict, switches)) : std::string();
  }
  const std::size_t rule = limiter::index(decision.rule);
  if (rule >= policy.rules.size()) return {};
  const policy::Rule& its = policy.rules[rule];
  policy::ModeFor mode = policy.mode_of(its);
  mode.mode = std::min(mode.mode, switches.rules);
  if (its.when.looks_ahead()) mode.mode = std::min(mode.mode, switches.forecast);
  return words("rule " + its.name, mode);
}

/// The cause of the rule, verdict, override or requests in flight behind a decision, in words.
std::string Engine::Control::cause_of(const KeptDecision& kept, const Routes& routes) const {
  const limiter::Decision& decision = kept.decision;
  if (decision.reason == Reason::override_) {
    const auto* made = overrides.applying(kept.client, kept.user.view(), data.user_name_key);
    if (made == nullptr) return "an override";
    return fmt::format("override of {} by {}{}{}", made->target, made->by,
                       made->reason.empty() ? "" : ": ", made->reason);
  }
  if (by_verdict(decision.reason)) {
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
  std::string cause = own ? planner.cause(cell, decision.rule) : std::string();
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
  const SwitchModes switches = modes.modes();
  const auto current = planner.current();
  const std::uint32_t epoch = recent_routes.front()->epoch();
  for (const auto& log : logs) {
    log->drain([&](const KeptDecision& kept, std::uint32_t repeats) {
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
      if (decision.outcome == limiter::Outcome::shadow_deny)
        record.verdict +=
            excuse_of(kept, labels.find(record.client), verdicts.find(kept.client), switches);
      record.limit_per_minute = limiter::nominal_per_minute(decision.limit);
      // A worker may have been a moment late to see a new configuration: what it decided goes by
      // the numbers of the older one.
      const bool by_present = kept.routes_epoch == epoch;
      if (by_present && current && limiter::index(kept.endpoint) < current->endpoints.size()) {
        record.base_per_minute = limiter::nominal_per_minute(base_of(kept, *current));
      }
      record.remaining = decision.limit.unlimited() ? 0 : decision.remaining;
      record.retry_after_ms = static_cast<double>(decision.retry_after.count()) / 1e6;
      record.plan_generation = decision.plan_generation;
      record.hits = kept.hits;
      record.repeats = repeats;
      if (by_present) record.explanation = explanation_of(kept, *routes);
    });
  }
  keeper.decisions(records, now.wall);
}

void Engine::Control::write_records(Now now) {
  take_mode_news(now);
  drain_decisions(now);
}

}  // namespace tidelimit::engine
