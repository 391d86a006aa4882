#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "config/rule_parts.hpp"
#include "limiter/client_table.hpp"
#include "limiter/verdict.hpp"
#include "policy/consequence.hpp"

namespace tidelimit::config {
namespace {

using policy::Condition;
using policy::Rule;

constexpr std::size_t kMaxRules = 1000;
constexpr std::pair<std::string_view, std::string_view> kTakenNames[] = {
    {"model", "the model's own verdicts stand"},
    {"concurrency", "limits on requests in flight deny"},
    {"limits", "base limits deny"},
};

/// A rule goes by its name or by its number, as in rule/2.
bool is_number(std::string_view name) {
  return !name.empty() && name.find_first_not_of("0123456789") == std::string_view::npos;
}

void check_name(const Rule& rule, const Field& item, Report& report) {
  for (const auto& [taken, whose] : kTakenNames) {
    if (rule.name != taken) continue;
    report.mistake(item.line, fmt::format("rule \"{}\" has the name under which {}: choose another",
                                          taken, whose));
  }
  if (is_number(rule.name))
    report.mistake(item.line, fmt::format("rule \"{}\" has digits alone for a name, as rules by "
                                          "their numbers have: add a letter",
                                          rule.name));
}

/// Whether the condition names a planned time and no other load, be it well written or not.
bool planned_alone(const Field& when) {
  if (!when.node.IsMap()) return false;
  return when.node["calendar"] && !when.node["forecast"] && !when.node["cpu"];
}

/// Why a rule that reaches no limit does not.
std::string why_nothing(const policy::Effect& then, const policy::PolicySettings& policy) {
  policy::Effect of_any_priority = then;
  of_any_priority.priority.reset();
  const auto reached = [&](const policy::Effect& effect) {
    return std::any_of(policy.endpoints.begin(), policy.endpoints.end(), [&](const auto& endpoint) {
      return std::any_of(policy.tiers.begin(), policy.tiers.end(),
                         [&](const auto& tier) { return effect.reaches(endpoint, tier); });
    });
  };
  if (then.priority && !reached(then)) {
    return fmt::format("no endpoint{} has priority: {}",
                       then.endpoints.empty() ? "" : " that it names",
                       limiter::to_string(*then.priority));
  }
  return fmt::format("none of the endpoints and tiers that it {} has a limit",
                     then.endpoints.empty() && then.tiers.empty() ? "reaches" : "names");
}

/// A rule on the load that reaches no limit is a slip, though a harmless one; so is a scale below
/// every floor that it meets.
void check_reach(const Rule& rule, const Config& config, Report& report) {
  const auto& policy = config.engine.policy;
  std::optional<double> lowest;
  for (const auto& endpoint : policy.endpoints) {
    for (std::size_t tier = 0; tier < policy.tiers.size(); ++tier) {
      const auto& limit = endpoint.limits[tier];
      if (!limit.rate && !limit.total) continue;
      if (!rule.then.reaches(endpoint, policy.tiers[tier])) continue;
      const double floor = policy.adapt.floor_of(endpoint.name, policy.tiers[tier]);
      lowest = std::min(lowest.value_or(floor), floor);
    }
  }
  if (!lowest) {
    report.warning(rule.line, fmt::format("rule \"{}\" moves nothing: {}", rule.name,
                                          why_nothing(rule.then, policy)));
  } else if (rule.then.scale && *rule.then.scale < *lowest) {
    report.warning(rule.line,
                   fmt::format("rule \"{}\" scales to {:g}, but never below {:g} by adapt.floor: "
                               "raise the scale or lower the floor",
                               rule.name, *rule.then.scale, *lowest));
  }
}

void check_models(const std::vector<Rule>& rules, const Config& config,
                  std::vector<std::string>& warnings) {
  for (const Rule& rule : rules) {
    const std::string place =
        fmt::format("{}:{}: rule \"{}\"", config.file.string(), rule.line, rule.name);
    if (rule.when.on_forecast() && config.forecast_model.empty()) {
      warnings.push_back(place +
                         " waits for forecasts, but forecast.model names no model: the rule "
                         "stays inactive");
    }
    if (config.anomaly_model.empty() && policy::waits_for_model(rule, rules)) {
      warnings.push_back(place +
                         " waits for verdicts, but anomaly.model names no model and no rule "
                         "raises one: only labels by hand do");
    }
  }
}

std::optional<Rule> read_rule(const YAML::Node& node, std::size_t number, const Config& config,
                              std::map<std::string, int>& lines, Report& report) {
  const Field item = named_item(node, "rule", number);
  Section section(item, report);
  if (!node.IsMap()) return std::nullopt;
  Rule rule;
  rule.line = item.line;
  section.read("name", rule.name, read_name);
  if (!section.has("name")) report.mistake(item.line, item.where + " has no name: add name: ...");
  check_name(rule, item, report);
  section.read("mode", rule.mode, read_mode_for);
  const auto when = section.take("when");
  const auto then = section.take("then");
  if (!when) report.mistake(item.line, item.where + " has no when: add a condition");
  if (!then) report.mistake(item.line, item.where + " has no then: say what follows");
  const std::size_t before = report.count();
  if (when) rule.when = read_condition(*when, config, report);
  // With a condition in doubt, nothing can be said of what suits it.
  const bool sound = report.count() == before;
  const bool raises = when && planned_alone(*when);
  if (then) rule.then = read_effect(*then, sound ? rule.when : Condition{}, raises, config, report);
  section.finish();
  const auto [seen, fresh] = lines.emplace(rule.name, item.line);
  if (!fresh && !rule.name.empty()) {
    report.mistake(item.line,
                   fmt::format("{} stands twice; it is already at line {}: rename or remove one",
                               item.where, seen->second));
  }
  if (report.count() != before) return std::nullopt;
  return rule;
}

void check_agent_patterns(const std::vector<Rule>& rules, Report& report) {
  std::vector<std::string> patterns;
  for (const auto& rule : rules) {
    const auto& pattern = rule.when.user_agent;
    if (!pattern || std::count(patterns.begin(), patterns.end(), *pattern) > 0) continue;
    if (patterns.size() == limiter::kAgentClasses) {
      report.mistake(rule.line,
                     fmt::format("rule \"{}\" brings the user_agent pattern number {}: at "
                                 "most {} different ones are counted, remove one",
                                 rule.name, patterns.size() + 1, limiter::kAgentClasses));
      return;
    }
    patterns.push_back(*pattern);
  }
}

bool any_capacity(const policy::PolicySettings& policy) {
  return !policy.upstreams.empty() ||
         std::any_of(policy.endpoints.begin(), policy.endpoints.end(),
                     [](const auto& endpoint) { return endpoint.capacity || endpoint.learned; });
}

/// At most one rule divides, and only where there is something to divide.
void check_division(const std::vector<Rule>& rules, const Config& config, Report& report) {
  const Rule* first = nullptr;
  for (const Rule& rule : rules) {
    if (!rule.then.divide) continue;
    if (first != nullptr) {
      report.mistake(rule.line, fmt::format("rule \"{}\" divides what rule \"{}\" divides already: "
                                            "remove one",
                                            rule.name, first->name));
    } else if (!any_capacity(config.engine.policy)) {
      report.mistake(rule.line,
                     fmt::format("rule \"{}\" divides capacities, but there is none: give an "
                                 "endpoint or an upstream a capacity, like 200/s",
                                 rule.name));
    }
    first = &rule;
  }
}

/// Where a capacity is given it is divided, unless a rule says how.
void add_division(const Config& config, std::vector<Rule>& rules, Report& report) {
  const auto divides = [](const Rule& rule) { return rule.then.divide; };
  if (!any_capacity(config.engine.policy) || std::any_of(rules.begin(), rules.end(), divides))
    return;
  Rule rule;
  rule.name = policy::kDivisionRule;
  rule.when.utilisation = policy::kDefaultUtilisation;
  rule.then.divide = true;
  for (const Rule& other : rules) {
    if (other.name != rule.name) continue;
    report.mistake(
        other.line,
        fmt::format("rule \"{}\" has the name under which capacities are divided: choose "
                    "another, or say action: divide in it",
                    rule.name));
  }
  rules.push_back(std::move(rule));
}

void read_list(const Field& field, const Config& config, std::vector<Rule>& rules,
               std::vector<std::string>& model_warnings, Report& report) {
  if (!field.node.IsSequence()) {
    report.mistake(field.line, "rules must be a list of mappings, each with name, when and then");
    return;
  }
  if (field.node.size() > kMaxRules) {
    report.mistake(field.line,
                   fmt::format("rules has {} items, more than {}", field.node.size(), kMaxRules));
    return;
  }
  std::map<std::string, int> lines;
  for (std::size_t i = 0; i < field.node.size(); ++i) {
    auto rule = read_rule(field.node[i], i + 1, config, lines, report);
    if (!rule) continue;
    if (rule->when.on_plan()) check_reach(*rule, config, report);
    rules.push_back(std::move(*rule));
  }
  check_models(rules, config, model_warnings);
  check_agent_patterns(rules, report);
  check_division(rules, config, report);
}

}  // namespace

void read_rules(Section& top, Config& config, Report& report) {
  auto& rules = config.engine.policy.rules;
  if (const auto field = top.take("rules")) {
    read_list(*field, config, rules, config.model_warnings, report);
  }
  add_division(config, rules, report);
}

}  // namespace tidelimit::config
