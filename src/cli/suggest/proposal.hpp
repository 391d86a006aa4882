#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "cli/input.hpp"
#include "limiter/plan.hpp"

namespace tidelimit::cli {

struct SuggestOptions {
  double share = 0.999;    ///< of well-behaved principals that never meet a limit, in (0, 1)
  double headroom = 1.5;   ///< the limit over what that share needed; >= 1
  std::uint64_t seed = 1;  ///< of the detector that tells who behaves well
};

/// A principal that a warning names.
struct NamedPrincipal {
  std::uint64_t principal = 0;  ///< a hash
  std::string name;             ///< a user, or an address
  std::uint64_t peak = 0;       ///< requests of its busiest minute there
};

/// A limit, and what it rests on.
struct LimitProposal {
  std::string tier;
  std::uint64_t per_minute = 0;    ///< 0: nobody of this tier came here
  std::uint64_t principals = 0;    ///< well-behaved ones
  std::uint64_t needed_at_99 = 0;  ///< requests of a minute that 99 % of them stayed within
  std::uint64_t needed = 0;        ///< the same of `share`
  std::uint64_t busiest = 0;       ///< requests of the busiest minute of any of them
  std::uint64_t touched = 0;       ///< of them, those that the limit would have refused anything
  std::uint64_t refused = 0;       ///< requests of theirs
  std::uint64_t odd_touched = 0;   ///< the same of those that don't behave well
  std::uint64_t odd_refused = 0;
  bool set_by_busiest = false;  ///< `share` of so few is all of them
  /// Those who set the limit, busiest first, where it is many times what 99 % need; else empty.
  std::vector<NamedPrincipal> set_by;
};

struct EndpointProposal {
  std::string name;
  std::string match;  ///< empty: `other`
  std::uint64_t requests = 0;
  double share = 0;   ///< of all requests
  double writes = 0;  ///< share of requests that change something (POST, PUT, PATCH, DELETE)
  limiter::Priority priority = limiter::Priority::normal;
  std::vector<LimitProposal> limits;
};

/// What all limits together would refuse of some principals' requests.
struct Refused {
  std::uint64_t principals = 0;
  std::uint64_t touched = 0;  ///< those that lose a request
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;
};

/// A well-behaved principal with a large part of the traffic, of which limits refuse some.
struct HeavyPrincipal {
  std::uint64_t principal = 0;  ///< a hash
  std::string name;             ///< a user, or an address
  std::uint64_t requests = 0;
  std::uint64_t refused = 0;
};

/// A configuration drawn from logs, with its reasons.
struct Proposal {
  std::vector<std::string> inputs;
  std::uint64_t requests = 0;
  WallTime first{};
  WallTime last{};
  SuggestOptions options;
  bool knows_users = false;  ///< else addresses are the principals
  bool knows_tiers = false;
  bool knows_methods = false;
  std::uint64_t odd_clients = 0;  ///< flagged: what they did sets no limit
  std::string detector_note;      ///< why only rules told who behaves well; empty: the forest did
  std::uint64_t one_in = 1;  ///< principals that were followed: all figures of them are of those
  std::uint64_t out_of_order = 0;  ///< requests that are older than one before them
  Nanos out_of_order_worst{};      ///< by so much at most
  std::uint64_t late = 0;          ///< of those, the ones that could not be put in order
  std::vector<std::string> tiers;
  std::size_t strange_tiers = 0;  ///< that no configuration can name: left to the last tier
  std::vector<EndpointProposal> endpoints;  ///< in the configuration's order; `other` last
  Refused good;                             ///< of those who behave well
  Refused odd;
  std::vector<HeavyPrincipal> heavy;  ///< most requests first
};

/// Reads the inputs three times: who is there, how much they ask, and what the limits drawn from
/// that would refuse them. Once more, in the order of times, where the inputs are not.
[[nodiscard]] Result<Proposal> propose(const Input& input, const SuggestOptions& options);

/// How such a file begins.
inline constexpr std::string_view kProposalMark = "# Drawn by `tidelimit suggest`";
/// A configuration file in shadow mode, each line with its reason; without its seal.
[[nodiscard]] std::string proposal_yaml(const Proposal& proposal);
/// For a person at a terminal.
[[nodiscard]] std::string proposal_text(const Proposal& proposal, const std::string& file);
[[nodiscard]] std::string proposal_json(const Proposal& proposal);

}  // namespace tidelimit::cli
