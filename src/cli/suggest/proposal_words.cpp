#include "cli/suggest/proposal_words.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "base/figures.hpp"
#include "base/text.hpp"
#include "cli/suggest/limit_draw.hpp"

namespace tidelimit::cli {
namespace {

constexpr std::size_t kHeavyNamed = 5;
constexpr double kManyRefused = 0.01;

/// So few principals have no other share than all of them.
std::uint64_t fewest_with_a_share(double share) {
  return static_cast<std::uint64_t>(std::ceil(1 / (1 - share) - 1e-6));
}

std::string cell_name(const EndpointProposal& endpoint, const LimitProposal& limit) {
  return printable(endpoint.name, 40) + " " + printable(limit.tier, 20);
}

std::string warning_of(const HeavyPrincipal& heavy, const Proposal& proposal) {
  return fmt::format(
      "{} behaves well and sent {} of all requests, and would lose {} of its {}: give it a tier of "
      "its own with a higher limit (or an override), or draw with a higher --share",
      heavy.name,
      share_text(static_cast<double>(heavy.requests) / static_cast<double>(proposal.requests)),
      grouped(heavy.refused), grouped(heavy.requests));
}

std::string set_by_few(const EndpointProposal& endpoint, const LimitProposal& limit,
                       const Proposal& proposal) {
  std::vector<std::string> names;
  for (const NamedPrincipal& one : limit.set_by)
    names.push_back(fmt::format("{} ({} a minute)", one.name, one.peak));
  const auto of_most =
      handy_limit(static_cast<double>(limit.needed_at_99) * proposal.options.headroom);
  return fmt::format(
      "{}: {}/min is set by few: 99 % of {} {} need {} a minute, {} need {}; busiest: {}. Look at "
      "them: if they should not set it (attackers that nothing found odd), --share 99 draws {}/min",
      cell_name(endpoint, limit), limit.per_minute, limit.principals, principals_word(proposal),
      limit.needed_at_99, share_text(proposal.options.share), limit.needed, fmt::join(names, ", "),
      of_most);
}

}  // namespace

std::string share_text(double part) {
  return fmt::format("{:.4g} %", part * 100);
}

double touched_share(const LimitProposal& limit) {
  return limit.principals == 0
             ? 0
             : static_cast<double>(limit.touched) / static_cast<double>(limit.principals);
}

double refused_share(const Refused& refused) {
  return refused.requests == 0
             ? 0
             : static_cast<double>(refused.refused) / static_cast<double>(refused.requests);
}

const char* principals_word(const Proposal& proposal) {
  return proposal.knows_users ? "users" : "addresses";
}

std::string reason_of(const Proposal& proposal, const LimitProposal& limit) {
  if (limit.principals == 0)
    return fmt::format(
        "nobody who behaves well came here, so it is the least that is drawn; it would refuse {} "
        "requests of {} that behave oddly",
        limit.odd_refused, limit.odd_touched);
  std::string text =
      fmt::format("{} {}: 99 % stay within {} a minute, {} within {}{}", limit.principals,
                  principals_word(proposal), limit.needed_at_99, share_text(proposal.options.share),
                  limit.needed, limit.set_by_busiest ? "*" : "");
  text += limit.set_by_busiest ? " (of so few that is the busiest)"
                               : fmt::format(", the busiest had {}", limit.busiest);
  text += fmt::format("; it would refuse {} requests of {} of them ({})", limit.refused,
                      limit.touched, share_text(touched_share(limit)));
  if (limit.odd_touched != 0)
    text += fmt::format(", and {} of {} that behave oddly", limit.odd_refused, limit.odd_touched);
  if (!limit.set_by.empty()) text += "; set by few: see the warning above";
  return text;
}

std::string reason_of(const Proposal& proposal, const EndpointProposal& endpoint) {
  std::string text = share_text(endpoint.share) + " of the requests";
  if (proposal.knows_methods && endpoint.requests != 0)
    text += fmt::format(", {} of them change something", share_text(endpoint.writes));
  return text;
}

std::string whence(const Proposal& proposal) {
  return fmt::format("{} requests from {} to {}", proposal.requests, format_time(proposal.first),
                     format_time(proposal.last));
}

std::string refused_in_words(const Proposal& proposal) {
  const Refused& good = proposal.good;
  const Refused& odd = proposal.odd;
  return fmt::format(
      "Played against this log, the limits would refuse {} of {} requests of those who behave well "
      "({}), sent by {} of {} {}; and {} of {} of those who don't.",
      grouped(good.refused), grouped(good.requests), share_text(refused_share(good)),
      grouped(good.touched), grouped(good.principals), principals_word(proposal),
      grouped(odd.refused), grouped(odd.requests));
}

std::vector<std::string> warnings(const Proposal& proposal) {
  std::vector<std::string> all;
  if (proposal.late != 0)
    all.push_back(fmt::format(
        "{} requests were so much older than one before them that they could not be put in order: "
        "they count at the later time, so minutes look busier than they were, and limits are too "
        "high; sort the input by time, and draw anew",
        grouped(proposal.late)));
  if (refused_share(proposal.good) >= kManyRefused)
    all.push_back(fmt::format(
        "the limits would refuse {} of the requests of those who behave well: before you enforce "
        "them, raise those with many refused, or draw with a higher --share or --headroom",
        share_text(refused_share(proposal.good))));
  for (std::size_t i = 0; i < std::min(proposal.heavy.size(), kHeavyNamed); ++i)
    all.push_back(warning_of(proposal.heavy[i], proposal));
  for (const EndpointProposal& endpoint : proposal.endpoints)
    for (const LimitProposal& limit : endpoint.limits)
      if (!limit.set_by.empty()) all.push_back(set_by_few(endpoint, limit, proposal));
  return all;
}

std::vector<std::string> notes(const Proposal& proposal) {
  std::vector<std::string> all;
  all.push_back(fmt::format(
      "Who behaves well: all but {} clients that {} found odd; what those did sets no limit.",
      proposal.odd_clients,
      proposal.detector_note.empty() ? "an Isolation Forest trained on this log, or a rule"
                                     : "the rules"));
  if (!proposal.detector_note.empty())
    all.push_back(fmt::format("No forest was trained: {}.", printable(proposal.detector_note)));
  if (!proposal.knows_users) all.emplace_back("The log names no users: limits are per address.");
  const bool few = std::any_of(
      proposal.endpoints.begin(), proposal.endpoints.end(), [](const EndpointProposal& endpoint) {
        return std::any_of(endpoint.limits.begin(), endpoint.limits.end(),
                           [](const LimitProposal& limit) { return limit.set_by_busiest; });
      });
  if (few)
    all.push_back(fmt::format(
        "Of fewer than {} {} {} are all: there the busiest one alone sets the limit (marked *).",
        fewest_with_a_share(proposal.options.share), principals_word(proposal),
        share_text(proposal.options.share)));
  if (proposal.one_in > 1)
    all.push_back(fmt::format(
        "One {} in {} was followed, as there are too many for memory: all figures are of those, "
        "and a busy one may be among the others.",
        proposal.knows_users ? "user" : "address", proposal.one_in));
  if (proposal.out_of_order > proposal.late) {
    // The oldest of all may be among those that could not be put in order.
    const std::string by =
        proposal.late == 0 ? ", by up to " + format_duration(proposal.out_of_order_worst) : "";
    all.push_back(fmt::format(
        "{} requests were older than one before them{}: they were put in order. Sort the log for "
        "replay, which counts them at the later time.",
        grouped(proposal.out_of_order - proposal.late), by));
  }
  if (proposal.strange_tiers != 0)
    all.push_back(
        fmt::format("{} tiers of the log have names that no configuration takes: they count as {}.",
                    proposal.strange_tiers, proposal.tiers.back()));
  if (proposal.knows_tiers && proposal.tiers.size() > 1)
    all.emplace_back("The order of tiers is a guess (those with fewer requests first): check it.");
  return all;
}

}  // namespace tidelimit::cli
