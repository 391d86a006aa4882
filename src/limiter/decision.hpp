#pragma once

#include <cstdint>

#include "base/address.hpp"
#include "base/time.hpp"
#include "limiter/gcra.hpp"
#include "limiter/plan.hpp"
#include "limiter/verdict.hpp"

namespace tidelimit::limiter {

enum class Reason : std::uint8_t {
  ok,
  over_limit,
  client_blocked,
  client_limited,
  reduced_capacity,
  load_shed,
  override_,
};
inline constexpr std::size_t kReasons = 7;
[[nodiscard]] const char* to_string(Reason reason);

enum class Outcome : std::uint8_t { allow, deny, shadow_deny };
inline constexpr std::size_t kOutcomes = 3;
[[nodiscard]] const char* to_string(Outcome outcome);

/// A limit that the caller brings along, in place of the plan's limit on the principal at that
/// endpoint (Envoy's limit override). What is by hand stands above it; verdicts, the limit per
/// address, totals and shedding hold besides.
struct GivenLimit {
  Limit limit;               ///< burst 0 refuses everything
  std::uint64_t bucket = 0;  ///< any number: sets the caller's limits on one principal apart
};

/// One identified request, in the data plane's own terms.
struct Call {
  ClientId client;
  std::uint64_t user =
      0;  ///< Limiter::hash_user of a trusted user id; 0: the client is the principal
  EndpointId endpoint{0};
  TierId tier{0};
  Hits hits = 1;                   ///< 0 is a peek: nothing is charged or counted
  std::uint32_t agent_hash = 0;    ///< of the user agent, for diversity; 0 when there was none
  std::uint32_t path_hash = 0;     ///< of the normalised path, for endpoint concentration
  std::uint8_t agent_classes = 0;  ///< bit i: the user agent matches the i-th pattern of the rules
  /// Place of the principal (rollout_place); see PlanEndpoint and RolloutStage.
  std::uint16_t rollout = kLastPlace;
  const GivenLimit* given = nullptr;  ///< null: none; borrowed for the decision
};

/// In windows and in figures of clients a call counts for no more requests than these, whatever its
/// limits are charged.
inline constexpr Hits kMostCounted = 1'000'000;

/// Whether two calls ask about one request, so that it is to be counted once.
[[nodiscard]] constexpr bool same_request(const Call& a, const Call& b) {
  return a.client == b.client && a.user == b.user && a.endpoint == b.endpoint && a.tier == b.tier;
}

/// A wait beyond this is none that a caller is told: more hits than the burst never pass, and what
/// people blocked for good stays so.
inline constexpr Nanos kLongestWait = std::chrono::hours{24 * 365};

/// Less than a fifth of the burst is left.
[[nodiscard]] constexpr bool near_limit(std::uint64_t remaining, const Limit& limit) {
  return remaining * 5 < limit.burst;
}

/// Whose requests a limit counts together: those of the principal, of its address whoever it names,
/// of all principals of the tier; or it comes from a verdict on the client, or was set by hand.
enum class LimitOf : std::uint8_t { principal, client, total, verdict, override_ };

/// What would have denied a call that passes, of the limits and verdicts that are only watched.
struct WatchedDenial {
  Limit limit;  ///< of a block, or a request that would have been shed: the one in force
  RuleId rule = kNoRule;
  Reason reason = Reason::ok;  ///< ok: nothing
  LimitOf limit_of = LimitOf::principal;

  bool operator==(const WatchedDenial&) const = default;
};

/// May it pass, and why. What is only watched changes nothing of it but `outcome` and `watched`.
struct Decision {
  bool allowed = true;
  Outcome outcome = Outcome::allow;
  Reason reason = Reason::ok;  ///< where the gate or endpoint is in shadow mode: of the denial that
                               ///< would have been
  EndpointId endpoint{0};
  TierId tier{0};
  Limit limit;                  ///< the one that decided (unlimited when none)
  std::uint64_t remaining = 0;  ///< of that limit
  Nanos retry_after{0};         ///< 0 when allowed; beyond kLongestWait: waiting does not help
  Nanos reset_after{0};
  RuleId rule = kNoRule;  ///< the rule that set the deciding limit or verdict
  VerdictKind verdict = VerdictKind::normal;
  std::uint64_t plan_generation = 0;
  bool enforced = true;     ///< false: by its mode, this call is only watched
  bool near_limit = false;  ///< allowed, and near_limit() holds
  LimitOf limit_of = LimitOf::principal;
  bool overflow = false;  ///< decided by a bucket shared by a neighbourhood: the table was full
  /// Requests of the principal in flight at the endpoint, this one included if it passed, and how
  /// many may be; 0 of 0: no such limit.
  std::uint16_t in_flight = 0;
  std::uint16_t in_flight_limit = 0;
  WatchedDenial watched;

  bool operator==(const Decision&) const = default;
};

/// The decision as it is put on record: what would have denied the call stands for what let it
/// pass.
[[nodiscard]] Decision on_record(Decision decision) noexcept;

}  // namespace tidelimit::limiter
