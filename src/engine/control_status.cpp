#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/control.hpp"
#include "forecast/model.hpp"
#include "model/shape_misfit.hpp"
#include "policy/consequence.hpp"

namespace tidelimit::engine {
namespace {

// A status costs some copies. Who asks gets one of this second; where nobody asks (a replay), one
// is made for changes and now and then.
constexpr Nanos kWhileAsked = std::chrono::seconds{1};
constexpr Nanos kElse = std::chrono::minutes{1};
constexpr Nanos kAskedFor = std::chrono::minutes{5};

/// Rules that wait for a model that is not there.
template <class Waits>
std::string waiting(const policy::PolicySettings& policy, Waits&& waits) {
  std::vector<std::string> names;
  for (const auto& rule : policy.rules) {
    if (policy.mode_of(rule).mode != limiter::Mode::off && waits(rule)) names.push_back(rule.name);
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

/// A rule on clients holds while clients are under it; the planner knows only those on plans.
void show_client_rules(std::vector<policy::RuleState>& rules,
                       const std::vector<policy::VerdictRecord>& verdicts) {
  std::map<std::string, std::pair<std::size_t, WallTime>> under;
  for (const auto& verdict : verdicts) {
    auto& [clients, since] = under.try_emplace(verdict.rule, 0, verdict.from).first->second;
    ++clients;
    since = std::min(since, verdict.from);
  }
  for (auto& rule : rules) {
    const auto found = under.find(rule.rule);
    if (found == under.end() || rule.active) continue;
    const auto& [clients, since] = found->second;
    rule.active = true;
    rule.since = since;
    rule.cause = fmt::format("{} client{} under it", clients, clients == 1 ? "" : "s");
  }
}

}  // namespace

std::vector<Degradation> Engine::Control::degraded(Now now) const {
  std::vector<Degradation> all;
  const auto add = [&all](std::string what) {
    if (!what.empty()) all.push_back({std::move(what)});
  };
  if (auto trouble = keeper.trouble()) all.push_back(std::move(*trouble));
  if (const std::size_t lost = modes.news_lost(); lost > 0)
    add(fmt::format("{} modes set by hand are not on record: too many at once", lost));
  if (auto trouble = records_trouble(now)) all.push_back(std::move(*trouble));
  add(wall.words(now.mono));
  add(windows_trouble);
  if (auto trouble = responses.trouble()) all.push_back(std::move(*trouble));
  add(forecast_trouble);
  const forecast::ForecastModel* model = forecaster();
  if (model != nullptr) {
    const std::string misfit = model::shape_misfit(*models, settings.shape);
    if (!misfit.empty())
      add(fmt::format("the forecast model is not used: {}; simple rules forecast in its place",
                      misfit));
  }
  if (model == nullptr) {
    const auto names = waiting(policy, [](const auto& rule) { return rule.when.on_forecast(); });
    if (!names.empty()) add("no forecast model: inactive rules: " + names);
  } else if (!forecasts.empty() &&
             policy::is_stale(forecasts_at, settings.shape.window, now.mono)) {
    add("forecasts are stale: limits go back to base");
  }
  add(signal_trouble(now));
  if (detector() == nullptr) {
    const auto names = waiting(
        policy, [&](const auto& rule) { return policy::waits_for_model(rule, policy.rules); });
    if (!names.empty()) add("no anomaly model: inactive rules: " + names);
  }
  return all;
}

/// While decisions find no room in their worker's log, and for a minute after.
std::optional<Degradation> Engine::Control::records_trouble(Now now) const {
  constexpr Nanos kTold = std::chrono::minutes{1};
  std::lock_guard lock(data.mutex);
  std::uint64_t dropped = data.retired.decision_records_dropped;
  WallTime last = data.retired.last_record_dropped;
  for (const CountedTally& counted : data.tallies) {
    dropped += counted.tally->records_dropped();
    last = std::max(last, counted.tally->last_record_dropped());
  }
  if (dropped == 0 || last > now.wall || now.wall - last > kTold) return std::nullopt;
  return Degradation{
      "decisions come too fast to be kept: why, /v1/decisions and /v1/shadow lack some",
      fmt::format("{} since the start, the last at {}", dropped, format_time(last))};
}

/// Of the one signal that rules know: it is stale, or nobody has ever given it.
std::string Engine::Control::signal_trouble(Now now) const {
  const auto names = waiting(policy, [](const auto& rule) { return rule.when.on_signal(); });
  if (names.empty()) return {};
  const auto known = known_signals();
  const auto cpu = std::find_if(known.begin(), known.end(),
                                [](const auto& signal) { return signal.name == "cpu"; });
  const Instant last_seen = cpu == known.end() ? started : cpu->measured_at;
  if (now.mono - last_seen <= policy::kSignalAge) return {};
  if (cpu == known.end()) return "no cpu signal yet: inactive rules: " + names;
  return "the cpu signal is stale: inactive rules: " + names;
}

void Engine::Control::publish_status(Now now) {
  if (status_asked.exchange(false, std::memory_order_relaxed)) status_asked_at = now.mono;
  const bool asked = now.mono - status_asked_at <= kAskedFor;
  const bool first = status.current() == nullptr;
  if (!first && !changed && now.mono - status_at < (asked ? kWhileAsked : kElse)) return;
  changed = false;
  status_at = now.mono;

  auto made = std::make_shared<Status>();
  made->at = now;
  made->plan = planner.current();
  made->policy = policy;
  made->verdicts = verdicts.all();
  made->recent_verdicts.assign(recent_verdicts.begin(), recent_verdicts.end());
  made->rules = planner.rules();
  const std::size_t rows =
      made->plan ? made->plan->cells.size() * (1 + made->plan->stages.size()) : 0;
  for (std::size_t row = 0; row < rows; ++row) {
    made->limit_causes.push_back(planner.cause(row));
    made->total_causes.push_back(planner.total_cause(row));
  }
  made->capacities = planner.capacities();
  show_client_rules(made->rules, made->verdicts);
  made->recent_changes = recent_changes;
  made->forecasts = forecasts;
  const traffic::WindowGrid& closed = windows.closed();
  for (std::size_t e = 0; e < closed.endpoints.size(); ++e) {
    EndpointStatus& endpoint = made->endpoints.emplace_back();
    endpoint.endpoint = closed.endpoints[e];
    endpoint.open_window_requests = windows.open_requests(e, now.wall);
    if (!closed.stats[e].empty()) endpoint.last_window_requests = closed.stats[e].back().requests;
    const ForecastRecord::Score score = forecast_record.score(endpoint.endpoint);
    endpoint.forecast_absolute_error = score.absolute_error;
    endpoint.forecast_error_ratio = score.error_ratio;
    endpoint.unanswered_ratio = responses.unanswered(endpoint.endpoint);
  }
  made->signals = known_signals();
  if (models && (models->forecast || models->anomaly)) made->model = models->manifest;
  made->degraded = degraded(now);
  made->last_success = last_success;
  for (const auto& [what, count] : verdicts_total)
    made->verdicts_total.push_back({what.first, what.second, count});
  for (const auto& [rule, count] : plan_changes_total)
    made->plan_changes_total.emplace_back(rule, count);
  status.publish(std::move(made));
}

}  // namespace tidelimit::engine
