#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/siphash.hpp"
#include "base/time.hpp"
#include "engine/settings.hpp"
#include "forecast/forecaster.hpp"
#include "policy/planner.hpp"
#include "policy/verdict_book.hpp"
#include "traffic/window.hpp"

namespace tidelimit::engine {

/// An override as the operator made it, with its audit.
struct OverrideRecord {
  std::string target;  ///< "203.0.113.7", "10.0.0.0/8" or "user/ID"
  limiter::Action action = limiter::Action::allow;
  std::optional<Rate> limit;
  std::string reason;
  std::string by;  ///< the token's name
  WallTime made_at{};
  std::optional<WallTime> until;  ///< empty: permanent
};

/// The operator's label on a client, with its audit.
struct LabelRecord {
  std::string target;      ///< the client: "203.0.113.7", "2001:db8:1:2::/64"
  bool malicious = false;  ///< else: not malicious
  std::string reason;
  std::string by;  ///< the token's name
  WallTime made_at{};
  std::optional<WallTime> until;  ///< empty: until it is taken back
};

/// A mode that was set by hand, with its audit.
struct ModeRecord {
  std::string part;  ///< "forecast", "anomaly", "rules", "all", "rule/NAME" or "endpoint/NAME"
  std::optional<policy::ModeFor> mode;  ///< empty: as configured again
  std::string reason;
  std::string by;  ///< the token's name
  WallTime made_at{};
  std::optional<WallTime> until;  ///< empty: until it is set again
};

/// A configuration that took effect.
struct ConfigurationRecord {
  std::string fingerprint;  ///< of the text: 12 hexadecimal digits
  std::string text;
  WallTime first{};         ///< when it took effect, at first
  WallTime last{};          ///< and the last time
  std::string before = {};  ///< fingerprint of the one in force until `first`; empty: none is known
};

/// An earlier configuration that holds in place of the one in the file, while the file stays so.
struct ConfigurationHold {
  std::string fingerprint;  ///< of the one that holds
  std::string over;         ///< of the one in the file
  std::string reason;
  std::string by;  ///< the token's name
  WallTime made_at{};
};

/// One decision kept for "why was I denied?".
struct DecisionRecord {
  std::string id;  ///< opaque
  WallTime time{};
  std::string client;
  std::string user;  ///< UserName
  std::string path;  ///< cut to 128 bytes
  std::string method;
  std::string endpoint;
  std::string tier;
  bool allowed = true;
  std::string outcome;  ///< allow, deny, shadow_deny
  std::string reason;
  std::string rule;
  std::string verdict;  ///< of a shadow_deny with what stands behind it (excuse.hpp)
  double limit_per_minute = 0;
  double base_per_minute = 0;
  std::uint64_t remaining = 0;
  double retry_after_ms = 0;
  std::uint64_t plan_generation = 0;
  std::string explanation;  ///< the cause of the rule or verdict at that time, in words
  std::uint64_t hits = 1;   ///< requests that it asked for; summed up, and not kept by itself
  /// Denials of the same principal and client, of as many hits, for the same reason at the same
  /// endpoint within a second, that have no record of their own.
  std::uint64_t repeats = 0;
};

struct DecisionQuery {
  std::string id, user, client;  ///< empty: any; the user by UserName
  WallTime since{};
  std::size_t most = 1000;
};

/// All principals of the oldest shadow denials together, where there are more than a history keeps.
inline constexpr std::string_view kOtherPrincipals = "(others)";

/// What shadow mode would have denied one principal at one endpoint, by one rule.
struct ShadowDenials {
  std::string principal;  ///< a user as "user/ID", else the client; or kOtherPrincipals
  std::string endpoint;
  std::string tier;
  std::string reason;
  std::string rule;     ///< empty: the base limit
  std::string verdict;  ///< at that time; what stands behind it: excuse.hpp
  std::uint64_t requests = 0;
  WallTime first{};
  WallTime last{};
};

/// What shadow mode would have denied by one rule, for one reason.
struct ShadowCause {
  std::string reason;
  std::string rule;  ///< empty: the base limit
  std::uint64_t requests = 0;
  std::uint64_t harmed = 0;      ///< of those, that nothing excuses
  std::uint64_t principals = 0;  ///< that would have been denied anything by it
};

/// Whose shadow denials are asked for; empty: any.
struct ShadowQuery {
  WallTime since{};
  std::string endpoint = {};
  std::optional<std::vector<std::string>> rules = {};  ///< denied by one of these ("": by none)
  bool by_verdict = false;                             ///< denied by a verdict on the client
  std::size_t most = 1000;                             ///< rows by principal
};

/// Which published forecasts are asked for: made in [since, until), of one endpoint or (empty) of
/// all, the newest `most` of them.
struct ForecastQuery {
  WallTime since{};
  WallTime until = WallTime::max();
  std::string endpoint = {};
  std::size_t most = std::numeric_limits<std::int64_t>::max();
};

/// Which changes of the plan are asked for: those in [since, until), the newest `most` of them.
struct PlanChangeQuery {
  WallTime since{};
  WallTime until = WallTime::max();
  std::size_t most = std::numeric_limits<std::int64_t>::max();
};

/// All that shadow mode would have denied since a time, rounded down to the hour.
struct ShadowSummary {
  WallTime since{};
  double arrived = 0;                       ///< requests in all the windows since then
  std::uint64_t denied = 0;                 ///< of those, that would have been
  std::uint64_t harmed = 0;                 ///< of those, that nothing excuses (excuse.hpp)
  std::uint64_t principals = 0;             ///< that would have been denied anything
  std::uint64_t principals_harmed = 0;      ///< of those, that were harmed
  std::vector<ShadowCause> by_cause;        ///< most first
  std::vector<ShadowDenials> by_principal;  ///< those harmed first, then most first
};

/// What the engine knows of what its history should hold: enough to begin another with.
struct InForce {
  std::vector<OverrideRecord> overrides;
  std::vector<LabelRecord> labels;
  std::vector<ModeRecord> modes;
  std::vector<policy::VerdictRecord> verdicts;
  traffic::WindowGrid closed;
};

/// Where the control plane keeps what must outlive the process. store/ implements it with SQLite;
/// tests and replay with memory. Called from the control thread and the admin thread, never from
/// the request path; implementations are thread-safe. A failure (full disk) is returned, counted
/// and logged by the caller, and stops nothing.
class History {
 public:
  virtual ~History() = default;

