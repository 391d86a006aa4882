#pragma once

#include "config/config.hpp"
#include "config/reader.hpp"

namespace tidelimit::config {

// The sections of a configuration, each read into `config`. Tiers come before endpoints, endpoints
// before rules and `adapt`, since the later ones name the earlier.

void read_tiers(Section& top, Config& config, Report& report);
void read_endpoints(Section& top, Config& config, Report& report);
void read_rules(Section& top, Config& config, Report& report);
void read_adapt(Section& top, Config& config, Report& report);

void read_listen(Section& top, Config& config, Report& report);
void read_identity(Section& top, Config& config, Report& report);
void read_forecast(Section& top, Config& config, Report& report);
void read_anomaly(Section& top, Config& config, Report& report);
void read_deny(Section& top, Config& config, Report& report);
/// How Envoy's rate limit service is spoken to.
void read_ratelimit(Section& top, Config& config, Report& report);
/// admin, memory, retention, state, upstream.
void read_service(Section& top, Config& config, Report& report);

[[nodiscard]] std::vector<std::string_view> tier_names(const Config& config);
[[nodiscard]] std::vector<std::string_view> endpoint_names(const Config& config);
[[nodiscard]] bool contains(const std::vector<std::string_view>& names, std::string_view name);

}  // namespace tidelimit::config
