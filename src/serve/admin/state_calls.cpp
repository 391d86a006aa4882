#include <algorithm>
#include <fmt/format.h>

#include "engine/part_names.hpp"
#include "serve/admin/calls.hpp"
#include "serve/admin/json.hpp"
#include "serve/http/target.hpp"

namespace tidelimit::serve {
namespace {

using engine::Status;
using nlohmann::json;

Response not_ready() {
  return problem(503, "the control plane has not finished its first turn yet");
}

/// What is not as it should be: by the engine, and by the service around it.
std::vector<std::string> all_degraded(const DeskContext& context, const Status* status) {
  std::vector<std::string> words = context.degraded();
  if (status != nullptr) {
    for (const auto& one : status->degraded) words.push_back(one.words());
  }
  return words;
}

/// When the mode of a part that was set by hand ends; null: it is configured, or has no end.
json end_of(const std::vector<engine::PartMode>& parts, const std::string& part) {
  for (const auto& one : parts) {
    if (one.part == part && one.by_hand && one.by_hand->until)
      return format_time(*one.by_hand->until);
  }
  return {};
}

json rule_json(const policy::RuleState& rule, const std::vector<engine::PartMode>& parts) {
  return {{"rule", rule.rule},
          {"active", rule.active},
          {"mode", limiter::to_string(rule.mode.mode)},
          {"enforced_ratio", rule.mode.share},
          {"mode_until", end_of(parts, engine::rule_part(rule.rule))},
          {"cause", rule.cause},
          {"since", rule.active ? json(format_time(rule.since)) : json()}};
}

/// The name of a rule and its cause, or nulls where no rule is.
std::pair<json, json> named(const Status& status, limiter::RuleId rule, const std::string& cause) {
  const auto index = static_cast<std::size_t>(rule);
  if (rule == limiter::kNoRule || index >= status.policy.rules.size()) return {};
  return {status.policy.rules[index].name, cause};
}

/// What holds in one view of a row of the plan, and by which rules. `row`: as in
/// Status::limit_causes.
json setting_json(const Status& status, const limiter::CellLimits& now, std::size_t row) {
  const auto [rule, cause] = named(status, now.rule, status.limit_causes[row]);
  const auto [total_rule, total_cause] = named(status, now.total_rule, status.total_causes[row]);
  return {{"effective_per_minute", per_minute(now.principal)},
          {"burst", now.principal.unlimited() ? json() : json(now.principal.burst)},
          {"total_per_minute", per_minute(now.total)},
          {"total_rule", total_rule},
          {"total_cause", total_cause},
          {"shedding", now.shed > 0},
          {"shed_ratio", now.shed / static_cast<double>(limiter::kShedAll)},
          {"scale", now.scale},
          {"rule", rule},
          {"cause", cause}};
}

/// What holds for those alone for whom more rules are enforced, where it differs; the smallest
/// share first.
json rollouts_json(const Status& status, limiter::View view, std::size_t cell) {
  const limiter::Plan& plan = *status.plan;
  const limiter::CellLimits& all = plan.cells[cell].in(view);
  json rollouts = json::array();
  for (std::size_t i = 0; i < plan.stages.size(); ++i) {
    const limiter::CellLimits& now = plan.stages[i].cells[cell].in(view);
    if (now.principal == all.principal && now.total == all.total && now.shed == all.shed) continue;
    json one = setting_json(status, now, (1 + i) * plan.cells.size() + cell);
    one["principals_ratio"] = plan.stages[i].below / static_cast<double>(limiter::kEveryone);
    rollouts.push_back(std::move(one));
  }
  return rollouts;
}

/// One endpoint and tier: what is configured, what holds, and by which rule.
json limit_json(const Status& status, const std::vector<engine::PartMode>& parts,
                limiter::View view, std::size_t endpoint, std::size_t tier) {
  const limiter::Plan& plan = *status.plan;
  const policy::EndpointSettings& settings = status.policy.endpoints[endpoint];
  const limiter::Cell& cell = plan.cells[endpoint * plan.tiers + tier];
  const limiter::CellLimits& base = cell.in(limiter::View::base);
  const limiter::CellLimits& now = cell.in(view);
  const std::uint16_t in_flight =
      plan.in_flight.empty() ? std::uint16_t{0} : plan.in_flight[endpoint * plan.tiers + tier];
  json limit = setting_json(status, now, endpoint * plan.tiers + tier);
  limit.update(
      {{"endpoint", settings.name},
       {"tier", status.policy.tiers[tier]},
       {"priority", limiter::to_string(settings.priority)},
       {"mode", limiter::to_string(settings.mode.mode)},
       {"mode_until", end_of(parts, engine::endpoint_part(settings.name))},
       {"enforced_ratio", std::min(status.policy.mode.share, settings.mode.share)},
       {"base_per_minute", per_minute(base.principal)},
       {"client_per_minute", per_minute(plan.endpoints[endpoint].client)},
       {"in_flight_limit", in_flight != 0 ? json(in_flight) : json()},
       {"in_flight_timeout_s",
        in_flight != 0 ? json(std::chrono::duration<double>(settings.concurrency_timeout).count())
                       : json()},
       {"rollouts", rollouts_json(status, view, endpoint * plan.tiers + tier)}});
  return limit;
}

json forecast_json(const forecast::EndpointForecast& made, const Status& status) {
  json quantiles = json::object();
  for (std::size_t i = 0; i < forecast::kQuantiles.size(); ++i)
    quantiles[fmt::format("{:.2f}", forecast::kQuantiles[i])] = made.quantiles[i];
  json answer = {{"endpoint", made.endpoint},
                 {"made_at", format_time(made.made_at)},
                 {"horizon", format_duration(made.horizon)},
                 {"forecast", made.median()},
                 {"quantiles", std::move(quantiles)},
                 {"naive", made.naive},
                 {"usual", or_null(made.usual)},
                 {"spike", or_null(made.spike())},
                 {"source", forecast::to_string(made.source)},
                 {"note", made.note}};
  json errors = json::object();
  for (const auto& [source, error] : made.recent_errors)
    errors[forecast::to_string(source)] = error;
  answer["recent_errors"] = std::move(errors);
  for (const engine::EndpointStatus& now : status.endpoints) {
    if (now.endpoint != made.endpoint) continue;
    answer["open_window_requests"] = now.open_window_requests;
    answer["last_window_requests"] = now.last_window_requests;
    answer["absolute_error"] = or_null(now.forecast_absolute_error);
    answer["error_ratio"] = or_null(now.forecast_error_ratio);
  }
  return answer;
}

json capacity_json(const policy::CapacityState& state) {
  json answer = {
      {"of", state.name}, {"learned", state.learned}, {"per_second", or_null(state.per_second)}};
  if (!state.learned) return answer;
  answer["at_least_per_second"] = state.at_least;
  answer["ceiling_per_second"] = or_null(state.ceiling);
  answer["latency_ratio"] = state.latency_ratio > 0 ? json(state.latency_ratio) : json();
  return answer;
}

}  // namespace

Response get_plan(const DeskContext& context, const DeskCall&) {
  const auto status = context.engine.status();
  if (!status || !status->plan) return not_ready();
  json limits = json::array(), rules = json::array(), changes = json::array();
  json capacities = json::array(), by_hand = json::array();
  json signals = json::object(), ages = json::object(), modes = json::object();
  const limiter::Plan& plan = *status->plan;
  const auto switches = context.engine.modes();
  const auto parts = context.engine.part_modes();
  const limiter::View view =
      limiter::enforced_view(plan, switches.rules, switches.forecast, status->at.mono);
  const std::size_t endpoints = std::min(plan.endpoints.size(), status->policy.endpoints.size());
  for (std::size_t endpoint = 0; endpoint < endpoints; ++endpoint) {
    for (std::size_t tier = 0; tier < std::min(plan.tiers, status->policy.tiers.size()); ++tier)
      limits.push_back(limit_json(*status, parts, view, endpoint, tier));
  }
  for (const auto& rule : status->rules) rules.push_back(rule_json(rule, parts));
  for (const auto& part : parts)
    if (part.by_hand) by_hand.push_back(part_json(part));
  for (const auto& one : status->capacities) capacities.push_back(capacity_json(one));
  for (const auto& change : status->recent_changes) changes.push_back(change_json(change));
  for (const auto& signal : status->signals) {
    signals[signal.name] = signal.value;
    const Nanos age = status->at.mono - signal.measured_at;
    ages[signal.name] = std::max(static_cast<double>(age.count()) * 1e-9, 0.0);
  }
  for (const auto& [part, mode] : switches.by_part()) modes[part] = limiter::to_string(mode);
  const Nanos left = std::max(plan.expires_at - status->at.mono, Nanos{0});
  return json_response({{"at", format_time(status->at.wall)},
                        {"generation", plan.generation},
                        {"expires_in_s", static_cast<double>(left.count()) * 1e-9},
                        {"modes", std::move(modes)},
                        {"modes_by_hand", std::move(by_hand)},
                        {"limits", std::move(limits)},
                        {"rules", std::move(rules)},
                        {"capacities", std::move(capacities)},
                        {"changes", std::move(changes)},
                        {"signals", std::move(signals)},
                        {"signal_ages_s", std::move(ages)},
                        {"model", status->model ? json(status->model->version) : json()},
                        {"degraded", all_degraded(context, status.get())}});
}

Response get_forecasts(const DeskContext& context, const DeskCall&) {
  const auto status = context.engine.status();
  if (!status) return not_ready();
  json forecasts = json::array();
  for (const auto& made : status->forecasts) forecasts.push_back(forecast_json(made, *status));
  return json_response({{"at", format_time(status->at.wall)}, {"forecasts", std::move(forecasts)}});
}

Response get_verdicts(const DeskContext& context, const DeskCall&) {
  const auto status = context.engine.status();
  if (!status) return not_ready();
  json verdicts = json::array();
  for (const auto& verdict : status->verdicts) verdicts.push_back(verdict_json(verdict));
  return json_response({{"at", format_time(status->at.wall)}, {"verdicts", std::move(verdicts)}});
}

Response get_client(const DeskContext& context, const DeskCall& call) {
  const auto named = client_named(rest_of_path(call));
  if (!named) return error_response(named.error());
  const ClientId& client = *named;
  const auto view = context.engine.client(client, call.now);
  if (!view)
    return problem(
        404, fmt::format("nothing was seen of {} in the last minutes", format_client(client)));
  json contributions = json::array();
  for (const auto& part : view->contributions) contributions.push_back(contribution_json(part));
  const traffic::ClientFigures& figures = view->figures;
  return json_response({{"client", format_client(client)},
                        {"last_five_minutes",
                         {{"requests", figures.requests},
                          {"denied", figures.denied},
                          {"responses", figures.responses},
                          {"errors", figures.errors},
                          {"requests_per_minute", figures.requests_per_minute},
                          {"error_ratio", figures.error_ratio},
                          {"endpoint_concentration", figures.endpoint_concentration},
                          {"agent_diversity", figures.agent_diversity}}},
                        {"score", view->score},
                        {"threshold", view->threshold},
                        {"contributions", std::move(contributions)},
                        {"verdict", view->verdict ? verdict_json(*view->verdict) : json()},
                        {"label", view->label ? label_json(*view->label) : json()},
                        {"protected", or_null(view->protected_reason)}});
}

Response readiness(bool planned, bool stopping) {
  return {.status = planned && !stopping ? 200 : 503,
          .body = stopping   ? "stopping\n"
                  : !planned ? "starting: the first plan is not made yet\n"
                             : "ready\n",
          .content_type = "text/plain; charset=utf-8"};
}

bool wants_verbose(std::string_view target) {
  return query_value(target, "verbose").has_value();
}

Response get_ready(const DeskContext& context, const DeskCall& call) {
  const auto status = context.engine.status();
  Response response = readiness(status != nullptr, context.stopping());
  if (wants_verbose(call.target)) {
    const auto words = all_degraded(context, status.get());
    for (const std::string& word : words) response.body += "degraded: " + word + "\n";
    if (words.empty() && response.status == 200) response.body += "nothing is degraded\n";
  }
  return response;
}

Response get_metrics(const DeskContext& context, const DeskCall&) {
  return {.body = context.metrics(), .content_type = "text/plain; version=0.0.4; charset=utf-8"};
}

}  // namespace tidelimit::serve
