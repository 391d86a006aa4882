#include "cli/import/settling.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <tuple>

#include "base/endpoint_name.hpp"
#include "cli/import/pattern.hpp"

namespace tidelimit::cli {
namespace {

/// The most generous first; the last one is for all that no descriptor names.
void order_tiers(Translation& done) {
  std::map<std::string, double> most;
  const auto look = [&](const DraftEndpoint& endpoint) {
    for (const auto* limits : {&endpoint.principal, &endpoint.total})
      for (const auto& [tier, limit] : *limits)
        most[tier] = std::max(most[tier], limit.rate ? limit.rate->per_second() : 1e18);
  };
  for (const DraftEndpoint& endpoint : done.endpoints) look(endpoint);
  most.erase("");
  for (const auto& [tier, rate] : most) done.tiers.push_back(tier);
  std::stable_sort(done.tiers.begin(), done.tiers.end(),
                   [&](const std::string& a, const std::string& b) { return most[a] > most[b]; });
  std::string rest = "STD";
  while (most.count(rest) != 0) rest += "-REST";
  done.tiers.push_back(rest);
  done.default_tier = std::move(rest);
}

/// As they are looked up there: whole paths first, then patterns in their order; here, besides, one
/// method before any.
void order_endpoints(Translation& done) {
  std::map<std::string, std::size_t> first;
  const auto others = done.endpoints.end() - 1;
  for (const DraftEndpoint& endpoint : done.endpoints)
    first.emplace(endpoint.pattern, first.size());
  const auto key = [&](const DraftEndpoint& endpoint) {
    const bool every = endpoint.pattern == "/**";
    const bool wildcard = endpoint.pattern.find('*') != std::string::npos;
    return std::tuple(every && !endpoint.method.empty(), wildcard, first.at(endpoint.pattern),
                      endpoint.method.empty());
  };
  std::stable_sort(done.endpoints.begin(), others,
                   [&](const auto& a, const auto& b) { return key(a) < key(b); });
}

void name_endpoints(Translation& done) {
  done.endpoints.back().name = kOtherEndpoint;
  FreeNames names(done.tiers);
  for (DraftEndpoint& endpoint : done.endpoints) {
    if (!endpoint.pattern.empty())
      endpoint.name = names.take(endpoint_name(endpoint.pattern, endpoint.method));
  }
}

/// What held for every path stands on `other`, and there alone.
void remark_other(Translation& done) {
  if (done.endpoints.size() == 1) return;
  const DraftEndpoint& other = done.endpoints.back();
  const auto say = [&](const DraftLimit& limit) {
    done.remarks.push_back(
        {limit.origin, "it counted the requests to all paths; here those that no endpoint matches",
         "add the limit to the endpoints that it is meant for"});
  };
  for (const auto* limits : {&other.principal, &other.total})
    for (const auto& [tier, limit] : *limits) say(limit);
  if (other.client) say(*other.client);
}

/// One total of all tiers can't be said where there are several.
void settle_totals(Translation& done, const DraftEndpoint& endpoint) {
  const auto all = endpoint.total.find("");
  if (all == endpoint.total.end() || !all->second.rate || done.tiers.size() == 1) return;
  done.remarks.push_back(
      {all->second.origin,
       fmt::format("it counted all tiers together; here each of the {} tiers has "
                   "that total",
                   done.tiers.size()),
       "share it out over the tiers"});
}

/// shadow_mode is the mode of an endpoint; beside limits that hold, what only shadows is left out.
void settle_shadow(Translation& done, DraftEndpoint& endpoint) {
  std::size_t limits = 0;
  std::vector<const DraftLimit*> shadows;
  const auto look = [&](const DraftLimit& limit) {
    ++limits;
    if (limit.shadow) shadows.push_back(&limit);
  };
  for (const auto* each : {&endpoint.principal, &endpoint.total})
    for (const auto& [tier, limit] : *each) look(limit);
  if (endpoint.client) look(*endpoint.client);
  endpoint.shadow = limits != 0 && shadows.size() == limits;
  if (endpoint.shadow) return;
  for (const DraftLimit* limit : shadows)
    done.remarks.push_back(
        {limit->origin,
         fmt::format("shadow_mode is the mode of a whole endpoint, and other limits "
                     "of \"{}\" hold: left out",
                     endpoint.name),
         "try it alone first: replay it, or mode: shadow on the endpoint"});
  const auto drop = [](auto& each) {
    std::erase_if(each, [](const auto& item) { return item.second.shadow; });
  };
  drop(endpoint.principal);
  drop(endpoint.total);
  if (endpoint.client && endpoint.client->shadow) endpoint.client.reset();
}

/// Files stand in the order in which they were read, as remarks were made.
void order_remarks(Translation& done) {
  std::map<std::filesystem::path, std::size_t> file;
  for (const Remark& remark : done.remarks) file.emplace(remark.origin.file, file.size());
  const auto key = [&](const Remark& remark) {
    return std::pair(file.at(remark.origin.file), remark.origin.line);
  };
  std::stable_sort(done.remarks.begin(), done.remarks.end(),
                   [&](const Remark& a, const Remark& b) { return key(a) < key(b); });
}

}  // namespace

void settle(Translation& done) {
  order_tiers(done);
  order_endpoints(done);
  name_endpoints(done);
  remark_other(done);
  for (DraftEndpoint& endpoint : done.endpoints) {
    settle_totals(done, endpoint);
    settle_shadow(done, endpoint);
  }
  order_remarks(done);
}

}  // namespace tidelimit::cli
