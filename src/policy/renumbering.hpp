#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "policy/settings.hpp"

namespace tidelimit::policy {

/// Where the endpoints and tiers of a new configuration stood in the old one.
struct Renumbering {
  std::vector<std::optional<std::size_t>> endpoints;
  std::vector<std::optional<std::size_t>> tiers;
  std::size_t tiers_before = 0;

  Renumbering(const PolicySettings& before, const PolicySettings& after);
  /// Old index of the cell [endpoint][tier].
  [[nodiscard]] std::optional<std::size_t> cell(std::size_t endpoint, std::size_t tier) const;
};

}  // namespace tidelimit::policy
