#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "engine/settings.hpp"

namespace tidelimit::config {

/// "127.0.0.1:8080", "[::1]:8080"; port 0 picks a free one.
struct HostPort {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  bool operator==(const HostPort&) const = default;
};

struct Listen {
  HostPort http{"127.0.0.1", 8080};
  std::optional<HostPort> syslog;
  std::optional<HostPort> admin;    ///< absent: on http
  std::optional<HostPort> metrics;  ///< absent: on http
};

struct Identity {
  std::vector<Prefix> trusted_proxies;  ///< default: loopback
  std::string user_header;              ///< lower case; empty: no user is believed
  std::string tier_header;              ///< lower case; empty: no tier is believed
};

struct Retention {
  Nanos windows{std::chrono::hours{24 * 400}};
  Nanos verdicts{std::chrono::hours{24 * 90}};
  Nanos decisions{std::chrono::hours{24}};
};

/// One configuration file, checked as a whole.
struct Config {
  std::filesystem::path file;
  engine::Settings engine;
  Listen listen;
  Identity identity;
  std::filesystem::path forecast_model;  ///< bundle folder; empty: none
  std::filesystem::path anomaly_model;
  int deny_status = 429;             ///< for reduced capacity and shedding: 429 or 503
  bool expose_rule = true;           ///< else only an opaque decision id
  bool syslog_observe_only = false;  ///< access logs count requests too (no check or auth in front)
  std::filesystem::path admin_token_file;
  std::filesystem::path state;  ///< SQLite; empty: none
  Retention retention;
  std::vector<std::string> warnings;
};

/// A mistake with its place; printed as "FILE:LINE: message".
struct Mistake {
  int line = 0;
  std::string message;
};

/// Reads and checks YAML text. All mistakes at once, in order of lines.
[[nodiscard]] tl::expected<Config, std::vector<Mistake>> parse(const std::string& yaml,
                                                               const std::filesystem::path& file);
/// The same from a file; one Error whose message has a line per mistake.
[[nodiscard]] Result<Config> load(const std::filesystem::path& file);

/// The defaults that commands use without --config: tiers and endpoints as given, the verdict rules
/// of the documentation.
[[nodiscard]] Config defaults();

}  // namespace tidelimit::config
