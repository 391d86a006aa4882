#include <algorithm>
#include <fmt/format.h>

#include "config/document.hpp"
#include "config/sections.hpp"
#include "forecast/renewal.hpp"

namespace tidelimit::config {
namespace {

constexpr Nanos kUsualNeeds = std::chrono::hours{24 * 7};  // what a spike is measured against

/// Where a key stands, or its section; 1 where neither is there.
int line_at(const YAML::Node& top, const char* section, const char* key) {
  if (!top[section]) return 1;
  if (top[section].IsMap() && top[section][key]) return line_of(top[section][key]);
  return line_of(top[section]);
}

/// What is learned from stored windows must still be there.
void check_retention(const YAML::Node& top, const Config& config, Report& report) {
  const Nanos kept = config.retention.windows;
  const int line = line_at(top, "retention", "windows");
  const Nanos least = forecast::least_history(config.engine.shape.horizon);
  if (config.retrain.wanted() && kept < least) {
    report.mistake(line, fmt::format("retention.windows: {} are too short to train from: "
                                     "forecast.retrain needs {} at least, better 60d",
                                     format_duration(kept), format_duration(least)));
  }
  if (config.state.empty() || kept >= kUsualNeeds) return;
  const auto& rules = config.engine.policy.rules;
  const auto spike =
      std::find_if(rules.begin(), rules.end(), [](const auto& rule) { return rule.when.spike; });
  if (spike == rules.end()) return;
  report.warning(line,
                 fmt::format("retention.windows: {} are less than the 7d that a spike is measured "
                             "against: after a restart rule \"{}\" waits until they are known "
                             "again: keep 28d",
                             format_duration(kept), spike->name));
}

/// Of rules on one verdict, the first acts.
void check_verdict_rules(const Config& config, Report& report) {
  const auto& rules = config.engine.policy.rules;
  for (auto rule = rules.begin(); rule != rules.end(); ++rule) {
    if (!rule->when.verdict) continue;
    const auto first = std::find_if(rules.begin(), rule, [&](const auto& earlier) {
      return earlier.when.verdict == rule->when.verdict && !earlier.when.on_figures() &&
             earlier.mode.mode != limiter::Mode::off;
    });
    if (first == rule) continue;
    report.warning(rule->line,
                   fmt::format("rule \"{}\" never acts: rule \"{}\" before it takes "
                               "every {} client, and the first acts: remove one",
                               rule->name, first->name, limiter::to_string(*rule->when.verdict)));
  }
}

}  // namespace

void check_together(const YAML::Node& top, const Config& config, Report& report) {
  // Of what is wrong in itself, nothing can be said.
  if (!report.clean()) return;
  check_retention(top, config, report);
  check_verdict_rules(config, report);
  if (!config.expose_rule && config.state.empty())
    report.warning(line_at(top, "deny", "expose"),
                   "deny.expose: an id names a decision to look up, and without state none is "
                   "kept: add state: FILE");
  if (config.state.empty()) return;
  if (config.state == config.admin_token_file)
    report.mistake(config.state_line, "state and admin.token_file are one file: give each its own");
  for (const auto* model : {&config.forecast_model, &config.anomaly_model})
    if (config.state == *model)
      report.mistake(config.state_line, "state is the folder of a model: name a file of its own");
}

Result<void> check_places(const Config& config) {
  std::vector<Mistake> mistakes;
  const auto require_no_folder = [&](const std::filesystem::path& place, int line,
                                     std::string_view what) {
    std::error_code ignored;
    if (!place.empty() && std::filesystem::is_directory(place, ignored))
      mistakes.push_back(
          {line, fmt::format("{}: {} is a folder: name a file", what, place.string())});
  };
  require_no_folder(config.state, config.state_line, "state");
  require_no_folder(config.admin_token_file, config.admin_token_line, "admin.token_file");
  if (mistakes.empty()) return {};
  return fail(Code::invalid_argument, in_lines(mistakes, config.file));
}

}  // namespace tidelimit::config
