#include "engine/routes.hpp"

#include <algorithm>

#include "base/path.hpp"
#include "base/text.hpp"

namespace tidelimit::engine {
namespace {

using limiter::EndpointId;
using limiter::TierId;

bool is_tree(const std::string& pattern) {
  return pattern.ends_with("/**") && pattern.find('*') == pattern.size() - 2;
}

/// HEAD is GET without the body: where a service serves one it serves the other, at the same cost.
bool takes_method(const std::string& wanted, std::string_view method) {
  return equals_ignoring_case(wanted, method) ||
         (wanted == "GET" && equals_ignoring_case(method, "HEAD"));
}

/// "/payment" of "/payment/**", which matches that path itself too; "/a/" of "/a/*/b".
std::string literal_of(const std::string& pattern) {
  return pattern.substr(0, is_tree(pattern) ? pattern.size() - 3 : pattern.find('*'));
}

}  // namespace

Routes::Routes(const policy::PolicySettings& settings, std::vector<std::string> agent_patterns,
               std::uint32_t epoch)
    : epoch_(epoch),
      rolls_out_(settings.rolls_out()),
      tiers_(settings.tiers),
      agent_patterns_(std::move(agent_patterns)) {
  for (std::size_t i = 0; i < settings.endpoints.size(); ++i) {
    const policy::EndpointSettings& endpoint = settings.endpoints[i];
    endpoints_.push_back(endpoint.name);
    for (const std::string& pattern : endpoint.match) {
      routes_.push_back({pattern, literal_of(pattern), is_tree(pattern),
                         EndpointId{static_cast<std::uint16_t>(i)}, endpoint.methods});
    }
  }
  for (const policy::Rule& rule : settings.rules) rules_.push_back(rule.name);
  const auto found = std::find(tiers_.begin(), tiers_.end(), settings.default_tier);
  // A default that is no tier is refused by config/; the least important one is the safe reading.
  const auto position = found != tiers_.end() ? found - tiers_.begin()
                                              : static_cast<std::ptrdiff_t>(tiers_.size()) - 1;
  default_tier_ = TierId{static_cast<std::uint8_t>(position)};
}

bool Routes::takes(const Route& route, std::string_view method, std::string_view path) {
  const std::size_t size = route.literal.size();
  // By its length alone most others are refused.
  if (route.is_tree && path.size() > size && path[size] != '/') return false;
  if (!starts_ignoring_case(path, route.literal)) return false;
  if (!route.is_tree && !path_matches(route.pattern, path)) return false;
  if (route.methods.empty()) return true;
  return std::any_of(route.methods.begin(), route.methods.end(),
                     [&](const std::string& wanted) { return takes_method(wanted, method); });
}

const Routes::Route* Routes::find(std::string_view method, std::string_view path) const {
  const auto route = std::find_if(routes_.begin(), routes_.end(), [&](const Route& candidate) {
    return takes(candidate, method, path);
  });
  return route != routes_.end() ? &*route : nullptr;
}

EndpointId Routes::endpoint_of(const Route* route) const {
  return route != nullptr ? route->endpoint
                          : EndpointId{static_cast<std::uint16_t>(endpoints_.size() - 1)};
}

void Routes::find_others(const traffic::Request& request, Identity& identity) const {
  std::string buffer;
  for (const PathReading reading : other_readings()) {
    const std::string_view path = normalise_path(request.path, buffer, reading);
    const EndpointId endpoint = endpoint_of(find(request.method, path));
    const auto known = identity.others.begin() + identity.other_count;
    if (endpoint != identity.endpoint &&
        std::find(identity.others.begin(), known, endpoint) == known)
      identity.others[identity.other_count++] = endpoint;
  }
}

Identity Routes::identify(const traffic::Request& request, std::string& buffer) const {
  Identity identity;
  identity.path = normalise_path(request.path, buffer);
  const Route* route = request.path.empty() ? nullptr : find(request.method, identity.path);
  identity.known_path = route != nullptr;
  identity.endpoint = endpoint_of(route);
  // A path that was normal as it came is in no buffer, and every server reads it alike.
  if (identity.path.data() == buffer.data() && has_other_readings(request.path)) [[unlikely]]
    find_others(request, identity);
  identity.tier = default_tier_;
  if (!request.tier.empty()) {
    const auto tier = std::find(tiers_.begin(), tiers_.end(), request.tier);
    identity.known_tier = tier != tiers_.end();
    if (identity.known_tier)
      identity.tier = TierId{static_cast<std::uint8_t>(tier - tiers_.begin())};
  }
  for (std::size_t i = 0; i < agent_patterns_.size(); ++i) {
    if (!request.user_agent.empty() && glob_match(agent_patterns_[i], request.user_agent))
      identity.agent_classes = static_cast<std::uint8_t>(identity.agent_classes | 1u << i);
  }
  return identity;
}

}  // namespace tidelimit::engine
