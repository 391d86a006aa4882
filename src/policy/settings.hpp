#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/rate.hpp"
#include "base/time.hpp"
#include "limiter/plan.hpp"
#include "limiter/verdict.hpp"
#include "policy/calendar.hpp"

namespace tidelimit::policy {

using limiter::Mode;
using limiter::Priority;

/// A mode, and the share of the principals, in (0, 1], for whom `enforce` holds; for the others it
/// is `shadow`.
struct ModeFor {
  Mode mode = Mode::enforce;
  double share = 1;
  bool operator==(const ModeFor&) const = default;
};
/// Of mode and share the lesser.
[[nodiscard]] constexpr ModeFor lesser(const ModeFor& a, const ModeFor& b) {
  return {std::min(a.mode, b.mode), std::min(a.share, b.share)};  // off < shadow < enforce
}

/// A limit as configured. No rate: unlimited.
struct LimitSpec {
  std::optional<Rate> rate;
  std::optional<std::uint64_t> burst;        ///< absent: default_burst(rate)
  std::optional<Rate> total;                 ///< all principals of that tier together
  std::optional<std::uint64_t> total_burst;  ///< absent: default_burst(total)
};

/// A capacity that is to be found out (policy/capacity_estimate.hpp).
struct LearnedCapacity {
  std::optional<Rate> ceiling;  ///< never taken for more; and for this while nothing is known
};

struct EndpointSettings {
  std::string name;
  std::vector<std::string> match;    ///< route patterns, first match over all endpoints wins
  std::vector<std::string> methods;  ///< upper case; empty: any
  Priority priority = Priority::normal;
  ModeFor mode;
  std::optional<Rate> capacity;
  std::optional<LearnedCapacity> learned;  ///< in the place of `capacity`
  double cost = 1;                         ///< of one request, of an upstream's capacity
  std::vector<LimitSpec> limits;           ///< by tier index; tiers not named are unlimited
  LimitSpec client;                        ///< per address, whatever user is named
  /// Requests of one principal in flight at once, by tier index; 0: any number. Empty: no tier is
  /// limited so.
  std::vector<std::uint16_t> concurrency;
  /// After it a request counts as in flight no more.
  Nanos concurrency_timeout{std::chrono::seconds{30}};
};

/// A capacity that several endpoints share.
struct UpstreamSettings {
  std::string name;
  std::optional<Rate> capacity;            ///< in requests of cost 1
  std::optional<LearnedCapacity> learned;  ///< one of both
  std::vector<std::string> endpoints;  ///< at least one; each stands before one upstream at most
};

/// The longest `concurrency_timeout`, and the most that may be in flight.
inline constexpr Nanos kLongestInFlight = std::chrono::minutes{30};
inline constexpr std::uint16_t kMostInFlight = 1000;

/// A condition; the parts that are present are joined by "and".
struct Condition {
  std::optional<std::string> forecast;  ///< an endpoint's name, or "any"
  std::optional<double> spike;          ///< forecast median / usual at or above
  std::optional<double> utilisation;    ///< forecast / capacity at or above; to divide: claims
  double min_requests = 100;            ///< forecast in the horizon, for `spike`
  std::optional<double> cpu;            ///< ratio at or above
  std::optional<double> until;          ///< release of `cpu`; absent: kReleaseBelow below
  std::optional<Planned> calendar;      ///< a planned time holds
  std::optional<Nanos> queueing;        ///< answers wait longer than usual by this
  std::optional<limiter::VerdictKind> verdict;
  std::optional<std::string> user_agent;  ///< glob
  std::optional<double> error_rate;       ///< of the client, last five minutes, at or above
  std::optional<std::uint32_t> requests;  ///< of the client, last five minutes, at least
  std::optional<double> requests_per_minute;

  [[nodiscard]] bool on_forecast() const { return forecast.has_value(); }
  /// What is claimed of every capacity, by forecasts and by what is asked for.
  [[nodiscard]] bool on_claims() const { return utilisation && !forecast; }
  /// On what is expected: the switch of the forecasts governs such rules.
  [[nodiscard]] bool looks_ahead() const { return on_forecast() || on_claims(); }
  [[nodiscard]] bool on_signal() const { return cpu.has_value(); }
  static constexpr double kReleaseBelow = 0.15;
  /// Of a condition on `cpu`: below this it is over.
  [[nodiscard]] double release() const { return until.value_or(*cpu - kReleaseBelow); }
  [[nodiscard]] bool on_calendar() const { return calendar.has_value(); }
  [[nodiscard]] bool on_queueing() const { return queueing.has_value(); }
  [[nodiscard]] bool on_figures() const {
    return user_agent || error_rate || requests || requests_per_minute;
  }
  [[nodiscard]] bool on_verdict() const { return verdict.has_value(); }

