#pragma once

#include "config/config.hpp"
#include "config/values.hpp"

namespace tidelimit::config {

// The sections of a configuration, each read into `config`. Tiers come before endpoints, endpoints
// before upstreams, rules and `adapt`, since the later ones name the earlier.

void read_tiers(Section& top, Config& config, Report& report);
void read_endpoints(Section& top, Config& config, Report& report);
/// A capacity: a rate, `learned`, or `{ learned: { ceiling: 500/s } }`.
struct Capacity {
  std::optional<Rate> rate;
  std::optional<policy::LearnedCapacity> learned;
};
[[nodiscard]] std::optional<Capacity> read_capacity(const Field& field, Report& report);
/// Capacities that endpoints share.
void read_upstreams(Section& top, Config& config, Report& report);
void read_rules(Section& top, Config& config, Report& report);
void read_adapt(Section& top, Config& config, Report& report);

void read_listen(Section& top, Config& config, Report& report);
void read_identity(Section& top, Config& config, Report& report);
/// Whether a prefix is wider than any network of one owner: over /8, or /32 of IPv6.
[[nodiscard]] bool takes_in_strangers(const Prefix& prefix);
void read_forecast(Section& top, Config& config, Report& report);
void read_anomaly(Section& top, Config& config, Report& report);
void read_deny(Section& top, Config& config, Report& report);
/// How Envoy's rate limit service is spoken to.
void read_ratelimit(Section& top, Config& config, Report& report);
/// Where load figures come from.
void read_signals(Section& top, Config& config, Report& report);
/// Reads the files of `config.domains`; one Error with a line per mistake.
[[nodiscard]] Result<void> read_domains(Config& config);
void read_admin(Section& top, Config& config, Report& report);
/// memory, retention, state, upstream.
void read_service(Section& top, Config& config, Report& report);

/// What sections say that does not go together. After all of them.
void check_together(const YAML::Node& top, const Config& config, Report& report);
/// That what stands where the gate's files go is none of something else; one Error with a line per
/// mistake.
[[nodiscard]] Result<void> check_places(const Config& config);

/// A path of the file system, taken from the configuration's folder.
[[nodiscard]] std::optional<std::filesystem::path> read_path(const Field& field,
                                                             const Config& config, Report& report);
[[nodiscard]] std::vector<std::string_view> tier_names(const Config& config);
[[nodiscard]] std::vector<std::string_view> endpoint_names(const Config& config);
[[nodiscard]] bool contains(const std::vector<std::string_view>& names, std::string_view name);

/// A name out of `known`, else a mistake that says which there are.
[[nodiscard]] std::optional<std::string> read_known(const Field& field, std::string_view kind,
                                                    const std::vector<std::string_view>& known,
                                                    Report& report);
/// A list of such names, each once.
[[nodiscard]] std::vector<std::string> read_known_list(const Field& field, std::string_view kind,
                                                       const std::vector<std::string_view>& known,
                                                       Report& report);

}  // namespace tidelimit::config
