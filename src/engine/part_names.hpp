#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tidelimit::engine {

// The parts that have a mode go by "forecast", "anomaly", "rules" and "all", and one by one by
// "rule/NAME" and "endpoint/NAME".

inline constexpr std::string_view kRulePart = "rule/";
inline constexpr std::string_view kEndpointPart = "endpoint/";

[[nodiscard]] inline std::string rule_part(std::string_view rule) {
  return std::string(kRulePart).append(rule);
}
[[nodiscard]] inline std::string endpoint_part(std::string_view endpoint) {
  return std::string(kEndpointPart).append(endpoint);
}

/// The rule or endpoint that a part is; nullopt where it is none.
[[nodiscard]] inline std::optional<std::string_view> rule_of(std::string_view part) {
  if (!part.starts_with(kRulePart)) return std::nullopt;
  return part.substr(kRulePart.size());
}
[[nodiscard]] inline std::optional<std::string_view> endpoint_of(std::string_view part) {
  if (!part.starts_with(kEndpointPart)) return std::nullopt;
  return part.substr(kEndpointPart.size());
}

}  // namespace tidelimit::engine
