#include "engine/routes.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/path.hpp"
#include "base/text.hpp"

namespace tidelimit::engine {
namespace {

using limiter::EndpointId;
using limiter::TierId;

// What is read of one target at most, beside the first reading: some tens of microseconds' work.
// A path with two oddities of 2.7 KB is within it, one with four of half a KB.
constexpr std::size_t kMostReadings = 15;
constexpr std::size_t kMostRead = 8 << 10;  // bytes, of all of them together

/// HEAD is GET without the body: where a service serves one it serves the other, at the same cost.
bool takes_method(const std::string& wanted, std::string_view method) {
  return equals_ignoring_case(wanted, method) ||
         (wanted == "GET" && equals_ignoring_case(method, "HEAD"));
}

bool takes_method(const std::vector<std::string>& methods, std::string_view method) {
  return methods.empty() || std::any_of(methods.begin(), methods.end(), [&](const auto& wanted) {
           return takes_method(wanted, method);
         });
}

std::vector<std::string> patterns_of(const policy::PolicySettings& settings) {
  std::vector<std::string> patterns;
  for (const policy::EndpointSettings& endpoint : settings.endpoints)
    patterns.insert(patterns.end(), endpoint.match.begin(), endpoint.match.end());
  return patterns;
}

/// What a principal of this tier may at most, as far as the configuration says.
double rate_of(const policy::EndpointSettings& endpoint, std::size_t tier) {
  double rate = std::numeric_limits<double>::infinity();
  if (endpoint.mode.mode != policy::Mode::enforce) return rate;
  const auto meet = [&](const policy::LimitSpec& limit) {
    for (const auto& one : {limit.rate, limit.total})
      if (one) rate = std::min(rate, one->per_second());
  };
  meet(endpoint.client);
  if (tier < endpoint.limits.size()) meet(endpoint.limits[tier]);
  return rate;
}

std::vector<EndpointId> strictest_of(const policy::PolicySettings& settings, std::size_t tier) {
  std::vector<EndpointId> ids;
  for (std::size_t i = 0; i < settings.endpoints.size(); ++i)
    ids.push_back(EndpointId{static_cast<std::uint16_t>(i)});
  const auto rate = [&](EndpointId id) {
    return rate_of(settings.endpoints[limiter::index(id)], tier);
  };
  std::stable_sort(ids.begin(), ids.end(),
                   [&](EndpointId a, EndpointId b) { return rate(a) < rate(b); });
  ids.resize(std::min(ids.size(), kMostOthers + 1));  // one may be the request's own
  return ids;
}

}  // namespace

Routes::Routes(const policy::PolicySettings& settings, std::vector<std::string> agent_patterns,
               std::uint32_t epoch)
    : epoch_(epoch),
      rolls_out_(settings.rolls_out()),
      tiers_(settings.tiers),
      agent_patterns_(std::move(agent_patterns)),
      patterns_(patterns_of(settings)) {
  for (std::size_t i = 0; i < settings.endpoints.size(); ++i) {
    const policy::EndpointSettings& endpoint = settings.endpoints[i];
    endpoints_.push_back(endpoint.name);
    routes_.insert(routes_.end(), endpoint.match.size(),
                   {EndpointId{static_cast<std::uint16_t>(i)}, endpoint.methods});
  }
  for (const policy::Rule& rule : settings.rules) rules_.push_back(rule.name);
  for (std::size_t i = 0; i < tiers_.size(); ++i) strictest_.push_back(strictest_of(settings, i));
  const auto found = std::find(tiers_.begin(), tiers_.end(), settings.default_tier);
  // A default that is no tier is refused by config/; the least important one is the safe reading.
  const auto position = found != tiers_.end() ? found - tiers_.begin()
                                              : static_cast<std::ptrdiff_t>(tiers_.size()) - 1;
  default_tier_ = TierId{static_cast<std::uint8_t>(position)};
}

const Routes::Route* Routes::find(std::string_view method, std::string_view path) const {
  const std::uint32_t first = patterns_.first(
      path, [&](std::uint32_t pattern) { return takes_method(routes_[pattern].methods, method); });
  return first != PatternTree::kNone ? &routes_[first] : nullptr;
}

EndpointId Routes::endpoint_of(const Route* route) const {
  return route != nullptr ? route->endpoint
                          : EndpointId{static_cast<std::uint16_t>(endpoints_.size() - 1)};
}

/// False: there is no room for it.
bool Routes::add_other(EndpointId endpoint, Identity& identity) {
  const auto known = identity.others.begin() + identity.other_count;
  if (endpoint == identity.endpoint || std::find(identity.others.begin(), known, endpoint) != known)
    return true;
  if (known == identity.others.end()) return false;
  *known = endpoint;
  ++identity.other_count;
  return true;
}

/// False: these are not all of them.
bool Routes::find_others(const traffic::Request& request, PathReading rules, std::string& buffer,
                         Identity& identity) const {
  const std::size_t readings = (std::size_t{1} << std::popcount(rules)) - 1;
  if (readings_compose(rules) || readings > kMostReadings ||
      readings * request.path.size() > kMostRead)
    return false;
  bool room = true;
  for (PathReading reading = next_reading(0, rules); room && reading != 0;
       reading = next_reading(reading, rules)) {
    const std::string_view path = normalise_path(request.path, buffer, reading);
    room = add_other(endpoint_of(find(request.method, path)), identity);
  }
  identity.path = normalise_path(request.path, buffer);  // the others were written over it
  return room;
}

void Routes::take_strictest(Identity& identity) const {
  identity.other_count = 0;
  for (const EndpointId endpoint : strictest_[limiter::index(identity.tier)])
    if (!add_other(endpoint, identity)) return;
}

Identity Routes::identify(const traffic::Request& request, std::string& buffer) const {
  Identity identity;
  identity.path = normalise_path(request.path, buffer);
  const Route* route = request.path.empty() ? nullptr : find(request.method, identity.path);
  identity.known_path = route != nullptr;
  identity.endpoint = endpoint_of(route);
  identity.tier = default_tier_;
  if (!request.tier.empty()) {
    const auto tier = std::find(tiers_.begin(), tiers_.end(), request.tier);
    identity.known_tier = tier != tiers_.end();
    if (identity.known_tier)
      identity.tier = TierId{static_cast<std::uint8_t>(tier - tiers_.begin())};
  }
  // A path that was normal as it came is in no buffer, and every server reads it alike.
  if (identity.path.data() == buffer.data()) [[unlikely]] {
    const PathReading rules = differing_rules(request.path);
    if (rules != 0 && !find_others(request, rules, buffer, identity)) take_strictest(identity);
  }
  for (std::size_t i = 0; i < agent_patterns_.size(); ++i) {
    if (!request.user_agent.empty() && glob_match(agent_patterns_[i], request.user_agent))
      identity.agent_classes = static_cast<std::uint8_t>(identity.agent_classes | 1u << i);
  }
  return identity;
}

}  // namespace tidelimit::engine
