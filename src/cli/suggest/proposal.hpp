#pragma once

#include <cstdint>
#include <string>
#include <string_view>
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

/// A limit, and what it rests on.
struct LimitProposal {
  std::string tier;
  std::uint64_t per_minute = 0;   ///< 0: nobody of this tier came here
  std::uint64_t principals = 0;   ///< well-behaved ones
  std::uint64_t needed = 0;       ///< requests of a minute that `share` of them stayed within
  std::uint64_t busiest = 0;      ///< requests of the busiest minute of any of them
  std::uint64_t touched = 0;      ///< principals that had a busier minute than the limit
  std::uint64_t odd_touched = 0;  ///< of those that don't behave well
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
  std::uint64_t one_in = 1;       ///< principals that were followed
  std::vector<std::string> tiers;
  std::size_t strange_tiers = 0;  ///< that no configuration can name: left to the last tier
  std::vector<EndpointProposal> endpoints;  ///< in the configuration's order; `other` last
};

/// Reads the inputs twice.
[[nodiscard]] Result<Proposal> propose(const Input& input, const SuggestOptions& options);

/// The lowest limit of a handy size (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten) that
/// is not below `needed`, and at least 10.
[[nodiscard]] std::uint64_t handy_limit(double needed);

/// How such a file begins.
inline constexpr std::string_view kProposalMark = "# Drawn by `tidelimit suggest`";
/// A configuration file in shadow mode, each line with its reason.
[[nodiscard]] std::string proposal_yaml(const Proposal& proposal);
/// For a person at a terminal.
[[nodiscard]] std::string proposal_text(const Proposal& proposal, const std::string& file);
[[nodiscard]] std::string proposal_json(const Proposal& proposal);

}  // namespace tidelimit::cli
