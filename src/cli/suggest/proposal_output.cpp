#include <algorithm>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/suggest/proposal.hpp"
#include "cli/text_table.hpp"
#include "config/yaml_text.hpp"

namespace tidelimit::cli {
namespace {

std::string percent(double part) {
  return fmt::format("{:.4g} %", part * 100);
}

double touched_share(const LimitProposal& limit) {
  return limit.principals == 0
             ? 0
             : static_cast<double>(limit.touched) / static_cast<double>(limit.principals);
}

const char* principals_word(const Proposal& proposal) {
  return proposal.knows_users ? "users" : "addresses";
}

std::string reason_of(const Proposal& proposal, const LimitProposal& limit) {
  if (limit.principals == 0)
    return fmt::format("nobody who behaves well came here; this would touch {} that don't",
                       limit.odd_touched);
  std::string text = fmt::format(
      "{} {}: {} stay within {} a minute, the busiest had {}; this would touch {} of them ({})",
      limit.principals, principals_word(proposal), percent(proposal.options.share), limit.needed,
      limit.busiest, limit.touched, percent(touched_share(limit)));
  if (limit.odd_touched != 0) text += fmt::format(", and {} that behave oddly", limit.odd_touched);
  return text;
}

std::string reason_of(const Proposal& proposal, const EndpointProposal& endpoint) {
  std::string text = percent(endpoint.share) + " of the requests";
  if (proposal.knows_methods && endpoint.requests != 0)
    text += fmt::format(", {} of them change something", percent(endpoint.writes));
  return text;
}

std::string yaml_endpoint(const Proposal& proposal, const EndpointProposal& endpoint) {
  std::string text = fmt::format("  # {}\n", reason_of(proposal, endpoint));
  text += fmt::format("  - name: {}\n", config::yaml_string(endpoint.name));
  if (!endpoint.match.empty())
    text += fmt::format("    match: {}\n", config::yaml_string(endpoint.match));
  text += fmt::format("    priority: {}\n", limiter::to_string(endpoint.priority));
  std::string limits;
  for (const LimitProposal& limit : endpoint.limits) {
    if (limit.per_minute == 0) continue;
    limits += fmt::format("      {}: {}/min  # {}\n", config::yaml_string(limit.tier),
                          limit.per_minute, reason_of(proposal, limit));
  }
  return limits.empty() ? text : text + "    limits:\n" + limits;
}

std::string whence(const Proposal& proposal) {
  return fmt::format("{} requests from {} to {}", proposal.requests, format_time(proposal.first),
                     format_time(proposal.last));
}

std::string notes(const Proposal& proposal, const char* mark) {
  std::string text = fmt::format(
      "{}Who behaves well: all but {} clients that {} found odd; what those did sets no limit.\n",
      mark, proposal.odd_clients,
      proposal.detector_note.empty() ? "an Isolation Forest trained on this log, or a rule"
                                     : "the rules");
  if (!proposal.detector_note.empty())
    text += fmt::format("{}No forest was trained: {}.\n", mark, printable(proposal.detector_note));
  if (!proposal.knows_users)
    text += fmt::format("{}The log names no users: limits are per address.\n", mark);
  if (proposal.one_in > 1)
    text += fmt::format("{}One {} in {} was followed: there are too many for memory.\n", mark,
                        proposal.knows_users ? "user" : "address", proposal.one_in);
  if (proposal.strange_tiers != 0)
    text += fmt::format(
        "{}{} tiers of the log have names that no configuration takes: they count as {}.\n", mark,
        proposal.strange_tiers, proposal.tiers.back());
  if (proposal.knows_tiers && proposal.tiers.size() > 1)
    text += fmt::format(
        "{}The order of tiers is a guess (those with fewer requests first): check it.\n", mark);
  return text;
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
  std::string text = fmt::format(
      "{} from {}.\n"
      "# Limits are what {} of the well-behaved stayed within, times {}, rounded up.\n",
      kProposalMark, whence(proposal), percent(proposal.options.share), proposal.options.headroom);
  text += notes(proposal, "# ");
  text +=
      "# Denies nothing yet: look at what it would do (tidelimit replay --config THIS INPUT),\n"
      "# then say `mode: enforce`.\n"
      "mode: shadow\n";
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

std::string proposal_text(const Proposal& proposal, const std::string& file) {
  using Align = TextTable::Align;
  TextTable table({"endpoint", "match", "requests", "priority", "tier", "limit", "needed",
                   "busiest", principals_word(proposal), "touched"},
                  {Align::left, Align::left, Align::right, Align::left, Align::left, Align::right,
                   Align::right, Align::right, Align::right, Align::right});
  for (const EndpointProposal& endpoint : proposal.endpoints) {
    bool first = true;
    for (const LimitProposal& limit : endpoint.limits) {
      if (limit.per_minute == 0) continue;
      table.add({first ? printable(endpoint.name, 40) : "",
                 first ? printable(endpoint.match, 40) : "", first ? percent(endpoint.share) : "",
                 first ? limiter::to_string(endpoint.priority) : "", printable(limit.tier, 20),
                 fmt::format("{}/min", limit.per_minute), std::to_string(limit.needed),
                 std::to_string(limit.busiest), std::to_string(limit.principals),
                 percent(touched_share(limit))});
      first = false;
    }
  }
  return fmt::format("{}: drawn from {}\n{}{}", file, whence(proposal), table.text(),
                     notes(proposal, "")) +
         "The file denies nothing yet (mode: shadow). Next: tidelimit replay --config " + file +
         " INPUT\n";
}

std::string proposal_json(const Proposal& proposal) {
  using Json = nlohmann::ordered_json;
  Json endpoints = Json::array();
  for (const EndpointProposal& endpoint : proposal.endpoints) {
    Json limits = Json::object();
    for (const LimitProposal& limit : endpoint.limits) {
      if (limit.per_minute == 0) continue;
      limits[printable(limit.tier)] = {{"limit_per_minute", limit.per_minute},
                                       {"principals", limit.principals},
                                       {"needed_per_minute", limit.needed},
                                       {"busiest_per_minute", limit.busiest},
                                       {"touched", limit.touched},
                                       {"touched_share", touched_share(limit)},
                                       {"odd_touched", limit.odd_touched},
                                       {"why", reason_of(proposal, limit)}};
    }
    endpoints.push_back({{"name", endpoint.name},
                         {"match", endpoint.match.empty() ? Json(nullptr) : Json(endpoint.match)},
                         {"requests", endpoint.requests},
                         {"share", endpoint.share},
                         {"writes", endpoint.writes},
                         {"priority", limiter::to_string(endpoint.priority)},
                         {"why", reason_of(proposal, endpoint)},
                         {"limits", std::move(limits)}});
  }
  const Json json = {{"requests", proposal.requests},
                     {"first", format_time(proposal.first)},
                     {"last", format_time(proposal.last)},
                     {"share", proposal.options.share},
                     {"headroom", proposal.options.headroom},
                     {"principal", proposal.knows_users ? "user" : "client"},
                     {"odd_clients", proposal.odd_clients},
                     {"followed_one_in", proposal.one_in},
                     {"tiers", proposal.tiers},
                     {"endpoints", std::move(endpoints)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tidelimit::cli
