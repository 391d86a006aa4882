#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "forecast/forecaster.hpp"
#include "limiter/decision.hpp"
#include "policy/planner.hpp"
#include "policy/verdict_book.hpp"

namespace tidelimit::engine {

using ReasonCounts = std::array<std::uint64_t, limiter::kReasons>;

/// What came of a group of requests. `allowed` and `denied` make up all of them; those that shadow
/// mode would have denied were allowed.
struct Outcomes {
  std::uint64_t allowed = 0;
  ReasonCounts denied_by{};
  ReasonCounts would_deny_by{};

  [[nodiscard]] std::uint64_t denied() const;
  [[nodiscard]] std::uint64_t would_deny() const;
  [[nodiscard]] std::uint64_t requests() const { return allowed + denied(); }
  void operator+=(const Outcomes& other);
};

/// Decisions of one endpoint over time. `counts[bin]`: passed (reason `ok`) and refused, by
/// reason, whether enforced or in shadow.
struct Timeline {
  std::string endpoint;
  std::vector<std::array<std::uint32_t, limiter::kReasons>> counts;
};

/// One published forecast beside what came.
struct ForecastPoint {
  WallTime made_at{};
  double low = 0;  ///< 5 % quantile
  double median = 0;
  double high = 0;  ///< 95 % quantile
  double naive = 0;
  std::optional<double> usual;
  std::optional<double> came;  ///< empty: the log ends before its horizon does
  forecast::Source source = forecast::Source::none;
  bool guarded = false;  ///< a simple rule in the place of the model, which was worse
};

struct EndpointForecasts {
  std::string endpoint;
  Nanos horizon{};
  std::vector<ForecastPoint> points;
};

/// A time in which a rule held a limit away from its base, set a total, or shed.
struct Episode {
  policy::PlanChange::Of of = policy::PlanChange::Of::limit;
  std::string endpoint;
  std::string tier;
  std::string rule;   ///< the one that moved it first
  std::string cause;  ///< then, in words
  WallTime from{};
  std::optional<WallTime> until;  ///< empty: still so at the end
  double base_per_minute = 0;     ///< of a total the configured one; 0: none
  double lowest_per_minute = 0;
  double highest_per_minute = 0;
  double lowest_scale = 1;  ///< of what is shed the least share that was let in
  bool shadow = false;

  /// Of the lowest and the highest the farther from the base. A total is never above it.
  [[nodiscard]] double farthest_per_minute() const {
    const bool lowered = of == policy::PlanChange::Of::total || lowest_per_minute < base_per_minute;
    return lowered ? lowest_per_minute : highest_per_minute;
  }
};

/// Whether a denial for this reason is the doing of an adapted limit or of shedding.
[[nodiscard]] constexpr bool is_adapted(limiter::Reason reason) {
  return reason == limiter::Reason::reduced_capacity || reason == limiter::Reason::load_shed;
}

/// A principal that was refused (or would have been) while no verdict stood against its client, and
/// none ever did.
struct HarmedPrincipal {
  std::string name;    ///< the user id, else the client
  std::string client;  ///< seen at the first denial
  bool is_user = false;
  std::string endpoint;  ///< of the first denial
  std::string tier;
  ReasonCounts denied_by{};
  WallTime first{};
  WallTime last{};
  double limit_per_minute = 0;  ///< that the first denial met
  limiter::LimitOf limit_of = limiter::LimitOf::principal;
  std::string rule;  ///< that had set it; empty: the base limit

  [[nodiscard]] std::uint64_t denied() const;
  [[nodiscard]] std::uint64_t adapted() const;  ///< of those, for reasons that is_adapted
};

/// What shadow mode would have denied counts as denied.
struct Harm {
  std::uint64_t principals = 0;           ///< that came at all (estimated beyond 65,536)
  std::uint64_t over_limit = 0;           ///< unflagged ones that met a base limit
  std::uint64_t adapted = 0;              ///< unflagged ones denied by an adapted limit or shedding
  std::uint64_t requests = 0;             ///< denied to unflagged principals
  std::uint64_t requests_adapted = 0;     ///< of those, that the base limit would have passed
  std::uint64_t untracked = 0;            ///< denials beyond the memory of this list
  std::vector<HarmedPrincipal> examples;  ///< most denials first
};

/// What one rule did.
struct RuleActivity {
  std::string rule;  ///< "model": verdicts without a rule of their own; "limits": base limits;
                     ///< "concurrency": limits on requests in flight
  std::uint64_t denied = 0;
  std::uint64_t would_deny = 0;
  std::uint64_t plan_changes = 0;
  std::uint64_t verdicts = 0;
};

/// A verdict from its raising to its end; one that becomes another (reported, then enforced) ends
/// there, and the other begins.
struct VerdictSpan {
  policy::VerdictRecord record;  ///< `until` as of its last renewal, reasons as it began
  std::uint64_t renewals = 0;
};

/// A rate as the configuration has it.
struct BaseRate {
  double per_minute = 0;  ///< 0: none
  Nanos period{};         ///< 1 h of N/h
};

/// What a configuration would have done to a log. Equal logs, settings, models and seed give equal
/// reports.
struct ReplayReport {
  std::vector<std::string> endpoints;
  std::vector<std::string> tiers;
  limiter::Mode mode = limiter::Mode::enforce;

  std::uint64_t requests = 0;
  std::optional<WallTime> first;  ///< earliest time of a request; empty: there was none
  WallTime last{};
  std::uint64_t out_of_order = 0;  ///< older than one before them: decided at its time
  Nanos out_of_order_worst{};
  std::uint64_t late = 0;  ///< of those, that came after their window had closed

  std::vector<Outcomes> cells;  ///< row-major [endpoint][tier]
  std::vector<VerdictSpan> verdicts;
  /// Every change of a limit; of totals and of what is shed those before `changes_end`.
  std::vector<policy::PlanChange> plan_changes;
  std::optional<WallTime> changes_end;
  std::uint64_t plan_steps = 0;   ///< changes in all
  std::vector<Episode> episodes;  ///< of them all
  std::vector<EndpointForecasts> forecasts;
  std::vector<RuleActivity> rules;  ///< that did anything, most denials first
  Harm harm;

  WallTime timeline_start{};
  Nanos timeline_step{};
  std::vector<Timeline> timeline;  ///< one an endpoint

  std::vector<BaseRate> base;  ///< [endpoint][tier]
  std::vector<BaseRate> base_total;
  std::vector<std::string> notes;  ///< what the reader must know, in words

  [[nodiscard]] const Outcomes& cell(std::size_t endpoint, std::size_t tier) const {
    return cells[endpoint * tiers.size() + tier];
  }
  [[nodiscard]] Outcomes total() const;
  /// Row and column in one; nothing where no such is configured.
  [[nodiscard]] std::optional<std::size_t> cell_named(const std::string& endpoint,
                                                      const std::string& tier) const;
};

}  // namespace tidelimit::engine
