#include "config/config.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <yaml-cpp/depthguard.h>

#include "config/sections.hpp"

namespace tidelimit::config {
namespace {

/// What the YAML library says, and the mend of the usual slips.
std::string syntax_error(const YAML::Exception& error, const std::string& yaml) {
  std::string message = "not readable as YAML: ";
  if (error.msg == "end of sequence flow not found")
    return message + "a [ before this is not closed by ]";
  if (error.msg == "end of map flow not found")
    return message + "a { before this is not closed by }";
  message += printable(error.msg);
  const auto lines = split(yaml, '\n');
  const auto line = static_cast<std::size_t>(std::max(error.mark.line, 0));
  if (line < lines.size() && trim(lines[line].substr(0, lines[line].find('\t'))).empty() &&
      lines[line].find('\t') != std::string_view::npos) {
    message += "; indent with spaces, not tabs";
  }
  return message;
}

/// The one document of the text, or what keeps it from being read.
std::optional<YAML::Node> parse_yaml(const std::string& yaml, Report& report) {
  try {
    const auto documents = YAML::LoadAll(yaml);
    if (documents.empty() || documents.front().IsNull()) {
      report.mistake(1, "the file is empty: at least endpoints is needed");
    } else if (documents.size() > 1) {
      report.mistake(line_of(documents[1]),
                     "a second document begins here (---): put all into one");
    } else if (!documents.front().IsMap()) {
      report.mistake(line_of(documents.front()), "the file must be a mapping (key: value)");
    } else {
      return documents.front();
    }
  } catch (const YAML::DeepRecursion& deep) {
    report.mistake(deep.mark.line + 1, "not readable as YAML: nested too deeply");
  } catch (const YAML::Exception& error) {
    report.mistake(std::max(error.mark.line, 0) + 1, syntax_error(error, yaml));
  }
  return std::nullopt;
}

void read_all(const YAML::Node& node, Config& config, Report& report) {
  Section top({node, "", 1}, report);
  top.read("mode", config.engine.policy.mode, read_mode);
  read_listen(top, config, report);
  read_tiers(top, config, report);
  read_identity(top, config, report);
  read_endpoints(top, config, report);
  read_forecast(top, config, report);
  read_anomaly(top, config, report);
  read_rules(top, config, report);
  read_adapt(top, config, report);
  read_deny(top, config, report);
  read_service(top, config, report);
  for (const char* later : {"ratelimit", "tls", "signals"}) top.refuse(later);
  top.finish();
}

Result<std::string> read_file(const std::filesystem::path& file) {
  std::error_code unreadable;
  if (std::filesystem::is_directory(file, unreadable)) {
    return fail(Code::invalid_argument, file.string() + ": is a folder: name a YAML file");
  }
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    return fail(Code::not_found, fmt::format("{}: {}", file.string(), std::strerror(errno)));
  }
  std::string text(kMaxFileBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMaxFileBytes) {
    return fail(Code::invalid_argument,
                fmt::format("{}: larger than {} KiB: is this the configuration?", file.string(),
                            kMaxFileBytes >> 10));
  }
  return text;
}

}  // namespace

tl::expected<Config, std::vector<Mistake>> parse(const std::string& yaml,
                                                 const std::filesystem::path& file) {
  Report report;
  Config config;
  config.file = file;
  if (const auto node = parse_yaml(yaml, report)) read_all(*node, config, report);
  if (!report.clean()) return tl::unexpected(report.take_mistakes());
  for (const auto& warning : report.take_warnings()) {
    config.warnings.push_back(
        fmt::format("{}:{}: {}", file.string(), warning.line, warning.message));
  }
  return config;
}

Result<Config> load(const std::filesystem::path& file) {
  const auto text = read_file(file);
  if (!text) return tl::unexpected(text.error());
  auto config = parse(*text, file);
  if (config) return std::move(*config);
  std::string lines;
  for (const auto& mistake : config.error()) {
    if (!lines.empty()) lines += '\n';
    lines += fmt::format("{}:{}: {}", file.string(), mistake.line, mistake.message);
  }
  return fail(Code::invalid_argument, std::move(lines));
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
