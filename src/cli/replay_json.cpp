#include <nlohmann/json.hpp>

#include "cli/replay.hpp"

namespace tidelimit::cli {
namespace {

using Json = nlohmann::ordered_json;
using engine::ReplayReport;
using Of = policy::PlanChange::Of;

Json by_reason(const engine::ReasonCounts& counts) {
  Json object = Json::object();
  for (std::size_t r = 0; r < limiter::kReasons; ++r) {
    if (counts[r] > 0) object[limiter::to_string(static_cast<limiter::Reason>(r))] = counts[r];
  }
  return object;
}

Json by_endpoint(const ReplayReport& report) {
  Json object = Json::object();
  for (std::size_t e = 0; e < report.endpoints.size(); ++e) {
    Json tiers = Json::object();
    for (std::size_t t = 0; t < report.tiers.size(); ++t) {
      const engine::Outcomes& cell = report.cell(e, t);
      tiers[report.tiers[t]] = {{"allowed", cell.allowed},
                                {"denied", cell.denied()},
                                {"would_deny", cell.would_deny()},
                                {"by_reason", by_reason(cell.denied_by)}};
    }
    object[report.endpoints[e]] = std::move(tiers);
  }
  return object;
}

Json verdicts(const ReplayReport& report) {
  Json list = Json::array();
  for (const auto& [v, renewals] : report.verdicts) {
    list.push_back({{"client", v.client_name},
                    {"verdict", limiter::to_string(v.kind)},
                    {"score", v.score},
                    {"reasons", v.reasons},
                    {"from", format_time(v.from)},
                    {"until", format_time(v.until)},
                    {"action", limiter::to_string(v.action)},
                    {"limit", v.limit ? Json(format_rate(*v.limit)) : Json()},
                    {"rule", v.rule},
                    {"mode", limiter::to_string(v.mode)},
                    {"renewals", renewals}});
  }
  return list;
}

/// 0 stands for no limit.
Json rate_or_null(double per_minute) {
  return per_minute > 0 ? Json(per_minute) : Json();
}

/// As GET /v1/plan/changes: `of` says whether it is a limit of each principal, a total, or what is
/// shed (a scale: the share let in).
Json plan_changes(const ReplayReport& report) {
  Json list = Json::array();
  for (const auto& c : report.plan_changes) {
    const auto scale = [&](double value) { return c.of == Of::total ? Json() : Json(value); };
    list.push_back({{"time", format_time(c.time)},
                    {"of", policy::to_string(c.of)},
                    {"endpoint", c.endpoint},
                    {"tier", c.tier},
                    {"before_per_minute", rate_or_null(c.before_per_minute)},
                    {"after_per_minute", rate_or_null(c.after_per_minute)},
                    {"before_scale", scale(c.before_scale)},
                    {"after_scale", scale(c.after_scale)},
                    {"rule", c.rule},
                    {"cause", c.cause},
                    {"shadow", c.shadow}});
  }
  return list;
}

Json episodes(const ReplayReport& report) {
  Json list = Json::array();
  for (const auto& e : report.episodes) {
    list.push_back({{"of", policy::to_string(e.of)},
                    {"endpoint", e.endpoint},
                    {"tier", e.tier},
                    {"rule", e.rule},
                    {"cause", e.cause},
                    {"from", format_time(e.from)},
                    {"until", e.until ? Json(format_time(*e.until)) : Json()},
                    {"base_per_minute", rate_or_null(e.base_per_minute)},
                    {"lowest_per_minute", rate_or_null(e.lowest_per_minute)},
                    {"highest_per_minute", rate_or_null(e.highest_per_minute)},
                    {"lowest_scale", e.of == Of::total ? Json() : Json(e.lowest_scale)},
                    {"shadow", e.shadow}});
  }
  return list;
}

Json rules(const ReplayReport& report) {
  Json object = Json::object();
  for (const auto& r : report.rules) {
    object[r.rule] = {{"denied", r.denied},
                      {"would_deny", r.would_deny},
                      {"plan_changes", r.plan_changes},
                      {"verdicts", r.verdicts}};
  }
  return object;
}

Json harmed(const engine::Harm& harm) {
  Json examples = Json::array();
  for (const auto& p : harm.examples) {
    examples.push_back({{p.is_user ? "user" : "client", p.name},
                        {"seen_from", p.client},
                        {"endpoint", p.endpoint},
                        {"tier", p.tier},
                        {"denied", p.denied()},
                        {"by_reason", by_reason(p.denied_by)},
                        {"first", format_time(p.first)},
                        {"last", format_time(p.last)},
                        {"limit_per_minute", rate_or_null(p.limit_per_minute)},
                        {"limit_in_total", p.limit_of == limiter::LimitOf::total},
                        {"rule", p.rule}});
  }
  return {{"principals", harm.principals},
          {"over_limit", harm.over_limit},
          {"adapted", harm.adapted},
          {"requests", harm.requests},
          {"requests_adapted", harm.requests_adapted},
          {"untracked", harm.untracked},
          {"examples", std::move(examples)}};
}

Json forecasts(const ReplayReport& report) {
  Json object = Json::object();
  for (const auto& e : report.forecasts) {
    double error = 0;
    double naive_error = 0;
    double covered = 0;
    std::size_t came = 0;
    Json sources = Json::object();
    for (const auto& p : e.points) {
      const std::string source = forecast::to_string(p.source);
      sources[source] = sources.value(source, 0) + 1;
      if (!p.came) continue;
      ++came;
      error += std::abs(p.median - *p.came);
      naive_error += std::abs(p.naive - *p.came);
      if (*p.came >= p.low && *p.came <= p.high) ++covered;
    }
    const auto mean = [came](double sum) {
      return came > 0 ? Json(sum / static_cast<double>(came)) : Json();
    };
    object[e.endpoint] = {{"n", came},
                          {"mae", mean(error)},
                          {"naive_mae", mean(naive_error)},
                          {"coverage_90", mean(covered)},
                          {"sources", std::move(sources)}};
  }
  return object;
}

Json time_or_null(const std::optional<WallTime>& time) {
  return time ? Json(format_time(*time)) : Json();
}

Json of_config(const ReplayedConfig& config, std::uint64_t unreadable) {
  const ReplayReport& report = config.report;
  const engine::Outcomes total = report.total();
  return {{"requests", report.requests},
          {"unreadable", unreadable},
          {"allowed", total.allowed},
          {"denied", total.denied()},
          {"by_reason", by_reason(total.denied_by)},
          {"by_endpoint", by_endpoint(report)},
          {"verdicts", verdicts(report)},
          {"plan_changes", plan_changes(report)},
          {"config", config.file},
          {"model", config.model.empty() ? Json() : Json(config.model)},
          {"mode", limiter::to_string(report.mode)},
          {"would_deny", total.would_deny()},
          {"would_deny_by_reason", by_reason(total.would_deny_by)},
          {"first", time_or_null(report.first)},
          {"last", report.first ? Json(format_time(report.last)) : Json()},
          {"out_of_order", report.out_of_order},
          {"late", report.late},
          {"episodes", episodes(report)},
          {"forecasts", forecasts(report)},
          {"rules", rules(report)},
          {"harmed", harmed(report.harm)},
          {"notes", report.notes}};
}

Json parting(const engine::Parting& p) {
  return {{"allow_to_deny", p.allow_to_deny}, {"deny_to_allow", p.deny_to_allow}};
}

Json difference(const engine::Comparison& comparison) {
  Json cells = Json::object();
  Json examples = Json::array();
  for (const auto& row : comparison.rows()) cells[row.endpoint][row.tier] = parting(row.parting);
  for (const auto& x : comparison.examples()) {
    examples.push_back({{"time", format_time(x.time)},
                        {"change", x.now_refused ? "allow_to_deny" : "deny_to_allow"},
                        {"client", x.client},
                        {"user", x.user},
                        {"method", x.method},
                        {"path", x.path},
                        {"endpoint", x.endpoint},
                        {"tier", x.tier},
                        {"reason", x.reason},
                        {"rule", x.rule},
                        {"limit_per_minute", rate_or_null(x.limit_per_minute)}});
  }
  Json out = parting(comparison.total());
  out["principals"] = parting(comparison.principals());
  out["other_reason"] = comparison.other_reason();
  out["by_endpoint"] = std::move(cells);
  out["examples"] = std::move(examples);
  return out;
}

}  // namespace

std::string replay_json(const Replayed& replayed) {
  Json json = of_config(replayed.main, replayed.reading.unreadable);
  json["requests_per_second"] = replayed.requests_per_second();
  if (replayed.against) {
    json["against"] = of_config(*replayed.against, replayed.reading.unreadable);
    json["difference"] = difference(replayed.comparison);
  }
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tidelimit::cli
