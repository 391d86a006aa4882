#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/suggest/proposal.hpp"

namespace tidelimit::cli {

// What the file, the table and the JSON of a proposal say in the same words.

/// Of a part: "0.0271 %".
[[nodiscard]] std::string share_text(double part);
[[nodiscard]] double touched_share(const LimitProposal& limit);
[[nodiscard]] double refused_share(const Refused& refused);
/// "users", "addresses".
[[nodiscard]] const char* principals_word(const Proposal& proposal);

[[nodiscard]] std::string reason_of(const Proposal& proposal, const LimitProposal& limit);
[[nodiscard]] std::string reason_of(const Proposal& proposal, const EndpointProposal& endpoint);
/// "235867 requests from ... to ...".
[[nodiscard]] std::string whence(const Proposal& proposal);

/// What all limits together would refuse, in a sentence or two.
[[nodiscard]] std::string refused_in_words(const Proposal& proposal);
/// What to look at before the limits are enforced, each with its mend.
[[nodiscard]] std::vector<std::string> warnings(const Proposal& proposal);
/// What else a reader should know.
[[nodiscard]] std::vector<std::string> notes(const Proposal& proposal);

}  // namespace tidelimit::cli
