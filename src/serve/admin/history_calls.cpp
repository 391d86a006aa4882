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
// Of one answer: two months of 15 minutes of 16 endpoints, some 17 MB of text.
constexpr std::size_t kMostWindows = 100'000;
constexpr std::size_t kMostForecasts = 100'000;
constexpr std::size_t kMostChanges = 10'000;
constexpr double kLongestWait_ms =
    std::chrono::duration<double, std::milli>(limiter::kLongestWait).count();

json window_json(const traffic::WindowGrid& grid, std::size_t endpoint, std::size_t at) {
  const traffic::WindowStats& stats = grid.stats[endpoint][at];
  json window = {{"start", format_time(grid.time_of(at))}, {"endpoint", grid.endpoints[endpoint]}};
  if (!stats.observed) {
    window["observed"] = false;
    return window;
  }
  window["requests"] = stats.requests;
  window["premium_ratio"] = stats.premium_ratio();
  window["error_rate"] = stats.error_ratio();
  window["latency_ms"] =
      stats.responses > 0 ? json(stats.latency_ms_sum / stats.responses) : json();
  window["malicious"] = stats.malicious;
  window["late"] = stats.late;
  return window;
}

json forecast_json(const forecast::EndpointForecast& made) {
  return {{"endpoint", made.endpoint},
          {"made_at", format_time(made.made_at)},
          {"horizon", format_duration(made.horizon)},
          {"forecast", made.median()},
          {"low_90", made.quantiles.front()},
          {"high_90", made.quantiles.back()},
          {"naive", made.naive},
          {"source", forecast::to_string(made.source)}};
}

/// From when on the windows up to `until` are as many as one answer holds; on their grid, so that
/// the answer before it ends where this one begins.
WallTime earliest(WallTime until, Nanos window, std::size_t columns) {
  const auto most = static_cast<Nanos::rep>(kMostWindows / std::max(columns, std::size_t{1}));
  return floor_to(std::max(until, WallTime{}), window) - window * (most - 1);
}

/// The oldest of those made at one time may be cut off: they are left to the answer before.
WallTime whole_from(std::vector<forecast::EndpointForecast>& made) {
  const WallTime cut = made.front().made_at;
  std::erase_if(made, [&](const auto& one) { return one.made_at == cut; });
  return made.empty() ? cut : made.front().made_at;
}

std::optional<Response> refuse_unknown(const std::vector<policy::EndpointSettings>& endpoints,
                                       const std::string& wanted) {
  std::vector<std::string_view> names;
  for (const auto& endpoint : endpoints) names.push_back(endpoint.name);
  if (wanted.empty() || std::find(names.begin(), names.end(), wanted) != names.end())
    return std::nullopt;
  return problem(404, fmt::format("no endpoint \"{}\"; there are: {}", printable(wanted, 64),
                                  fmt::join(names, ", ")));
}

json decision_json(const engine::DecisionRecord& record) {
  const auto or_null = [](const std::string& text) { return text.empty() ? json() : json(text); };
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

}  // namespace

Response get_history(const DeskContext& context, const DeskCall& call) {
  const auto since = read_since(call, std::chrono::hours{24});
  if (!since) return error_response(since.error());
  const auto until = read_time(call, "until", Nanos{0});
  if (!until) return error_response(until.error());
  const auto settings = context.settings.current();
  const engine::Settings& configured = settings->config.engine;
  const std::string wanted = query_text(call, "endpoint");
  if (auto unknown = refuse_unknown(configured.policy.endpoints, wanted)) return *unknown;

  const std::size_t columns = wanted.empty() ? configured.policy.endpoints.size() : 1;
  WallTime from = std::max(*since, earliest(*until, configured.shape.window, columns));
  std::vector<forecast::EndpointForecast> made;
  if (const auto history = context.engine.history()) {
    auto found = history->forecasts(
        {.since = from, .until = *until, .endpoint = wanted, .most = kMostForecasts});
    if (!found) return error_response(found.error());
    made = std::move(*found);
    if (made.size() == kMostForecasts) from = whole_from(made);
  }
  const traffic::WindowGrid grid = context.engine.windows(from, *until, wanted);
  JsonRows windows, forecasts;
  for (std::size_t endpoint = 0; endpoint < grid.endpoints.size(); ++endpoint) {
    for (std::size_t at = 0; at < grid.size(); ++at) windows.add(window_json(grid, endpoint, at));
  }
  for (const auto& one : made) forecasts.add(forecast_json(one));
  return {
      .body = fmt::format(
          R"({{"since":"{}","until":"{}","window":"{}","complete":{},"windows":{},"forecasts":{}}})"
          "\n",
          format_time(from), format_time(*until), format_duration(grid.step), from == *since,
          windows.take(), forecasts.take())};
}

