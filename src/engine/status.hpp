#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "anomaly/contribution.hpp"
#include "base/time.hpp"
#include "engine/history.hpp"
#include "forecast/forecaster.hpp"
#include "limiter/decision.hpp"
#include "limiter/plan.hpp"
#include "model/bundle.hpp"
#include "policy/planner.hpp"
#include "policy/verdict_book.hpp"
#include "traffic/client_profile.hpp"

/// What the engine tells of itself: values, all of them.
namespace tidelimit::engine {

/// Decisions and observations since start: the sum over all workers, those that have ended too.
struct CountersView {
  std::vector<std::string> endpoints;
  std::vector<std::string> tiers;
  std::vector<std::uint64_t> decisions;          ///< [index(endpoint * tiers + tier, ...)]
  std::vector<std::uint64_t> near_limit;         ///< [endpoint * tiers + tier]
  std::vector<std::uint64_t> in_flight_denials;  ///< likewise: too many in flight, shadow included
  std::vector<std::uint64_t>
      observed;  ///< [(endpoint * tiers + tier) * kStatusClasses + status class]
  std::vector<std::uint64_t> demand;     ///< [endpoint]: requests that windows count
  std::vector<std::uint64_t> malicious;  ///< [endpoint]: of malicious clients, counted apart
  std::vector<std::uint64_t> responses;  ///< [endpoint]: answers of the service, to other clients
  std::uint64_t unmatched_paths = 0;
  std::uint64_t unmatched_tiers = 0;
  std::uint64_t late = 0;
  std::uint64_t decision_records_dropped = 0;
  WallTime last_record_dropped{};  ///< the epoch: none was
  std::uint64_t overflow_decisions = 0;

  /// Of one of the decisions at a pair, endpoint * tiers + tier.
  [[nodiscard]] static constexpr std::size_t index(std::size_t pair, limiter::Outcome outcome,
                                                   limiter::Reason reason) {
    return (pair * limiter::kOutcomes + static_cast<std::size_t>(outcome)) * limiter::kReasons +
           static_cast<std::size_t>(reason);
  }
};

/// A client as the control plane sees it.
struct ClientView {
  ClientId client;
  traffic::ClientFigures figures;
  double score = 0;
  double threshold = 0;
  std::optional<WallTime> scanned;  ///< the last scan, if the client had come since the one before
  bool evidence = false;            ///< what it found: an alarm, in a direction that does harm
  std::vector<anomaly::Contribution> contributions;
  std::optional<policy::VerdictRecord> verdict;
  std::optional<LabelRecord> label;
  std::string protected_reason;
};

struct EndpointStatus {
  std::string endpoint;
  double open_window_requests = 0;  ///< of the window that is still open
  double last_window_requests = 0;
  std::optional<double>
      forecast_absolute_error;  ///< mean over the last 24 h of horizons that came true
  std::optional<double> forecast_error_ratio;  ///< the same over the naive forecast's
  std::optional<double> unanswered_ratio;      ///< ResponseWatch::unanswered
};

/// A part of the policy that has a mode of its own, and by whose word it has it.
struct PartMode {
  std::string part;  ///< as in ModeRecord
  policy::ModeFor configured;
  std::optional<ModeRecord> by_hand;  ///< with a mode; empty: as configured
  /// What comes of that: of a rule, what the switches above it (`rules` and `forecast`, or
  /// `anomaly`) leave of it.
  policy::ModeFor in_force = {};

  [[nodiscard]] policy::ModeFor said() const { return by_hand ? *by_hand->mode : configured; }
};

/// The modes of the data plane's four switches.
struct SwitchModes {
  limiter::Mode forecast = limiter::Mode::enforce;
  limiter::Mode anomaly = limiter::Mode::enforce;
  limiter::Mode rules = limiter::Mode::enforce;
  limiter::Mode all = limiter::Mode::enforce;

  /// As in ModeRecord.
  [[nodiscard]] std::array<std::pair<const char*, limiter::Mode>, 4> by_part() const {
    return {{{"forecast", forecast}, {"anomaly", anomaly}, {"rules", rules}, {"all", all}}};
  }
};

/// Verdicts of one kind raised by one rule ("model" where the default acts).
struct VerdictCount {
  limiter::VerdictKind kind = limiter::VerdictKind::normal;
  std::string rule;
  std::uint64_t count = 0;
};

/// When each stage of a tick last did its work.
struct LastSuccess {
  WallTime windows{};
  WallTime forecast{};
  WallTime scan{};
  WallTime plan{};
};

/// Something that is not as it should be.
struct Degradation {
  std::string what;         ///< in words; the same as long as it lasts
  std::string detail = {};  ///< how far it has come, which changes all the time; may be empty
  [[nodiscard]] std::string words() const { return detail.empty() ? what : what + "; " + detail; }
  bool operator==(const Degradation&) const = default;
};

inline constexpr std::size_t kRecentVerdicts = 60;

/// Everything that people, API and metrics ask for, taken at one tick. Immutable.
struct Status {
  Now at{};
  std::shared_ptr<const limiter::Plan> plan;
  policy::PolicySettings policy;
  std::vector<policy::RuleState> rules;
  /// Why an effective limit is not its base, by cell ([endpoint][tier], row-major), then by cell of
  /// each stage of the plan; "" where it is.
  std::vector<std::string> limit_causes;
  std::vector<std::string> total_causes;  ///< the same of the total of all principals of the tier
  std::vector<policy::CapacityState> capacities;   ///< of rules that divide
  std::vector<policy::PlanChange> recent_changes;  ///< newest last, at most 200
  std::vector<forecast::EndpointForecast> forecasts;
  std::vector<EndpointStatus> endpoints;
  std::vector<policy::VerdictRecord> verdicts;
  std::vector<policy::VerdictRecord> recent_verdicts;  ///< as they were raised; newest last, at
                                                       ///< most kRecentVerdicts
  std::vector<policy::Signal> signals;
  std::optional<model::Manifest> model;
  std::vector<Degradation> degraded;  ///< what is not as it should be, in words
  LastSuccess last_success;
  std::vector<VerdictCount> verdicts_total;  ///< raised since start (renewals are none)
  std::vector<std::pair<std::string, std::uint64_t>> plan_changes_total;  ///< by rule
};

/// How full the tables of the data plane are.
struct TableUse {
  std::size_t buckets = 0;  ///< live ones; an estimate from a sample in large tables
  std::size_t clients = 0;
  std::size_t leases = 0;  ///< principals with requests in flight where that is limited; as buckets
  std::uint64_t bucket_evictions = 0, client_evictions = 0, lease_evictions = 0;
  std::uint64_t unwatched_requests = 0;  ///< of clients for whom there was no place
};

}  // namespace tidelimit::engine