  /// A rule moves the limits of the plan (forecasts, signals, planned times), divides capacities
  /// (claims), sheds load (queueing) or looks at clients (verdicts, figures): one of them, never
  /// two.
  [[nodiscard]] bool on_plan() const { return on_forecast() || on_signal() || on_calendar(); }
  [[nodiscard]] bool on_client() const { return on_figures() || on_verdict(); }
  [[nodiscard]] bool asks() const {
    return on_plan() || on_claims() || on_queueing() || on_client();
  }
  bool operator==(const Condition&) const = default;
};

/// What follows. Scales act on plans; verdict, block and limit act on clients.
struct Effect {
  /// Names; empty with same_endpoints false: by priority, or all.
  std::vector<std::string> endpoints;
  bool same_endpoints = false;       ///< `endpoints: same`: the one that the condition found
  std::vector<std::string> tiers;    ///< empty: all
  std::optional<Priority> priority;  ///< endpoints of this priority
  /// Of the base limit: in (0, 1), or up to kMostRaise for a planned time alone.
  std::optional<double> scale;
  bool shed = false;    ///< the least important requests first, as many as it takes
  bool divide = false;  ///< each capacity by weighted fair shares
  bool block = false;
  std::optional<Rate> limit;
  std::optional<limiter::VerdictKind> verdict;
  Nanos duration{std::chrono::minutes{5}};  ///< `for`

  /// Whether endpoint and tier are among those named; with `same_endpoints`, any endpoint may be.
  [[nodiscard]] bool reaches(const EndpointSettings& endpoint, std::string_view tier) const;
};

/// The rule that stands where a capacity is given and no rule divides.
inline constexpr std::string_view kDivisionRule = "capacity";
inline constexpr double kDefaultUtilisation = 0.9;

struct Rule {
  std::string name;
  ModeFor mode;  ///< those beyond the share meet the limits without this rule
  Condition when;
  Effect then;
  int line = 0;  ///< in the configuration, for messages
};

struct Adapt {
  double default_floor = 0.2;  ///< of the base limit
  /// By tier or endpoint name; the larger wins.
  std::vector<std::pair<std::string, double>> floors;
  /// One step of a forecast rule goes at most to this share of the present scale.
  double tighten = 0.5;
  double relax_per_minute = 0.1;  ///< of the base limit
  /// Between two steps of a forecast rule, and before relaxing.
  Nanos hold{std::chrono::minutes{15}};
  Nanos plan_ttl{std::chrono::minutes{30}};

  /// The least scale that a rule may set on this cell: the larger of the floors named by tier and
  /// by endpoint, the default where neither is named.
  [[nodiscard]] double floor_of(std::string_view endpoint, std::string_view tier) const;
};

struct AllowEntry {
  Prefix prefix;
  std::string reason;
};

struct AnomalyPolicy {
  ModeFor mode;  ///< of the model's verdicts
  Nanos scan{std::chrono::seconds{5}};
  double contamination = 0.01;
  double false_alarms = 1e-5;
  Rate max_new_verdicts{60, std::chrono::hours{1}};
  std::vector<AllowEntry> allow;
};

/// All that the policy knows of the configuration.
struct PolicySettings {
  ModeFor mode{Mode::shadow, 1};          ///< of it and an endpoint's the lesser holds
  ModeFor forecast_mode;                  ///< of all rules on forecasts or claims; likewise
  std::vector<std::string> tiers{"STD"};  ///< most important first
  std::string default_tier = "STD";
  std::vector<EndpointSettings> endpoints;  ///< `other` is always last (added when not configured)
  std::vector<UpstreamSettings> upstreams;
  std::vector<Rule> rules;
  Adapt adapt;
  AnomalyPolicy anomaly;

  /// The rule's own; for rules on forecasts or claims the lesser of it and `forecast_mode`.
  [[nodiscard]] ModeFor mode_of(const Rule& rule) const;
  /// Whether `enforce` is for a share of the principals anywhere, so that calls need their places.
  [[nodiscard]] bool rolls_out() const;
};

}  // namespace tidelimit::policy
