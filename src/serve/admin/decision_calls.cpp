#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numeric>
#include <thread>

#include "base/text.hpp"
#include "engine/excuse.hpp"
#include "engine/part_names.hpp"
#include "engine/user_name.hpp"
#include "serve/admin/calls.hpp"
#include "serve/admin/json.hpp"

namespace tidelimit::serve {
namespace {

using nlohmann::json;

constexpr std::size_t kMostDecisions = 1000;
constexpr std::size_t kMostShadowRows = 1000;
constexpr double kLongestWait_ms =
    std::chrono::duration<double, std::milli>(limiter::kLongestWait).count();

json decision_json(const engine::DecisionRecord& record) {
  return {
      {"decision", record.id},
      {"time", format_time(record.time)},
      {"client", record.client},
      {"user", or_null(record.user)},
      {"method", record.method},
      {"path", printable(record.path, 128)},
      {"endpoint", record.endpoint},
      {"tier", record.tier},
      {"allowed", record.allowed},
      {"outcome", record.outcome},
      {"reason", record.reason},
      {"rule", or_null(record.rule)},
      {"verdict", engine::verdict_alone(record.verdict)},
      {"limit_per_minute", record.limit_per_minute > 0 ? json(record.limit_per_minute) : json()},
      {"base_per_minute", record.base_per_minute > 0 ? json(record.base_per_minute) : json()},
      {"remaining", record.limit_per_minute > 0 ? json(record.remaining) : json()},
      {"retry_after_ms",
       record.retry_after_ms > kLongestWait_ms ? json() : json(record.retry_after_ms)},
      {"plan_generation", record.plan_generation},
      {"explanation", record.explanation},
      {"repeats", record.repeats}};
}

/// Decisions that came too fast to be kept. How many of those since the start fall into a span is
/// not known, only whether the last does.
struct Dropped {
  std::uint64_t count = 0;
  json last;
};

Dropped dropped_since(const DeskContext& context, WallTime since) {
  const engine::CountersView counters = context.engine.counters();
  if (counters.decision_records_dropped == 0 || counters.last_record_dropped < since) return {};
  return {counters.decision_records_dropped, format_time(counters.last_record_dropped)};
}

/// What was asked of descriptors in domains of envoyproxy/ratelimit since the gate started: they
/// keep no decisions, and are in no sum of them. Null where there are none.
json domains_json(const DeskContext& context) {
  const auto settings = context.settings.current();
  if (settings->domains.empty()) return {};
  std::uint64_t calls = 0, denied = 0, would_deny = 0;
  for (const RuleTally& tally : settings->domains.tallies()) {
    calls += std::accumulate(tally.outcomes.begin(), tally.outcomes.end(), std::uint64_t{0});
    denied += tally.outcomes[static_cast<std::size_t>(limiter::Outcome::deny)];
    // What shadow_mode watches stays watched when the gate enforces.
    if (!tally.watched)
      would_deny += tally.outcomes[static_cast<std::size_t>(limiter::Outcome::shadow_deny)];
  }
  return {{"asked", calls}, {"denied", denied}, {"would_deny", would_deny}};
}

/// What a part would have denied, were it enforced for everyone.
Result<engine::ShadowQuery> query_of(const DeskContext& context, const std::string& part) {
  engine::ShadowQuery query;
  if (part.empty() || part == "all") return query;
  const auto status = context.engine.status();
  if (!status) return fail(Code::unavailable, "the control plane has not finished its first turn");
  const auto named = [&](const auto& candidates, std::string_view name) {
    return std::any_of(candidates.begin(), candidates.end(),
                       [&](const auto& one) { return one.name == name; });
  };
  const policy::PolicySettings& policy = status->policy;
  const auto endpoint = engine::endpoint_of(part);
  if (endpoint && named(policy.endpoints, *endpoint)) {
    query.endpoint = *endpoint;
    return query;
  }
  query.rules.emplace();
  const auto one_rule = engine::rule_of(part);
  if (one_rule && named(policy.rules, *one_rule)) {
    query.rules->emplace_back(*one_rule);
    return query;
  }
  if (part != "forecast" && part != "anomaly" && part != "rules")
    return fail(Code::invalid_argument,
                fmt::format("\"part\": there is no part \"{}\"; GET /v1/modes names them",
                            printable(part, 100)));
  query.by_verdict = part == "anomaly";
  if (query.by_verdict) query.rules->emplace_back();  // the model's own action
  for (const auto& rule : policy.rules) {
    if (part == "rules" || (part == "forecast" ? rule.when.looks_ahead() : rule.when.on_verdict()))
      query.rules->push_back(rule.name);
  }
  return query;
}

/// Writes down what the history lacks, so that sums over it are those of now. How many decisions
/// are not written; null: not known, the control plane is busy.
json written_down(engine::Engine& engine, Now now) {
  constexpr int kTries = 100;  // for two seconds
  constexpr auto kPause = std::chrono::milliseconds{20};
  for (int i = 0; i < kTries; ++i) {
    if (const auto waiting = engine.try_save(now)) return *waiting;
    std::this_thread::sleep_for(kPause);
  }
  return {};
}

json causes_json(const engine::ShadowSummary& summary) {
  json causes = json::array();
  for (const engine::ShadowCause& cause : summary.by_cause) {
    causes.push_back({{"reason", cause.reason},
                      {"rule", or_null(cause.rule)},
                      {"requests", cause.requests},
                      {"harmed_requests", cause.harmed},
                      {"principals", cause.principals}});
  }
  return causes;
}

json principals_json(const engine::ShadowSummary& summary) {
  json rows = json::array();
  for (const engine::ShadowDenials& row : summary.by_principal) {
    rows.push_back({{"principal", row.principal},
                    {"endpoint", row.endpoint},
                    {"tier", row.tier},
                    {"reason", row.reason},
                    {"rule", or_null(row.rule)},
                    {"verdict", row.verdict},
                    {"requests", row.requests},
                    {"first", format_time(row.first)},
                    {"last", format_time(row.last)}});
  }
  return rows;
}

/// Whether no row is missing, nor any of the names.
bool names_all(const engine::ShadowSummary& summary) {
  const auto& rows = summary.by_principal;
  return rows.size() < kMostShadowRows &&
         std::none_of(rows.begin(), rows.end(), [](const engine::ShadowDenials& row) {
           return row.principal == engine::kOtherPrincipals;
         });
}

}  // namespace

Response get_decisions(const DeskContext& context, const DeskCall& call) {
  const auto history = context.engine.history();
  if (!history) return no_history_of("decisions");
  const auto since = read_since(call, std::chrono::hours{1});
  if (!since) return error_response(since.error());
  engine::DecisionQuery query{
      .id = query_text(call, "id"),
      .user = engine::user_asked_for(query_text(call, "user"), history->user_name_key()),
      .client = query_text(call, "client"),
      .since = *since,
      .most = kMostDecisions};
  if (!query.id.empty()) query.since = WallTime{};  // an id is enough: it is as old as it is
  if (!query.client.empty()) {
    const auto client = client_named(query.client);
    if (!client) return problem(400, "\"client\": " + client.error().message);
    // However the address is written, decisions hold the client's own spelling.
    query.client = format_client(*client);
  }
  context.engine.write_records(call.now);  // an answer's id is known as soon as it was given
  const auto found = history->decisions(query);
  if (!found) return error_response(found.error());
  json decisions = json::array();
  for (const engine::DecisionRecord& record : *found) decisions.push_back(decision_json(record));
  const Nanos kept_for = context.settings.current()->config.retention.decisions;
  // One that is asked for by its id and was found is all there is.
  const bool by_id = !query.id.empty() && !found->empty();
  const Dropped dropped = by_id ? Dropped{} : dropped_since(context, query.since);
  return json_response({{"since", format_time(query.since)},
                        {"decisions", std::move(decisions)},
                        {"kept_for", format_duration(kept_for)},
                        {"domains", domains_json(context)},
                        {"dropped", dropped.count},
                        {"last_dropped", dropped.last},
                        {"complete", dropped.count == 0 && found->size() < kMostDecisions}});
}

Response get_shadow(const DeskContext& context, const DeskCall& call) {
  const auto history = context.engine.history();
  if (!history) return no_history_of("shadow denials");
  const auto since = read_since(call, std::chrono::hours{24 * 7});
  if (!since) return error_response(since.error());
  auto query = query_of(context, query_text(call, "part"));
  if (!query) return error_response(query.error());
  query->since = *since;
  query->most = kMostShadowRows;
  json pending = written_down(context.engine, call.now);
  const auto found = history->shadow_summary(*query);
  if (!found) return error_response(found.error());
  const Dropped dropped = dropped_since(context, found->since);
  const double arrived = std::max(found->arrived, static_cast<double>(found->denied));
  return json_response({{"since", format_time(found->since)},
                        {"requests", std::llround(arrived)},
                        {"would_deny", found->denied},
                        {"harmed_requests", found->harmed},
                        {"harm", arrived > 0 ? static_cast<double>(found->harmed) / arrived : 0.0},
                        {"principals", found->principals},
                        {"principals_harmed", found->principals_harmed},
                        {"by_cause", causes_json(*found)},
                        {"by_principal", principals_json(*found)},
                        {"domains", domains_json(context)},
                        {"pending", pending},
                        {"dropped", dropped.count},
                        {"last_dropped", dropped.last},
                        {"complete", pending == 0 && dropped.count == 0 && names_all(*found)}});
}

}  // namespace tidelimit::serve
