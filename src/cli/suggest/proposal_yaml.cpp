#include <algorithm>
#include <fmt/format.h>

#include "cli/suggest/limit_draw.hpp"
#include "cli/suggest/proposal_words.hpp"
#include "config/yaml_text.hpp"

namespace tidelimit::cli {
namespace {

/// Lines of limits, and of tiers that have none.
std::string yaml_limits(const Proposal& proposal, const EndpointProposal& endpoint) {
  std::string limits;
  std::string none;
  for (const LimitProposal& limit : endpoint.limits) {
    const std::string tier = config::yaml_string(limit.tier);
    if (limit.per_minute == 0)
      none += fmt::format("      # {}: no limit, for nobody came here in this tier\n", tier);
    else
      limits += fmt::format("      {}: {}/min  # {}\n", tier, limit.per_minute,
                            reason_of(proposal, limit));
  }
  if (!limits.empty()) return "    limits:\n" + limits + none;
  return fmt::format(
      "    # no limits, for nobody came here: {} passes as it likes; give it some, as in\n"
      "    # limits: {{ {}: {}/min }}\n",
      endpoint.match.empty() ? "what no endpoint above matches" : "what it matches",
      config::yaml_string(proposal.tiers.back()), kLeastLimit);
}

std::string yaml_endpoint(const Proposal& proposal, const EndpointProposal& endpoint) {
  std::string text = fmt::format("  # {}\n", reason_of(proposal, endpoint));
  text += fmt::format("  - name: {}\n", config::yaml_string(endpoint.name));
  if (!endpoint.match.empty())
    text += fmt::format("    match: {}\n", config::yaml_string(endpoint.match));
  text += fmt::format("    priority: {}\n", limiter::to_string(endpoint.priority));
  return text + yaml_limits(proposal, endpoint);
}

std::string head(const Proposal& proposal) {
  std::string text = fmt::format(
      "{} from {}.\n"
      "# Limits are what {} of the well-behaved stayed within, times {}, rounded up.\n"
      "# {}\n",
      kProposalMark, whence(proposal), share_text(proposal.options.share),
      proposal.options.headroom, refused_in_words(proposal));
  for (const std::string& warning : warnings(proposal)) text += "# WARNING: " + warning + "\n";
  for (const std::string& note : notes(proposal)) text += "# " + note + "\n";
  return text +
         "# Denies nothing yet: look at what it would do (tidelimit replay --config THIS INPUT),\n"
         "# then say `mode: enforce`.\n"
         "mode: shadow\n";
}

/// Whether a rule on endpoints of low priority has a limit to move.
bool limits_what_can_wait(const Proposal& proposal) {
  return std::any_of(proposal.endpoints.begin(), proposal.endpoints.end(), [](const auto& e) {
    return e.priority == limiter::Priority::low &&
           std::any_of(e.limits.begin(), e.limits.end(),
                       [](const auto& limit) { return limit.per_minute != 0; });
  });
}

}  // namespace

std::string proposal_yaml(const Proposal& proposal) {
  std::string text = head(proposal);
  if (proposal.knows_users)
    text +=
        "identity:\n"
        "  user_header: x-user-id  # by which header your gateway names the user\n"
        "  tier_header: x-user-tier\n";
  std::string tiers;
  for (const std::string& tier : proposal.tiers)
    tiers += (tiers.empty() ? "" : ", ") + config::yaml_string(tier);
  text += fmt::format("tiers: [{}]  # most important first\n", tiers);
  text += "endpoints:\n";
  for (const EndpointProposal& endpoint : proposal.endpoints)
    text += yaml_endpoint(proposal, endpoint);
  text +=
      "rules:\n"
      "  - { name: hot-endpoint, when: { forecast: any, spike: 1.5 }, then: { endpoints: same, "
      "tiers: [";
  text += config::yaml_string(proposal.tiers.back());
  text += "], scale: 0.5 } }\n";
  if (limits_what_can_wait(proposal))
    text +=
        "  - { name: cpu-pressure, when: { cpu: 0.80 }, then: { priority: low, scale: 0.25 } }\n";
  text +=
      "  - { name: attacker, when: { verdict: malicious }, then: { limit: 10/min, for: 15m } }\n";
  return text;
}

}  // namespace tidelimit::cli
