#include "cli/offline/survey.hpp"

#include <algorithm>

#include "base/endpoint_name.hpp"

namespace tidelimit::cli {
namespace {

constexpr std::size_t kTiersCounted = 64;
constexpr std::size_t kTiersMost = 16;

void put_tiers(config::Config& config, const Survey& survey) {
  auto tiers = survey.tiers();
  if (tiers.empty()) return;
  auto& policy = config.engine.policy;
  policy.default_tier = tiers.back();
  policy.tiers = std::move(tiers);
  for (auto& endpoint : policy.endpoints) endpoint.limits.resize(policy.tiers.size());
}

/// Before `other`, which stays last.
void put_endpoint(config::Config& config, std::string name, std::string match) {
  policy::EndpointSettings endpoint;
  endpoint.name = std::move(name);
  endpoint.match = {std::move(match)};
  auto& endpoints = config.engine.policy.endpoints;
  endpoint.limits.resize(config.engine.policy.tiers.size());
  endpoints.insert(endpoints.end() - 1, std::move(endpoint));
}

}  // namespace

Survey::Survey() : tiers_(kTiersCounted) {}

std::vector<std::string> Survey::tiers() const {
  std::vector<std::string> names;
  for (auto& entry : tiers_.top(kTiersMost)) names.push_back(std::move(entry.key));
  std::reverse(names.begin(), names.end());
  return names;
}

config::Config config_from(const Survey& survey) {
  config::Config config = config::defaults();
  put_tiers(config, survey);
  for (auto& found : survey.endpoints(config.engine.policy.tiers).endpoints) {
    put_endpoint(config, std::move(found.name), std::move(found.match));
  }
  return config;
}

config::Config config_from(const Survey& survey, const std::vector<std::string>& endpoints) {
  config::Config config = config::defaults();
  put_tiers(config, survey);
  // Names of segments that are no plain words were changed by the discovery, which knows their
  // patterns where it meets them again.
  const auto found = survey.endpoints(config.engine.policy.tiers).endpoints;
  for (const std::string& name : endpoints) {
    if (name == kOtherEndpoint) continue;
    const auto known =
        std::find_if(found.begin(), found.end(), [&](const auto& f) { return f.name == name; });
    put_endpoint(config, name,
                 known != found.end() ? known->match : (name == "root" ? "/" : "/" + name + "/**"));
  }
  return config;
}

}  // namespace tidelimit::cli