  virtual Result<void> put_windows(WallTime start, Nanos step,
                                   const std::vector<std::string>& endpoints,
                                   const std::vector<traffic::WindowStats>& stats) = 0;
  /// A grid is one block of memory over its whole span: 1041 days of 15 minutes, 69 of one minute.
  static constexpr std::size_t kMostWindows = 100'000;
  /// Windows that start in [from, until), as one grid on `step`; missing ones are
  /// `observed = false`. Of more than kMostWindows the newest before `until`; where that is not
  /// given, the oldest: the newest may come from a clock that was wrong.
  virtual Result<traffic::WindowGrid> windows(WallTime from, Nanos step,
                                              const std::vector<std::string>& endpoints,
                                              WallTime until = WallTime::max()) = 0;
  /// How many are kept of lengths that don't divide `step`, of which windows() makes nothing.
  virtual Result<std::size_t> windows_unused(Nanos step) {
    static_cast<void>(step);
    return 0;
  }
  /// Forgets those that start in [from, until): the wall clock was wrong, and is right again.
  virtual Result<void> drop_windows(WallTime from, WallTime until) {
    static_cast<void>(from);
    static_cast<void>(until);
    return {};
  }
  /// Called once a turn. An error: what is written now would be lost.
  virtual Result<void> look_after() { return {}; }
  /// What it held was written over by someone, and calls that write return errors until
  /// begin_anew().
  [[nodiscard]] virtual bool overwritten() const { return false; }
  virtual Result<void> begin_anew(const InForce& known) {
    static_cast<void>(known);
    return {};
  }
  /// What people should know of how it came to hold what it holds; empty: nothing.
  [[nodiscard]] virtual std::string notice() const { return {}; }
  /// What the time is by a clock that did not jump: nothing is removed for an age that it has by
  /// later times only. Never called: all times handed in are believed.
  virtual void believe(WallTime now) { static_cast<void>(now); }
  /// Of a changed configuration. What is older now goes with what is added, as ever.
  virtual void set_retention(const Retention& retention) { static_cast<void>(retention); }
  virtual Result<void> put_verdicts(const std::vector<policy::VerdictRecord>& records) = 0;
  virtual Result<std::vector<policy::VerdictRecord>> verdicts(WallTime since) = 0;

