#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "limiter/plan.hpp"
#include "limiter/snapshot.hpp"
#include "serve/domains/domain_table.hpp"

namespace tidelimit::serve {

/// Of a request whose caller names none.
inline constexpr std::string_view kDefaultMethod = "GET";

/// What the fronts need of one configuration, worked out beforehand. Immutable; published whole.
struct FrontSettings {
  /// A limit as RateLimit fields and other answers name it.
  struct Policy {
    std::string name;  ///< "browse-STD"
    std::string item;  ///< a Structured Fields string, quotes included: "\"browse-STD\""
    Nanos period{std::chrono::minutes{1}};  ///< of the configured rate: the `w` of its quota
  };
  struct Policies {
    Policy principal;
    Policy client;       ///< "browse-STD-address"
    Policy total;        ///< "browse-STD-total"
    Policy concurrency;  ///< "browse-STD-concurrency"
  };

  std::uint64_t epoch = 0;  ///< grows with every configuration
  config::Config config;
  std::size_t tiers = 1;
  std::vector<Policies> policies;  ///< row-major [endpoint][tier]
  DomainTable domains;             ///< of `ratelimit.domains`

  /// Null for ids of another configuration, as seen in the moment of a reload.
  [[nodiscard]] const Policies* of_cell(limiter::EndpointId endpoint, limiter::TierId tier) const {
    const std::size_t at = index(endpoint) * tiers + index(tier);
    return index(tier) < tiers && at < policies.size() ? &policies[at] : nullptr;
  }
  /// Whether this address is one of `identity.trusted_proxies`.
  [[nodiscard]] bool trusts(const Address& address) const;
};

using SettingsSlot = limiter::SnapshotSlot<FrontSettings>;
using SettingsReader = limiter::SnapshotReader<FrontSettings>;

/// `before`: those that it stands in for, whose counts go on; null: none.
[[nodiscard]] std::shared_ptr<const FrontSettings> make_front_settings(
    config::Config config, std::uint64_t epoch, const FrontSettings* before = nullptr);

}  // namespace tidelimit::serve
