#pragma once

#include <string>
#include <utility>
#include <vector>

#include "policy/planner.hpp"
#include "policy/settings.hpp"

namespace tidelimit::policy::test {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

inline constexpr Rate per_minute(std::uint64_t count) {
  return {count, minutes{1}};
}

inline EndpointSettings endpoint(std::string name, Priority priority,
                                 std::vector<LimitSpec> limits) {
  EndpointSettings settings;
  settings.name = std::move(name);
  settings.priority = priority;
  settings.limits = std::move(limits);
  return settings;
}

inline LimitSpec limit(std::uint64_t count) {
  LimitSpec spec;
  spec.rate = per_minute(count);
  return spec;
}

/// Who is found malicious is blocked.
inline Rule attacker() {
  Rule rule;
  rule.name = "attacker";
  rule.when.verdict = limiter::VerdictKind::malicious;
  rule.then.block = true;
  rule.then.duration = minutes{15};
  return rule;
}

/// Failing requests of a tool are suspicious.
inline Rule odd_tool() {
  Rule rule;
  rule.name = "odd-tool";
  rule.when.user_agent = "Postman*";
  rule.when.error_rate = 0.5;
  rule.when.requests = 20;
  rule.then.verdict = limiter::VerdictKind::suspicious;
  rule.then.limit = per_minute(10);
  rule.then.duration = minutes{10};
  return rule;
}

/// The configuration of the documentation: PRM 300/min, STD 100/min on payment and browse.
inline PolicySettings mission() {
  PolicySettings settings;
  settings.mode.mode = Mode::enforce;
  settings.tiers = {"PRM", "STD"};
  settings.endpoints = {endpoint("payment", Priority::high, {limit(300), limit(100)}),
                        endpoint("browse", Priority::low, {limit(300), limit(100)}),
                        endpoint("other", Priority::normal, {{}, {}})};
  settings.endpoints[0].capacity = Rate{1, seconds{1}};  // 3,600 an hour
  settings.endpoints[1].limits[1].total = Rate{50, seconds{1}};

  Rule shield;
  shield.name = "shield-payment";
  shield.when.forecast = "payment";
  shield.when.spike = 1.5;
  shield.then.endpoints = {"browse"};
  shield.then.tiers = {"STD"};
  shield.then.scale = 0.5;

  Rule hot;
  hot.name = "hot-endpoint";
  hot.when.forecast = "any";
  hot.when.spike = 1.5;
  hot.then.same_endpoints = true;
  hot.then.tiers = {"STD"};
  hot.then.scale = 0.5;

  Rule cpu;
  cpu.name = "cpu-pressure";
  cpu.when.cpu = 0.80;
  cpu.then.priority = Priority::low;
  cpu.then.scale = 0.25;

  settings.rules = {shield, hot, cpu};
  settings.adapt.floors = {{"PRM", 0.5}};
  return settings;
}

inline forecast::EndpointForecast forecast_of(const std::string& name, double median,
                                              std::optional<double> usual) {
  forecast::EndpointForecast forecast;
  forecast.endpoint = name;
  forecast.horizon = hours{1};
  forecast.quantiles = {median * 0.8, median * 0.9, median, median * 1.1, median * 1.2};
  forecast.usual = usual;
  forecast.source = forecast::Source::lstm;
  return forecast;
}

/// A planner in virtual time: forecasts are made where `forecasts` is set, and repeated until then.
class World {
 public:
  explicit World(PolicySettings settings) : planner(std::move(settings)) {}

  void see(std::vector<forecast::EndpointForecast> fresh) {
    forecasts = std::move(fresh);
    for (auto& forecast : forecasts) forecast.made_at = now().wall;
    made_at = now().mono;
    have_forecasts = true;
  }

  PlanStep step() {
    PlanInputs inputs;
    inputs.now = now();
    inputs.forecasts = have_forecasts ? &forecasts : nullptr;
    inputs.forecasts_at = made_at;
    inputs.demand = demand.empty() ? nullptr : &demand;
    if (cpu) inputs.signals = {{"cpu", *cpu, cpu_at.value_or(now().mono)}};
    inputs.load = load;
    inputs.all = all;
    inputs.enforced = enforced;
    inputs.by_hand = std::exchange(by_hand, {});
    PlanStep result = planner.step(inputs);
    if (result.plan) ++plans;
    changes.insert(changes.end(), result.changes.begin(), result.changes.end());
    return result;
  }

  /// Steps every second for so long.
  void run(Nanos span) {
    const Nanos end = elapsed + span;
    while (elapsed < end) {
      elapsed += seconds{1};
      step();
    }
  }

  [[nodiscard]] Now now() const {
    return {Instant{hours{1}} + elapsed, WallTime{hours{24 * 20000}} + elapsed - set_back};
  }
  [[nodiscard]] const limiter::CellLimits& at(std::size_t endpoint, std::size_t tier,
                                              limiter::View view = limiter::View::effective) {
    const auto plan = planner.current();
    last = plan->cell(limiter::EndpointId{static_cast<std::uint16_t>(endpoint)},
                      limiter::TierId{static_cast<std::uint8_t>(tier)})
               .in(view);
    return last;
  }
  [[nodiscard]] double rate(std::size_t endpoint, std::size_t tier) {
    return at(endpoint, tier).principal.per_minute();
  }

  Planner planner;
  Nanos elapsed{0};
  Nanos set_back{0};  ///< by how much the wall clock was
  std::vector<forecast::EndpointForecast> forecasts;
  Instant made_at;
  bool have_forecasts = false;
  std::vector<Demand> demand;
  std::optional<double> cpu;
  std::optional<Instant> cpu_at;
  std::optional<LoadSample> load;  ///< the same every second
  Mode all = Mode::enforce;        ///< the switch over everything
  limiter::View enforced = limiter::View::effective;
  std::string by_hand;  ///< of the next step
  std::vector<PlanChange> changes;
  int plans = 0;
  limiter::CellLimits last;
};

inline constexpr std::size_t kPayment = 0;
inline constexpr std::size_t kBrowse = 1;
inline constexpr std::size_t kPrm = 0;
inline constexpr std::size_t kStd = 1;

}  // namespace tidelimit::policy::test
