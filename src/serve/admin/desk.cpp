#include "serve/admin/desk.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "serve/admin/calls.hpp"
#include "serve/gate/parameters.hpp"
#include "serve/http/target.hpp"

namespace tidelimit::serve {
namespace {

constexpr std::size_t kSmallBody = 64 << 10;
constexpr std::size_t kUnreadBody = 4 << 10;  // of a GET, which nobody reads

/// One call: its path, with "*" for one segment and a last "**" for any rest.
struct Row {
  std::string_view method;
  std::string_view path;
  Route route;
};

constexpr auto kOrders = LaneKind::orders;
constexpr auto kStatus = LaneKind::status;
constexpr auto kChanges = LaneKind::changes;
constexpr auto kAdmin = LaneKind::admin;
constexpr auto kModels = LaneKind::models;
constexpr auto kOpen = Access::open;
constexpr auto kRead = Access::read;
constexpr auto kGuarded = Access::guarded;
constexpr auto kOnAny = Role::any;
constexpr auto kOnAdmin = Role::admin;
constexpr auto kOnMetrics = Role::metrics;
// Of what is asked by machines that add parameters of their own.
constexpr std::string_view kAnyParameters = "*";

constexpr std::array kRows{
    Row{"GET", "/", {kStatus, kOpen, kOnAdmin, get_page, kAnyParameters}},
    Row{"GET", "/readyz", {kStatus, kOpen, kOnAny, get_ready, kAnyParameters}},
    Row{"GET", "/metrics", {kStatus, kOpen, kOnMetrics, get_metrics, kAnyParameters}},
    Row{"GET", "/v1/plan", {kStatus, kRead, kOnAdmin, get_plan}},
    Row{"GET", "/v1/plan/changes", {kAdmin, kRead, kOnAdmin, get_plan_changes, "since until"}},
    Row{"GET", "/v1/forecasts", {kStatus, kRead, kOnAdmin, get_forecasts}},
    Row{"GET", "/v1/verdicts", {kStatus, kGuarded, kOnAdmin, get_verdicts}},
    Row{"GET", "/v1/clients/**", {kAdmin, kGuarded, kOnAdmin, get_client}},
    Row{"GET", "/v1/history", {kAdmin, kRead, kOnAdmin, get_history, "since until endpoint"}},
    Row{"GET",
        "/v1/decisions",
        {kAdmin, kGuarded, kOnAdmin, get_decisions, "id user client since"}},
    Row{"GET", "/v1/shadow", {kAdmin, kGuarded, kOnAdmin, get_shadow, "since part"}},
    Row{"GET", "/v1/overrides", {kAdmin, kGuarded, kOnAdmin, list_overrides}},
    Row{"GET", "/v1/overrides/**", {kAdmin, kGuarded, kOnAdmin, get_override}},
    Row{"PUT", "/v1/overrides/**", {kChanges, kGuarded, kOnAdmin, put_override}},
    Row{"DELETE", "/v1/overrides/**", {kChanges, kGuarded, kOnAdmin, delete_override}},
    Row{"GET", "/v1/labels", {kAdmin, kGuarded, kOnAdmin, list_labels, "format"}},
    Row{"GET", "/v1/labels/**", {kAdmin, kGuarded, kOnAdmin, get_label}},
    Row{"PUT", "/v1/labels/**", {kChanges, kGuarded, kOnAdmin, put_label}},
    Row{"DELETE", "/v1/labels/**", {kChanges, kGuarded, kOnAdmin, delete_label}},
    Row{"PUT", "/v1/signals/*", {kOrders, kGuarded, kOnAdmin, put_signal}},
    Row{"GET", "/v1/mode", {kStatus, kRead, kOnAdmin, get_mode}},
    Row{"PUT", "/v1/mode", {kOrders, kGuarded, kOnAdmin, put_mode}},
    Row{"GET", "/v1/modes", {kStatus, kRead, kOnAdmin, get_modes}},
    Row{"GET", "/v1/modes/changes", {kAdmin, kRead, kOnAdmin, get_mode_changes, "since"}},
    Row{"GET", "/v1/configs", {kAdmin, kGuarded, kOnAdmin, list_configs}},
    Row{"DELETE", "/v1/configs/hold", {kAdmin, kGuarded, kOnAdmin, release_config}},
    Row{"GET", "/v1/configs/*", {kAdmin, kGuarded, kOnAdmin, get_config}},
    Row{"PUT", "/v1/configs/*", {kAdmin, kGuarded, kOnAdmin, put_config}},
    Row{"GET", "/v1/models", {kAdmin, kRead, kOnAdmin, list_versions}},
    Row{"PUT", "/v1/models", {kAdmin, kGuarded, kOnAdmin, put_version}},
    Row{"GET", "/v1/models/*", {kModels, kRead, kOnAdmin, get_model, kAnyParameters}},
    Row{"POST", "/v1/models/*", {kModels, kRead, kOnAdmin, post_predict, kAnyParameters}},
    Row{"GET",
        "/v1/models/*/metadata",
        {kModels, kRead, kOnAdmin, get_model_metadata, kAnyParameters}},
    Row{"GET", "/v1/models/*/versions/*", {kModels, kRead, kOnAdmin, get_model, kAnyParameters}},
    Row{"POST",
        "/v1/models/*/versions/*",
        {kModels, kRead, kOnAdmin, post_predict, kAnyParameters}},
    Row{"GET",
        "/v1/models/*/versions/*/metadata",
        {kModels, kRead, kOnAdmin, get_model_metadata, kAnyParameters}},
    Row{"GET", "/v1/models/*/labels/*", {kModels, kRead, kOnAdmin, refuse_label, kAnyParameters}},
    Row{"POST", "/v1/models/*/labels/*", {kModels, kRead, kOnAdmin, refuse_label, kAnyParameters}},
    Row{"GET",
        "/v1/models/*/labels/*/metadata",
        {kModels, kRead, kOnAdmin, refuse_label, kAnyParameters}},
};

bool matches(std::string_view pattern, const std::vector<std::string>& path) {
  if (pattern == "/") return path.empty();
  std::size_t at = 0;
  while (!pattern.empty()) {
    pattern.remove_prefix(1);
    const std::string_view segment = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(segment.size());
    if (segment == "**") return at < path.size();
    if (at >= path.size() || (segment != "*" && segment != path[at])) return false;
    ++at;
  }
  return at == path.size();
}

}  // namespace

std::vector<std::string> split_path(std::string_view target) {
  std::string_view path = path_of(target);
  std::vector<std::string> segments;
  while (!path.empty()) {
    if (path.front() == '/') path.remove_prefix(1);
    const std::string_view segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    if (!segment.empty()) segments.push_back(decode_component(segment, false));
  }
  return segments;
}

tl::expected<Route, RouteFault> find_route(std::string_view method,
                                           const std::vector<std::string>& path,
                                           std::string_view target) {
  std::string allow;
  for (const Row& row : kRows) {
    if (!matches(row.path, path)) continue;
    if (row.method == method || (method == "HEAD" && row.method == "GET")) {
      if (row.route.parameters == kAnyParameters) return row.route;
      const std::string unknown = unknown_parameter(target, row.route.parameters);
      if (unknown.empty()) return row.route;
      return tl::unexpected(RouteFault{400, unknown, ""});
    }
    if (allow.find(row.method) == std::string::npos)
      allow += fmt::format("{}{}", allow.empty() ? "" : ", ", row.method);
  }
  if (!allow.empty())
    return tl::unexpected(
        RouteFault{405, fmt::format("this call takes {}, not {}", allow, method), allow});
  return tl::unexpected(RouteFault{
      404,
      "no such call; there are /v1/check, /v1/auth, /v1/report, /v1/plan, /v1/forecasts, "
      "/v1/verdicts, /v1/clients/ADDR, /v1/history, /v1/decisions, /v1/shadow, /v1/overrides, "
      "/v1/labels, /v1/mode, /v1/modes, /v1/configs, /v1/signals/cpu, "
      "/v1/models, /v1/models/NAME, /metrics, /healthz, /readyz and /",
      ""});
}

Response refusal(const std::vector<std::string>& path, int status, const std::string& detail) {
  const bool of_model = path.size() > 2 && path[0] == "v1" && path[1] == "models";
  return of_model ? model_error(status, detail) : problem(status, detail);
}

std::size_t desk_body_limit(std::string_view method, std::string_view target) {
  if (method == "GET" || method == "HEAD") return kUnreadBody;
  const auto path = split_path(target);
  const auto route = find_route(method, path, target);
  const bool predicts = route && route->handle == post_predict && path.back().ends_with(":predict");
  return predicts ? kMostDeskBody : kSmallBody;
}

}  // namespace tidelimit::serve
