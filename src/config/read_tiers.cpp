#include <algorithm>
#include <fmt/format.h>

#include "base/endpoint_name.hpp"
#include "config/sections.hpp"

namespace tidelimit::config {

using limiter::kMaxTiers;

std::vector<std::string_view> tier_names(const Config& config) {
  const auto& tiers = config.engine.policy.tiers;
  return {tiers.begin(), tiers.end()};
}

bool contains(const std::vector<std::string_view>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void read_tiers(Section& top, Config& config, Report& report) {
  auto& policy = config.engine.policy;
  if (const auto field = top.take("tiers")) {
    policy.tiers.clear();
    for (const auto& item : read_items(*field, report)) {
      const auto name = read_name(item, report);
      if (!name) continue;
      if (reserved_tier(*name)) {
        report.mistake(item.line,
                       fmt::format("tiers: \"{}\" is a word of the configuration: choose "
                                   "another name",
                                   *name));
      } else if (contains(tier_names(config), *name)) {
        report.mistake(item.line, fmt::format("tiers: \"{}\" stands twice: remove one", *name));
      } else {
        policy.tiers.push_back(*name);
      }
    }
    if (field->node.IsSequence() && field->node.size() == 0) {
      report.mistake(field->line, "tiers is an empty list: name at least one, or remove it");
    }
    if (policy.tiers.size() > kMaxTiers) {
      report.mistake(field->line, fmt::format("tiers has {} names, more than {}",
                                              policy.tiers.size(), kMaxTiers));
    }
  }
  if (policy.tiers.empty()) policy.tiers.emplace_back("STD");
  policy.default_tier = policy.tiers.back();
}

}  // namespace tidelimit::config
