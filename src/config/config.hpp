#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/host_port.hpp"
#include "base/url.hpp"
#include "config/descriptor_file.hpp"
#include "config/mistake.hpp"
#include "engine/settings.hpp"
#include "limiter/loose_limits.hpp"

namespace tidelimit::config {

struct Listen {
  HostPort http{"127.0.0.1", 8080};
  std::optional<HostPort> grpc;  ///< Envoy's services and gRPC health; absent: none
  std::optional<HostPort> syslog;
  std::optional<HostPort> admin;    ///< absent: on http
  std::optional<HostPort> metrics;  ///< absent: on http
};

struct Identity {
  std::vector<Prefix> trusted_proxies;  ///< default: loopback
  std::string user_header;              ///< lower case; empty: no user is believed
  std::string tier_header;              ///< lower case; empty: no tier is believed
};

/// By which keys Envoy's descriptors name tidelimit's own words. All different.
struct DescriptorNames {
  std::string path = "path";
  std::string method = "method";
  std::string user_id = "user_id";
  std::string tier = "tier";
  std::string remote_address = "remote_address";
  std::string masked_remote_address = "masked_remote_address";
  std::string user_agent = "user_agent";
};

/// The domain that is spoken in tidelimit's own words, whatever is configured.
inline constexpr std::string_view kOwnDomain = "tidelimit";

/// Domains of envoyproxy/ratelimit that are answered as their files say.
struct Domains {
  std::vector<std::filesystem::path> patterns;  ///< of files: names, or globs
  int line = 0;                                 ///< where they stand
  limiter::Counting counting = limiter::Counting::gcra;
  std::vector<DescriptorFile> files;  ///< as `load` found them
};

/// Where the load figure `cpu` of rules comes from.
struct CpuSource {
  enum class Kind : std::uint8_t {
    host,        ///< this host's /proc/stat
    cgroup,      ///< cpu.stat of a control group (version 2) on this host
    prometheus,  ///< a query, asked every few seconds
    pushed,      ///< PUT /v1/signals/cpu
  };
  Kind kind = Kind::host;
  std::filesystem::path cgroup;  ///< the group's folder
  Url prometheus;                ///< where one answers
  std::string query;             ///< PromQL; a share, of several series the largest
  bool operator==(const CpuSource&) const = default;
};

/// When a gate trains its forecast anew on the windows it has stored. Neither: never.
struct Retraining {
  std::optional<Nanos> every;
  bool on_drift = false;
  Nanos history{std::chrono::hours{24 * 60}};  ///< of it, the newest so long

  [[nodiscard]] bool wanted() const { return every || on_drift; }
};

/// One configuration file, checked as a whole.
struct Config {
  std::filesystem::path file;
  std::string text;  ///< what was parsed
  engine::Settings engine;
  Listen listen;
  Identity identity;
  DescriptorNames descriptors;
  CpuSource cpu;
  Domains domains;
  std::filesystem::path forecast_model;  ///< bundle folder; empty: none
  int forecast_model_line = 0;           ///< where it stands
  std::filesystem::path anomaly_model;
  int anomaly_model_line = 0;
  Retraining retrain;
  int deny_status = 429;             ///< for reduced capacity and shedding: 429 or 503
  bool expose_rule = true;           ///< else only an opaque decision id
  bool syslog_observe_only = false;  ///< access logs count requests too (no check or auth in front)
  std::filesystem::path admin_token_file;
  int admin_token_line = 0;
  std::filesystem::path state;  ///< SQLite; empty: none
  int state_line = 0;
  engine::Retention retention;
  std::vector<std::string> warnings;  ///< "FILE:LINE: ..." of what is allowed but unlikely meant
  /// Rules that wait for a model which the file does not name. Kept apart: of no interest where a
  /// model is given on the command line.
  std::vector<std::string> model_warnings;
};

/// Larger files are refused: no configuration written by people comes near it.
inline constexpr std::size_t kMaxFileBytes = 1u << 20;

/// Reads and checks YAML text, and that alone: domains keep no files. All mistakes at once (the
/// first hundred), in order of lines. Relative paths in it are taken from the folder of `file`.
[[nodiscard]] tl::expected<Config, std::vector<Mistake>> parse(const std::string& yaml,
                                                               const std::filesystem::path& file);
/// The same from a file, with the files of domains; one Error whose message has a line per mistake.
[[nodiscard]] Result<Config> load(const std::filesystem::path& file);
/// The same with this text in the file's place.
[[nodiscard]] Result<Config> load(const std::string& text, const std::filesystem::path& file);
/// `listen` and `admin` of a file alone, the rest as if it said nothing: a gate that runs is to be
/// reached while the rest of its file is being mended.
[[nodiscard]] Result<Config> load_admin(const std::filesystem::path& file);

/// The files that `domains.patterns` name at this moment, in order, each once.
[[nodiscard]] std::vector<std::filesystem::path> domain_files(const Config& config);

/// What commands use without --config: one tier, the endpoint `other`, and the verdict rules of the
/// documentation. Callers set tiers and endpoints as they find them (`other` stays last).
[[nodiscard]] Config defaults();

/// Whether an endpoint, a tier or a rule may be called so: 1 to 64 letters, digits and _ . : / -
[[nodiscard]] bool is_name(std::string_view text);

}  // namespace tidelimit::config