Response get_plan_changes(const DeskContext& context, const DeskCall& call) {
  const auto history = context.engine.history();
  if (!history)
    return problem(
        409, "changes of the plan are kept only where the configuration names a `state` file");
  const auto since = read_since(call, std::chrono::hours{24});
  if (!since) return error_response(since.error());
  const auto until = read_time(call, "until", Nanos{0});
  if (!until) return error_response(until.error());
  // Of what happened at one time some may be cut off; the last is told of at the next turn.
  const auto found = history->plan_changes(
      {.since = *since, .until = *until + std::chrono::seconds{1}, .most = kMostChanges});
  if (!found) return error_response(found.error());
  JsonRows changes;
  for (const policy::PlanChange& change : *found) changes.add(change_json(change));
  return {.body = fmt::format(R"({{"since":"{}","until":"{}","complete":{},"changes":{}}})"
                              "\n",
                              format_time(*since), format_time(*until),
                              found->size() < kMostChanges, changes.take())};
}

Response get_decisions(const DeskContext& context, const DeskCall& call) {
  const auto history = context.engine.history();
  if (!history)
    return problem(409, "decisions are kept only where the configuration names a `state` file");
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

Response get_shadow(const DeskContext& context, const DeskCall& call) {
  const auto history = context.engine.history();
  if (!history)
    return problem(409,
                   "shadow denials are kept only where the configuration names a `state` file");
  const auto since = read_since(call, std::chrono::hours{24 * 7});
  if (!since) return error_response(since.error());
  auto query = query_of(context, query_text(call, "part"));
  if (!query) return error_response(query.error());
  query->since = *since;
  query->most = kMostShadowRows;
  json pending = written_down(context.engine, call.now);
  const auto found = history->shadow_summary(*query);
  if (!found) return error_response(found.error());
  json rows = json::array(), causes = json::array();
  bool all_rows = found->by_principal.size() < kMostShadowRows;
  for (const engine::ShadowCause& cause : found->by_cause) {
    causes.push_back({{"reason", cause.reason},
                      {"rule", cause.rule.empty() ? json() : json(cause.rule)},
                      {"requests", cause.requests},
                      {"harmed_requests", cause.harmed},
                      {"principals", cause.principals}});
  }
  for (const engine::ShadowDenials& row : found->by_principal) {
    all_rows = all_rows && row.principal != engine::kOtherPrincipals;
    rows.push_back({{"principal", row.principal},
                    {"endpoint", row.endpoint},
                    {"tier", row.tier},
                    {"reason", row.reason},
                    {"rule", row.rule.empty() ? json() : json(row.rule)},
                    {"verdict", row.verdict},
                    {"requests", row.requests},
                    {"first", format_time(row.first)},
                    {"last", format_time(row.last)}});
  }
  const Dropped dropped = dropped_since(context, found->since);
  const double arrived = std::max(found->arrived, static_cast<double>(found->denied));
  return json_response({{"since", format_time(found->since)},
                        {"requests", std::llround(arrived)},
                        {"would_deny", found->denied},
                        {"harmed_requests", found->harmed},
                        {"harm", arrived > 0 ? static_cast<double>(found->harmed) / arrived : 0.0},
                        {"principals", found->principals},
                        {"principals_harmed", found->principals_harmed},
                        {"by_cause", std::move(causes)},
                        {"by_principal", std::move(rows)},
                        {"domains", domains_json(context)},
                        {"pending", pending},
                        {"dropped", dropped.count},
                        {"last_dropped", dropped.last},
                        {"complete", pending == 0 && dropped.count == 0 && all_rows}});
}

}  // namespace tidelimit::serve
