#include "impact/world.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <numbers>

namespace tidelimit::impact {
namespace {

constexpr int kTuesday = 1;

// Of docs/configuration.md: the tiers, endpoints and base limits of the sample, with search beside
// them.
constexpr std::string_view kLimits = R"(mode: enforce
identity:
  trusted_proxies: [127.0.0.0/8]
  user_header: x-user-id
  tier_header: x-user-tier
  default_tier: STD
tiers: [PRM, STD]
endpoints:
  - { name: payment, match: "/payment/**", priority: high, cost: 2.5, limits: { PRM: 300/min, STD: 100/min } }
  - { name: browse, match: "/browse/**", priority: low, limits: { PRM: 300/min, STD: { rate: 100/min, burst: 20, total: 50/s } } }
  - { name: search, match: "/search/**", cost: 2, limits: { PRM: 300/min, STD: 100/min } }
)";

constexpr std::string_view kAdapt =
    R"(adapt: { floor: { default: 0.2, PRM: 0.5 }, tighten: 0.5, relax: 0.1/min, hold: 15m, plan_ttl: 30m }
)";
// The same at the pace of kLive.
constexpr std::string_view kQuickAdapt =
    R"(adapt: { floor: { default: 0.2, PRM: 0.5 }, tighten: 0.5, relax: 0.08/s, hold: 18s, plan_ttl: 30m }
)";

constexpr std::string_view kForecast =
    R"(forecast: { window: 15m, history: 24h, horizon: 1h, model: model }
)";

// Eleven workers, in units of a browse of 100 ms.
constexpr std::string_view kCapacity =
    R"(upstreams: [ { name: shop, capacity: 110/s, endpoints: [payment, browse, search] } ]
)";

constexpr std::string_view kReactiveRules = R"(anomaly: {{ model: model, scan: {} }}
rules:
  - {{ name: overload, when: {{ queueing: 100ms }}, then: {{ action: shed }} }}
  - {{ name: attacker, when: {{ verdict: malicious }}, then: {{ action: block, for: 15m }} }}
)";

constexpr std::string_view kForecastRules =
    R"(  - { name: shield-payment, when: { forecast: payment, spike: 1.5 }, then: { endpoints: [browse], tiers: [STD], scale: 0.5 } }
)";

constexpr std::string_view kDivision =
    R"(  - { name: capacity, when: { utilisation: 1.0 }, then: { action: divide } }
)";

}  // namespace

double share_of_peak(Nanos since_midnight) {
  constexpr double kPeakHour = 19;
  const double hour = static_cast<double>(since_midnight.count()) / 3.6e12;
  return 0.62 + 0.38 * std::cos(2 * std::numbers::pi * (hour - kPeakHour) / 24);
}

double spike_factor(int weekday, Nanos since_midnight) {
  if (weekday != kTuesday) return 1;
  const auto ramp = static_cast<double>(kSpikeRamp.count());
  const double up = static_cast<double>((since_midnight - kSpike.from).count()) / ramp;
  const double down = static_cast<double>((kSpike.until - since_midnight).count()) / ramp;
  return 1 + (kSpikeFactor - 1) * std::clamp(std::min(up, down), 0.0, 1.0);
}

std::string_view name_of(Arm arm) {
  switch (arm) {
    case Arm::none:
      return "no limits";
    case Arm::fixed:
      return "static limits";
    case Arm::reactive:
      return "reactive";
    case Arm::ruled:
      return "forecast rule";
    case Arm::whole:
      return "whole";
    case Arm::limit_req:
      return "nginx limit_req";
    case Arm::reactive_untold:
      return "reactive, untold";
    case Arm::whole_untold:
      return "whole, untold";
  }
  return "";
}

std::string configuration(Arm arm, int pace) {
  std::string yaml(kLimits);
  yaml += pace == 1 ? kAdapt : kQuickAdapt;
  if (forecasts(arm)) yaml += kForecast;
  if (divides(arm)) yaml += kCapacity;
  if (adapts(arm)) yaml += fmt::format(kReactiveRules, pace == 1 ? "5s" : "1s");
  if (arm == Arm::ruled) yaml += kForecastRules;
  if (divides(arm)) yaml += kDivision;
  return yaml;
}

}  // namespace tidelimit::impact
