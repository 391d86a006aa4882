#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/inspect.hpp"

namespace tidelimit::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string print(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json time_or_null(std::optional<WallTime> time) {
  return time ? Json(format_time(*time)) : Json(nullptr);
}

Json ratio(double part, double whole) {
  return whole > 0 ? Json(part / whole) : Json(nullptr);
}

Json tally(const ingest::RequestSums& t) {
  return {{"requests", t.requests},
          {"errors", t.errors},
          {"error_ratio", ratio(static_cast<double>(t.errors), static_cast<double>(t.responses))},
          {"bytes", t.bytes},
          {"latency_ms_mean", ratio(t.latency_ms_sum, static_cast<double>(t.timed))}};
}

Json top_list(const ingest::TopCounter& counter, std::size_t n, const char* name) {
  Json list = Json::array();
  for (const auto& entry : counter.top(n)) {
    Json row = {{name, printable(entry.key)}};
    row.update(tally(entry.tally));
    list.push_back(std::move(row));
  }
  return list;
}

Json counts(const ingest::TopCounter& counter) {
  Json object = Json::object();
  for (const auto& entry : counter.top(counter.size())) {
    object[printable(entry.key)] = entry.tally.requests;
  }
  return object;
}

Json unreadable_lines(const ingest::ReadReport& report) {
  Json reasons = Json::object();
  for (std::size_t i = 0; i < ingest::kUnreadable; ++i) {
    if (report.by_reason[i] == 0) continue;
    const auto reason = static_cast<ingest::Unreadable>(i);
    Json examples = Json::array();
    for (const auto& line : report.examples) {
      if (line.reason != reason) continue;
      examples.push_back({{"source", line.source}, {"line", line.line}, {"excerpt", line.excerpt}});
    }
    reasons[std::string(to_string(reason))] = {{"lines", report.by_reason[i]},
                                               {"examples", std::move(examples)}};
  }
  return reasons;
}

Json reading(const ingest::ReadReport& report) {
  return {{"format", report.format},         {"lines", report.lines},
          {"requests", report.requests},     {"never_asked", report.never_asked},
          {"unreadable", report.unreadable}, {"unreadable_by_reason", unreadable_lines(report)},
          {"problems", report.problems},     {"bytes_read", report.bytes}};
}

Json endpoints(const ingest::Summary& summary) {
  Json object = Json::object();
  const auto found = summary.endpoints();
  for (const auto& endpoint : found.endpoints) {
    object[endpoint.name] = {{"match", endpoint.match}};
    object[endpoint.name].update(tally(endpoint.tally));
  }
  if (found.other.requests > 0) object["other"] = tally(found.other);
  return object;
}

Json status_classes(const ingest::Summary& summary) {
  Json object = Json::object();
  for (std::size_t i = 0; i < summary.status_classes().size(); ++i) {
    if (summary.status_classes()[i] == 0) continue;
    const std::string name = i == 0 ? "unknown" : std::to_string(i) + "xx";
    object[name] = summary.status_classes()[i];
  }
  return object;
}

}  // namespace

std::string inspect_json(const ingest::ReadReport& report, const ingest::Summary& summary,
                         std::size_t top) {
  Json json = reading(report);
  json["first"] = time_or_null(summary.first());
  json["last"] = time_or_null(summary.last());
  json["out_of_order"] = summary.out_of_order();
  json["garbage_requests"] = summary.garbage();
  json["clients"] = summary.distinct_clients().count();
  json["clients_exact"] = summary.distinct_clients().exact();
  json["users"] = summary.distinct_users().count();
  json["user_agents"] = summary.distinct_agents().count();
  const double seconds =
      summary.requests() > 0 ? unix_seconds(*summary.last()) - unix_seconds(*summary.first()) : 0;
  json["requests_per_second"] = ratio(static_cast<double>(summary.requests()), seconds);
  json["busiest_minute"] = {{"start", format_time(summary.busiest_minute())},
                            {"requests", summary.busiest_minute_requests()}};
  json["endpoints"] = endpoints(summary);
  json["tiers"] = counts(summary.tiers());
  json["methods"] = counts(summary.methods());
  json["status"] = status_classes(summary);
  json["top_paths"] = top_list(summary.paths(), top, "path");
  json["top_clients"] = top_list(summary.clients(), top, "client");
  json["top_user_agents"] = top_list(summary.agents(), top, "user_agent");
  return print(json);
}

std::string inspect_json(const ingest::ReadReport& report, const ingest::Windows& windows) {
  const auto& grid = windows.grid;
  Json json = reading(report);
  json["windows"] = report.requests;  // rows that were read
  json["first"] = format_time(grid.start);
  json["last"] = format_time(grid.time_of(grid.size() - 1));
  json["step"] = grid.size() > 1 ? Json(format_duration(grid.step)) : Json();  // of one: unknown
  json["clients"] = nullptr;
  json["endpoints"] = Json::object();
  double total = 0;
  for (std::size_t e = 0; e < grid.endpoints.size(); ++e) {
    double requests = 0;
    std::size_t observed = 0;
    for (const auto& window : grid.stats[e]) {
      if (!window.observed) continue;
      requests += window.requests;
      ++observed;
    }
    json["endpoints"][printable(grid.endpoints[e])] = {
        {"requests", requests},
        {"windows", observed},
        {"gaps", grid.size() - observed},
        {"mean", ratio(requests, static_cast<double>(observed))}};
    total += requests;
  }
  json["requests"] = total;
  return print(json);
}

}  // namespace tidelimit::cli
