#include <algorithm>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/text.hpp"
#include "cli/command.hpp"
#include "config/config.hpp"

namespace tidelimit::cli {
namespace {

using Row = std::vector<std::string>;

/// `in_flight` 0: any number.
std::string describe(const policy::LimitSpec& limit, std::uint16_t in_flight = 0) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  if (limit.rate) add(format_rate(*limit.rate));
  if (limit.burst) add(fmt::format("burst {}", *limit.burst));
  if (limit.total) add("total " + format_rate(*limit.total));
  if (in_flight != 0) add(fmt::format("{} in flight", in_flight));
  return text.empty() ? "unlimited" : text;
}

std::string mode_in_words(limiter::Mode mode, double share) {
  if (share == 1) return limiter::to_string(mode);
  return fmt::format("{} {:g} %", limiter::to_string(mode), share * 100);
}

std::vector<Row> limit_table(const policy::PolicySettings& policy) {
  Row head{"endpoint", "match", "priority", "mode"};
  head.insert(head.end(), policy.tiers.begin(), policy.tiers.end());
  head.emplace_back("per address");
  std::vector<Row> rows{std::move(head)};
  for (const auto& endpoint : policy.endpoints) {
    std::string match = fmt::format("{}", fmt::join(endpoint.match, " "));
    if (!endpoint.methods.empty()) {
      match = fmt::format("{} {}", fmt::join(endpoint.methods, ","), match);
    }
    Row row{endpoint.name, match.empty() ? "(all else)" : match,
            limiter::to_string(endpoint.priority), mode_in_words(endpoint.mode, endpoint.enforced)};
    for (std::size_t tier = 0; tier < endpoint.limits.size(); ++tier) {
      const bool counted = tier < endpoint.concurrency.size();
      row.push_back(
          describe(endpoint.limits[tier], counted ? endpoint.concurrency[tier] : std::uint16_t{0}));
    }
    row.push_back(describe(endpoint.client));
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Row> rule_table(const policy::PolicySettings& policy) {
  std::vector<Row> rows{{"rule", "mode", "looks at", "does"}};
  for (const auto& rule : policy.rules) {
    const std::string looks = rule.when.on_forecast()   ? "forecast of " + *rule.when.forecast
                              : rule.when.on_signal()   ? "cpu"
                              : rule.when.on_calendar() ? "planned times"
                              : rule.when.on_claims()   ? "claims of capacities"
                              : rule.when.on_queueing() ? "queueing of answers"
                              : rule.when.on_verdict()  ? "verdicts"
                                                        : "figures of clients";
    std::string does = rule.then.block    ? "block"
                       : rule.then.shed   ? "shed the least important first"
                       : rule.then.divide ? "divide by fair shares"
                       : rule.then.limit  ? "limit to " + format_rate(*rule.then.limit)
                       : rule.then.scale  ? fmt::format("scale to {}", *rule.then.scale)
                                          : "verdict";
    if (rule.when.on_client()) does += " for " + format_duration(rule.then.duration);
    rows.push_back({rule.name, limiter::to_string(policy.mode_of(rule)), looks, does});
  }
  return rows;
}

std::size_t limits_in(const std::vector<config::Descriptor>& descriptors) {
  std::size_t count = 0;
  for (const auto& each : descriptors) count += (each.limit ? 1 : 0) + limits_in(each.descriptors);
  return count;
}

std::vector<Row> domain_table(const config::Domains& domains) {
  const bool fixed = domains.counting == limiter::Counting::fixed;
  std::vector<Row> rows{{"domain", "limits", "window", "file"}};
  for (const auto& file : domains.files)
    rows.push_back({printable(file.domain), std::to_string(limits_in(file.descriptors)),
                    fixed ? "fixed" : "gcra", file.file.string()});
  return rows;
}

/// Columns as wide as their widest cell.
void print_table(const std::vector<Row>& rows, std::ostream& out) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += i + 1 < row.size() ? fmt::format("{:<{}}  ", row[i], widths[i]) : row[i];
    }
    out << line << '\n';
  }
}

std::vector<std::string> all_warnings(const config::Config& config) {
  auto warnings = config.warnings;
  warnings.insert(warnings.end(), config.model_warnings.begin(), config.model_warnings.end());
  return warnings;
}

void print_summary(const config::Config& config) {
  const auto& policy = config.engine.policy;
  std::cout << fmt::format("{}: valid; mode {}, http on {}\n\n", config.file.string(),
                           mode_in_words(policy.mode, policy.enforced),
                           config::format_host_port(config.listen.http));
  print_table(limit_table(policy), std::cout);
  if (!policy.rules.empty()) {
    std::cout << '\n';
    print_table(rule_table(policy), std::cout);
  }
  if (!config.domains.files.empty()) {
    std::cout << '\n';
    print_table(domain_table(config.domains), std::cout);
  }
  std::cout.flush();
  for (const auto& warning : all_warnings(config)) std::cerr << warning << " (warning)\n";
}

int check(const std::string& file, bool json) {
  const auto config = config::load(file);
  if (json) {
    nlohmann::json report{{"valid", config.has_value()},
                          {"errors", nlohmann::json::array()},
                          {"warnings", nlohmann::json::array()}};
    if (config) report["warnings"] = all_warnings(*config);
    if (!config) {
      for (const auto line : split(config.error().message, '\n')) report["errors"].push_back(line);
    }
    std::cout << report.dump() << '\n';
  } else if (config) {
    print_summary(*config);
  } else {
    std::cerr << config.error().message << '\n';
  }
  return config ? kDone : kUsage;
}

}  // namespace

void add_check_config(CLI::App& app, int& status) {
  struct Options {
    std::string file;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* command = app.add_subcommand(
      "check-config", "Says every mistake of a configuration with file, line and the mend");
  command->add_option("FILE", options->file, "the configuration (YAML)")->required();
  command->add_flag("--json", options->json, "one JSON object instead of words");
  command->callback([options, &status] { status = check(options->file, options->json); });
}

}  // namespace tidelimit::cli
