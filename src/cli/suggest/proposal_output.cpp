#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/figures.hpp"
#include "base/text.hpp"
#include "cli/suggest/proposal_words.hpp"
#include "cli/text_table.hpp"

namespace tidelimit::cli {
namespace {

using Json = nlohmann::ordered_json;

TextTable limits_table(const Proposal& proposal) {
  using Align = TextTable::Align;
  std::vector<std::string> head = {"endpoint", "match",
                                   "requests", "priority",
                                   "tier",     "limit",
                                   "99 %",     share_text(proposal.options.share),
                                   "busiest",  principals_word(proposal),
                                   "touched",  "refused"};
  std::vector<Align> align(head.size(), Align::right);
  for (const std::size_t words : {0, 1, 3, 4}) align[words] = Align::left;
  TextTable table(std::move(head), std::move(align));
  for (const EndpointProposal& endpoint : proposal.endpoints) {
    bool first = true;
    for (const LimitProposal& limit : endpoint.limits) {
      std::vector<std::string> row = {
          first ? printable(endpoint.name, 40) : "", first ? printable(endpoint.match, 40) : "",
          first ? share_text(endpoint.share) : "",
          first ? limiter::to_string(endpoint.priority) : "", printable(limit.tier, 20)};
      row.push_back(limit.per_minute == 0 ? "none" : fmt::format("{}/min", limit.per_minute));
      if (limit.principals == 0)
        row.insert(row.end(), {"-", "-", "-", "0", "-", "-"});
      else
        row.insert(row.end(), {std::to_string(limit.needed_at_99),
                               std::to_string(limit.needed) + (limit.set_by_busiest ? "*" : ""),
                               std::to_string(limit.busiest), std::to_string(limit.principals),
                               share_text(touched_share(limit)), grouped(limit.refused)});
      table.add(std::move(row));
      first = false;
    }
  }
  return table;
}

Json refused_json(const Refused& refused) {
  return {{"principals", refused.principals},
          {"touched", refused.touched},
          {"requests", refused.requests},
          {"refused", refused.refused},
          {"refused_share", refused_share(refused)}};
}

}  // namespace

std::string proposal_text(const Proposal& proposal, const std::string& file) {
  std::string text = fmt::format("{}: drawn from {}\n{}{}\n", file, whence(proposal),
                                 limits_table(proposal).text(), refused_in_words(proposal));
  for (const std::string& warning : warnings(proposal)) text += "warning: " + warning + "\n";
  for (const std::string& note : notes(proposal)) text += note + "\n";
  return text + "The file denies nothing yet (mode: shadow). Next: tidelimit replay --config " +
         file + " INPUT\n";
}

std::string proposal_json(const Proposal& proposal) {
  Json endpoints = Json::array();
  for (const EndpointProposal& endpoint : proposal.endpoints) {
    Json limits = Json::object();
    for (const LimitProposal& limit : endpoint.limits) {
      if (limit.per_minute == 0) continue;
      limits[printable(limit.tier)] = {{"limit_per_minute", limit.per_minute},
                                       {"principals", limit.principals},
                                       {"needed_at_99_per_minute", limit.needed_at_99},
                                       {"needed_per_minute", limit.needed},
                                       {"busiest_per_minute", limit.busiest},
                                       {"set_by_busiest", limit.set_by_busiest},
                                       {"touched", limit.touched},
                                       {"touched_share", touched_share(limit)},
                                       {"refused", limit.refused},
                                       {"odd_touched", limit.odd_touched},
                                       {"odd_refused", limit.odd_refused},
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
                     {"out_of_order", proposal.out_of_order},
                     {"late", proposal.late},
                     {"warnings", warnings(proposal)},
                     {"well_behaved", refused_json(proposal.good)},
                     {"odd", refused_json(proposal.odd)},
                     {"tiers", proposal.tiers},
                     {"endpoints", std::move(endpoints)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace tidelimit::cli
