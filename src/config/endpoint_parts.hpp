#pragma once

#include "config/sections.hpp"

namespace tidelimit::config {

// The parts of an endpoint.

/// `/users/*/orders`, normalised. What other routers write for the same is warned of.
[[nodiscard]] std::optional<std::string> read_pattern(const Field& field, Report& report);
/// `limits: { PRM: 300/min, STD: { rate: 100/min, burst: 20 }, client: 30/min }`
void read_limits(const Field& field, const Config& config, policy::EndpointSettings& endpoint,
                 Report& report);
/// `concurrency: { PRM: 50, STD: 5, timeout: 30s }`
void read_concurrency(const Field& field, const Config& config, policy::EndpointSettings& endpoint,
                      Report& report);

}  // namespace tidelimit::config
