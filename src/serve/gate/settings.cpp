#include "serve/gate/settings.hpp"

#include <algorithm>

#include "base/structured_field.hpp"

namespace tidelimit::serve {
namespace {

FrontSettings::Policy named(std::string name, const std::optional<Rate>& rate) {
  FrontSettings::Policy made;
  made.item = structured_string(name);
  made.name = std::move(name);
  if (rate) made.period = rate->period;
  return made;
}

}  // namespace

bool FrontSettings::trusts(const Address& address) const {
  const auto& trusted = config.identity.trusted_proxies;
  return std::any_of(trusted.begin(), trusted.end(),
                     [&](const Prefix& prefix) { return prefix.contains(address); });
}

std::shared_ptr<const FrontSettings> make_front_settings(config::Config config, std::uint64_t epoch,
                                                         const FrontSettings* before) {
  auto made = std::make_shared<FrontSettings>();
  made->epoch = epoch;
  const policy::PolicySettings& policies = config.engine.policy;
  made->tiers = policies.tiers.size();
  for (const policy::EndpointSettings& endpoint : policies.endpoints) {
    for (std::size_t tier = 0; tier < policies.tiers.size(); ++tier) {
      const policy::LimitSpec limit =
          tier < endpoint.limits.size() ? endpoint.limits[tier] : policy::LimitSpec{};
      const std::string name = endpoint.name + "-" + policies.tiers[tier];
      made->policies.push_back(
          {named(name, limit.rate), named(name + "-address", endpoint.client.rate),
           named(name + "-total", limit.total), named(name + "-concurrency", {})});
    }
  }
  made->domains = DomainTable(config.domains.files, config.domains.counting,
                              before != nullptr ? &before->domains : nullptr);
  made->config = std::move(config);
  return made;
}

}  // namespace tidelimit::serve
