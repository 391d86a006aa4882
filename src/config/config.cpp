#include "config/config.hpp"

#include <fmt/format.h>

#include "config/document.hpp"
#include "config/sections.hpp"

namespace tidelimit::config {
namespace {

void read_all(const YAML::Node& node, Config& config, Report& report) {
  Section top({node, "", 1}, report);
  top.read("mode", config.engine.policy.mode, read_mode_for);
  read_listen(top, config, report);
  read_tiers(top, config, report);
  read_identity(top, config, report);
  read_endpoints(top, config, report);
  read_upstreams(top, config, report);
  read_forecast(top, config, report);
  read_anomaly(top, config, report);
  read_adapt(top, config, report);
  read_rules(top, config, report);
  read_deny(top, config, report);
  read_admin(top, config, report);
  read_service(top, config, report);
  read_ratelimit(top, config, report);
  read_signals(top, config, report);
  for (const char* later : {"tls"}) top.refuse(later);
  top.finish();
  check_together(node, config, report);
}

}  // namespace

tl::expected<Config, std::vector<Mistake>> parse(const std::string& yaml,
                                                 const std::filesystem::path& file) {
  Report report;
  Config config;
  config.file = file;
  config.text = yaml;
  if (const auto node = read_document(yaml, "endpoints", report)) read_all(*node, config, report);
  if (!report.clean()) return tl::unexpected(report.take_mistakes());
  for (const auto& warning : report.take_warnings()) {
    config.warnings.push_back(
        fmt::format("{}:{}: {}", file.string(), warning.line, warning.message));
  }
  return config;
}

Result<Config> load(const std::filesystem::path& file) {
  const auto text = read_whole(file);
  if (!text) return tl::unexpected(text.error());
  return load(*text, file);
}

Result<Config> load(const std::string& text, const std::filesystem::path& file) {
  auto config = parse(text, file);
  if (config) {
    if (auto places = check_places(*config); !places) return tl::unexpected(places.error());
    if (auto read = read_domains(*config); !read) return tl::unexpected(read.error());
    return std::move(*config);
  }
  return fail(Code::invalid_argument, in_lines(config.error(), file));
}

Result<Config> load_admin(const std::filesystem::path& file) {
  const auto text = read_whole(file);
  if (!text) return tl::unexpected(text.error());
  Report report;
  Config config;
  config.file = file;
  if (const auto node = read_document(*text, "listen", report)) {
    Section top({*node, "", 1}, report);
    read_listen(top, config, report);
    read_admin(top, config, report);
  }
  if (report.clean()) return config;
  return fail(Code::invalid_argument, in_lines(report.take_mistakes(), file));
}

Config defaults() {
  auto config = parse(R"(
endpoints: [ { name: other } ]
rules:
  - { name: attacker, when: { verdict: malicious }, then: { action: block, for: 15m } }
  - { name: odd-tool, when: { user_agent: "Postman*", error_rate: 0.5, requests: 20 },
      then: { verdict: suspicious, limit: 10/min, for: 10m } }
)",
                      {});
  config->file.clear();
  config->model_warnings.clear();
  return std::move(*config);
}

}  // namespace tidelimit::config
