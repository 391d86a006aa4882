#include <algorithm>
#include <fmt/format.h>

#include "base/text.hpp"
#include "serve/admin/calls.hpp"
#include "serve/admin/json.hpp"

namespace tidelimit::serve {
namespace {

using nlohmann::json;

// Of one answer: two months of 15 minutes of 16 endpoints, some 17 MB of text.
constexpr std::size_t kMostWindows = 100'000;
constexpr std::size_t kMostForecasts = 100'000;
constexpr std::size_t kMostChanges = 10'000;

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
  if (!history) return no_history_of("changes of the plan");
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

}  // namespace tidelimit::serve