  virtual Result<void> put_override(const OverrideRecord& record) = 0;  ///< durable when it returns
  virtual Result<void> delete_override(const std::string& target, const std::string& by,
                                       WallTime now) = 0;
  virtual Result<std::vector<OverrideRecord>> overrides() = 0;

  virtual Result<void> put_label(const LabelRecord& record) = 0;  ///< durable when it returns
  virtual Result<void> delete_label(const std::string& target) = 0;
  virtual Result<std::vector<LabelRecord>> labels() = 0;

  virtual Result<void> put_plan_changes(const std::vector<policy::PlanChange>& changes) = 0;
  /// The oldest first.
  virtual Result<std::vector<policy::PlanChange>> plan_changes(const PlanChangeQuery& query) = 0;
  /// Where each rule left each limit, for Planner::restore: the last change of either, and the last
  /// that tightened, in their order, however old they are and whatever the clock showed.
  virtual Result<std::vector<policy::PlanChange>> plan_standing() { return plan_changes({}); }

  /// A forecast that was published, to be shown against what came.
  virtual Result<void> put_forecasts(const std::vector<forecast::EndpointForecast>& forecasts) = 0;
  /// The oldest first.
  virtual Result<std::vector<forecast::EndpointForecast>> forecasts(const ForecastQuery& query) = 0;

  /// False: single decisions are of no interest, and the request path need not keep any.
  [[nodiscard]] virtual bool keeps_decisions() const { return true; }
  /// Of UserName: the same for as long as its decisions are kept.
  [[nodiscard]] virtual SipKey user_name_key() const { return {}; }
  virtual Result<void> put_decisions(const std::vector<DecisionRecord>& records) = 0;
  virtual Result<std::vector<DecisionRecord>> decisions(const DecisionQuery& query) = 0;

  /// Kept by the hour, as long as verdicts are.
  virtual Result<ShadowSummary> shadow_summary(const ShadowQuery& query) {
    static_cast<void>(query);
    return fail(Code::failed_precondition, "this history keeps no shadow denials");
  }

  // What keeps none of these forgets them with the process.

  /// All windows that are open, in the place of those before; saved every few seconds, so that a
  /// kill -9 loses little.
  virtual Result<void> put_open_windows(const traffic::OpenWindows& open) {
    static_cast<void>(open);
    return {};
  }
  /// Those of this length, as they were put last.
  virtual Result<traffic::OpenWindows> open_windows(Nanos step) {
    static_cast<void>(step);
    return {};
  }

  virtual Result<void> put_modes(const std::vector<ModeRecord>& records) {
    static_cast<void>(records);
    return {};
  }
  /// The latest of each part.
  virtual Result<std::vector<ModeRecord>> modes() { return {}; }
  /// All that were set since then, newest last. Kept as long as verdicts are.
  virtual Result<std::vector<ModeRecord>> mode_changes(WallTime since) {
    static_cast<void>(since);
    return {};
  }

  /// Notes that this one took effect at `last`, and at first in the place of that which had before;
  /// the oldest beyond kConfigurationsKept go.
  static constexpr std::size_t kConfigurationsKept = 20;
  virtual Result<void> put_configuration(const ConfigurationRecord& record) {
    static_cast<void>(record);
    return fail(Code::failed_precondition, "this history keeps no configurations");
  }
  /// The one that took effect last first.
  virtual Result<std::vector<ConfigurationRecord>> configurations() { return {}; }
  /// Replaces the hold there is; null ends it. Durable when it returns.
  virtual Result<void> put_hold(const ConfigurationHold* hold) {
    static_cast<void>(hold);
    return fail(Code::failed_precondition, "this history keeps no configurations");
  }
  virtual Result<std::optional<ConfigurationHold>> hold() { return {}; }
};

}  // namespace tidelimit::engine
