#include "policy/renumbering.hpp"

#include <string>
#include <string_view>
#include <unordered_map>

namespace tidelimit::policy {
namespace {

const std::string& name_of(const EndpointSettings& endpoint) {
  return endpoint.name;
}
const std::string& name_of(const std::string& tier) {
  return tier;
}

/// Of each of `after`, where the one of the same name stands in `before`.
template <class Named>
std::vector<std::optional<std::size_t>> places(const std::vector<Named>& before,
                                               const std::vector<Named>& after) {
  std::unordered_map<std::string_view, std::size_t> old;
  for (std::size_t i = 0; i < before.size(); ++i) old.emplace(name_of(before[i]), i);
  std::vector<std::optional<std::size_t>> found(after.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (const auto at = old.find(name_of(after[i])); at != old.end()) found[i] = at->second;
  }
  return found;
}

}  // namespace

Renumbering::Renumbering(const PolicySettings& before, const PolicySettings& after)
    : endpoints(places(before.endpoints, after.endpoints)),
      tiers(places(before.tiers, after.tiers)),
      tiers_before(before.tiers.size()) {}

std::optional<std::size_t> Renumbering::cell(std::size_t endpoint, std::size_t tier) const {
  if (!endpoints[endpoint] || !tiers[tier]) return std::nullopt;
  return *endpoints[endpoint] * tiers_before + *tiers[tier];
}

}  // namespace tidelimit::policy
