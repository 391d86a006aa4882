#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/address.hpp"
#include "base/hash.hpp"
#include "cli/suggest/peak_book.hpp"
#include "cli/suggest/proposal.hpp"
#include "cli/suggest/refusal_trial.hpp"

namespace tidelimit::cli {

using Clients = std::unordered_set<ClientId, ClientIdHash>;

/// The lowest limit of a handy size (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8 times a power of ten) that
/// is not below `needed`, and at least kLeastLimit.
[[nodiscard]] std::uint64_t handy_limit(double needed);
inline constexpr std::uint64_t kLeastLimit = 10;

/// A limit is set by few where it is so many times what 99 % would draw.
inline constexpr std::uint64_t kSetByFew = 4;
/// A principal with this part of all requests is a heavy one.
inline constexpr double kHeavy = 0.01;

/// Draws the limits of `proposal` (whose endpoints and tiers are known) from what each principal
/// needed; those of the `odd` clients have no say. Leaves its `heavy` principals and those who
/// `set_by` a limit without names, and what is refused open.
void draw_limits(Proposal& proposal, const std::vector<Peak>& peaks, const Clients& odd);

/// The limits, [endpoint][tier], for a RefusalTrial.
[[nodiscard]] std::vector<std::uint64_t> limits_per_minute(const Proposal& proposal);

/// Writes down what they refuse. Heavy principals that lose nothing are dropped.
void judge_limits(Proposal& proposal, const std::vector<Refusals>& refusals, const Clients& odd);

using Names = std::unordered_map<std::uint64_t, std::string>;
/// The principals to be named, each with an empty name.
[[nodiscard]] Names to_be_named(const Proposal& proposal);
void give_names(Proposal& proposal, const Names& names);

}  // namespace tidelimit::cli
