#include "cli/import/settling.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <tuple>

#include "base/endpoint_name.hpp"
#include "base/text.hpp"
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
/// method before any, HEAD before GET, which stands for both, and methods on every path last.
void order_endpoints(Translation& done) {
  std::map<std::string, std::size_t> first;
  const auto others = done.endpoints.end() - 1;
  const auto every = [](const DraftEndpoint& endpoint) { return endpoint.pattern == "/**"; };
  for (const DraftEndpoint& endpoint : done.endpoints)
    if (!every(endpoint) || endpoint.method.empty()) first.emplace(endpoint.pattern, first.size());
  const bool by_path = first.count("/**") != 0;
  first.emplace("/**", first.size());
  const auto key = [&](const DraftEndpoint& endpoint) {
    const bool wildcard = endpoint.pattern.find('*') != std::string::npos;
    return std::tuple(every(endpoint) && !by_path, wildcard, first.at(endpoint.pattern),
                      endpoint.method.empty(), !equals_ignoring_case(endpoint.method, "HEAD"));
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

/// The path alone, or that before the ** of a pattern.
std::string_view stem_of(std::string_view pattern) {
  return pattern.ends_with("**") ? pattern.substr(0, pattern.size() - 2) : pattern;
}

/// Whether some path matches both.
bool share_paths(std::string_view a, std::string_view b) {
  const bool a_wild = a.ends_with("**");
  const bool b_wild = b.ends_with("**");
  const std::string_view x = stem_of(a);
  const std::string_view y = stem_of(b);
  if (!a_wild && !b_wild) return equals_ignoring_case(x, y);
  // "/a" is of "/a/**", too.
  const auto within = [](std::string_view path, std::string_view stem) {
    return starts_ignoring_case(path, stem) ||
           equals_ignoring_case(path, stem.substr(0, stem.size() - 1));
  };
  return (b_wild && within(x, y)) || (a_wild && within(y, x));
}

bool share_methods(std::string_view a, std::string_view b) {
  const auto get_too = [](std::string_view get, std::string_view head) {
    return equals_ignoring_case(get, "GET") && equals_ignoring_case(head, "HEAD");
  };
  return a.empty() || b.empty() || equals_ignoring_case(a, b) || get_too(a, b) || get_too(b, a);
}

/// Descriptors of a path, of a method and of both hold together there; an endpoint holds alone.
/// (Those that say the same stand in for one another: the first that matches holds, as here.)
void remark_overlaps(Translation& done) {
  constexpr std::size_t kNamed = 5;
  const auto each_limit = [](const DraftEndpoint& endpoint, const auto& look) {
    for (const auto* limits : {&endpoint.principal, &endpoint.total})
      for (const auto& [tier, limit] : *limits) look(limit);
    if (endpoint.client) look(*endpoint.client);
  };
  for (auto later = done.endpoints.begin(); later != done.endpoints.end() - 1; ++later) {
    each_limit(*later, [&](const DraftLimit& limit) {
      if (!limit.rate) return;
      std::vector<std::string> beside;
      for (auto earlier = done.endpoints.begin(); earlier != later; ++earlier) {
        if (!share_paths(earlier->pattern, later->pattern) ||
            !share_methods(earlier->method, later->method))
          continue;
        bool together = false;
        each_limit(*earlier, [&](const DraftLimit& other) {
          together =
              together || other.by_path != limit.by_path || other.by_method != limit.by_method;
        });
        if (together) beside.push_back(earlier->name);
      }
      if (beside.empty()) return;
      const std::size_t more = beside.size() - std::min(beside.size(), kNamed);
      beside.resize(beside.size() - more);
      done.remarks.push_back(
          {limit.origin,
           fmt::format("it counted requests of {}{} too; here those meet the limits of their "
                       "own endpoint alone",
                       fmt::join(beside, ", "), more == 0 ? "" : fmt::format(" and {} more", more)),
           "lower those endpoints' limits to it where it is the stricter"});
    });
  }
}

/// One total of all tiers can't be said where there are several.
void settle_totals(Translation& done, const DraftEndpoint& endpoint) {
  const auto all = endpoint.total.find("");
  if (all == endpoint.total.end() || !all->second.rate || done.tiers.size() == 1) return;
  const std::size_t others = endpoint.total.size() - 1;
  const std::string whose =
      others == 0 ? fmt::format("each of the {} tiers has that total", done.tiers.size())
                  : std::string("each tier without a total of its own has it");
  done.remarks.push_back({all->second.origin, "it counted all tiers together; here " + whose,
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
  remark_overlaps(done);
  for (DraftEndpoint& endpoint : done.endpoints) {
    settle_totals(done, endpoint);
    settle_shadow(done, endpoint);
  }
  order_remarks(done);
}

}  // namespace tidelimit::cli
