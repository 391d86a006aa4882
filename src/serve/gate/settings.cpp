#include "serve/gate/settings.hpp"

#include <algorithm>

#include "base/structured_field.hpp"

namespace tidelimit::serve {
bool FrontSettings::trusts(const Address& address) const {
  const auto& trusted = config.identity.trusted_proxies;
  return std::any_of(trusted.begin(), trusted.end(),
                     [&](const Prefix& prefix) { return prefix.contains(address); });
}

std::shared_ptr<const FrontSettings> make_front_settings(config::Config config, std::uint64_t epoch,
                                                         const FrontSettings* before) {
  auto made = std::make_shared<FrontSettings>();
  made->epoch = epoch;
  const policy::PolicySettings& policy = config.engine.policy;
  made->tiers = policy.tiers.size();
  for (const policy::EndpointSettings& endpoint : policy.endpoints) {
    for (std::size_t tier = 0; tier < policy.tiers.size(); ++tier) {
      FrontSettings::Policy& cell = made->policies.emplace_back();
      cell.name = endpoint.name + "-" + policy.tiers[tier];
      cell.item = structured_string(cell.name);
      cell.concurrency_item = structured_string(cell.name + "-concurrency");
      if (tier < endpoint.limits.size() && endpoint.limits[tier].rate)
        cell.period = endpoint.limits[tier].rate->period;
    }
  }
  made->domains = DomainTable(config.domains.files, config.domains.counting,
                              before != nullptr ? &before->domains : nullptr);
  made->config = std::move(config);
  return made;
}

}  // namespace tidelimit::serve
