#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "config/sections.hpp"
#include "limiter/client_table.hpp"
#include "limiter/verdict.hpp"

namespace tidelimit::config {
namespace {

using limiter::VerdictKind;
using policy::Condition;
using policy::Effect;
using policy::Rule;

constexpr std::size_t kMaxRules = 1000;
constexpr double kDefaultRelease = 0.15;  // `until` below `cpu`, where it is not given
constexpr DurationRange kQueueing{std::chrono::milliseconds{1}, std::chrono::minutes{1}};
constexpr DurationRange kDuration{std::chrono::seconds{1}, std::chrono::hours{24 * 30}};

std::optional<VerdictKind> read_verdict(const Field& field, Report& report) {
  return read_choice<VerdictKind>(
      field, report,
      {{"suspicious", VerdictKind::suspicious}, {"malicious", VerdictKind::malicious}});
}

/// A name out of `known`, else a mistake that says which there are.
std::optional<std::string> read_known(const Field& field, std::string_view kind,
                                      const std::vector<std::string_view>& known, Report& report) {
  auto name = read_text(field, report);
  if (!name || contains(known, *name)) return name;
  report.mistake(field.line, fmt::format("{}: there is no {} \"{}\"{}", field.where, kind,
                                         printable(*name), suggestion(*name, known)));
  return std::nullopt;
}

std::vector<std::string> read_known_list(const Field& field, std::string_view kind,
                                         const std::vector<std::string_view>& known,
                                         Report& report) {
  std::vector<std::string> names;
  if (field.node.IsSequence() && field.node.size() == 0) {
    report.mistake(field.line, field.where + " is an empty list: name at least one, or remove it");
  }
  for (const auto& item : read_items(field, report)) {
    auto name = read_known(item, kind, known, report);
    if (!name) continue;
    if (std::count(names.begin(), names.end(), *name) > 0) {
      report.mistake(item.line,
                     fmt::format("{}: \"{}\" stands twice: remove one", item.where, *name));
    } else {
      names.push_back(std::move(*name));
    }
  }
  return names;
}

/// What does not go together in a condition. `where` names the rule.
void check_condition(const Field& field, const Condition& when, bool has_min_requests,
                     const Config& config, Report& report) {
  const auto mistake = [&](std::string_view what) {
    report.mistake(field.line, fmt::format("{} {}", field.where, what));
  };
  const bool asks = when.on_plan() || when.on_queueing() || when.on_client();
  if (!asks && !when.spike && !when.utilisation) {
    mistake("asks for nothing: name forecast, cpu, queueing, verdict or a client's own figures");
  }
  if (when.on_queueing() && (when.on_plan() || when.on_client())) {
    mistake("joins queueing with something else: it stands alone, write two rules");
  }
  if (when.on_plan() && when.on_client()) {
    mistake(
        "joins the load (forecast, cpu) with a client (verdict, user_agent, error_rate, "
        "requests, requests_per_minute): write two rules");
  }
  if (when.forecast && !when.spike && !when.utilisation) {
    mistake("has a forecast but no threshold: add spike or utilisation");
  }
  if (!when.forecast && (when.spike || when.utilisation)) {
    mistake("has a threshold but no forecast: add forecast: NAME, or any");
  }
  if (has_min_requests && !when.spike) mistake("has min_requests without spike: remove it");
  if (when.until && !when.cpu) mistake("has until without cpu: remove it");
  if (when.until && when.cpu && *when.until >= *when.cpu) {
    mistake(fmt::format("releases at {} what starts at {}: until must be below cpu", *when.until,
                        *when.cpu));
  }
  if (when.cpu && !when.until && *when.cpu <= kDefaultRelease) {
    mistake(fmt::format("has a cpu of {}, too low for the default release {} below it: add until",
                        *when.cpu, kDefaultRelease));
  }
  const bool agent_alone =
      when.user_agent && !when.error_rate && !when.requests && !when.requests_per_minute;
  if (agent_alone && !when.verdict) {
    mistake(
        "judges by the user agent alone, which anybody can choose: add error_rate, requests or "
        "requests_per_minute");
  }
  if (!when.utilisation || !when.forecast) return;
  const bool capacity = std::any_of(
      config.engine.policy.endpoints.begin(), config.engine.policy.endpoints.end(),
      [&](const auto& endpoint) {
        return endpoint.capacity && (*when.forecast == "any" || *when.forecast == endpoint.name);
      });
  if (!capacity) {
    mistake(fmt::format(
        "compares with a capacity that {} lacks: add capacity, like 200/s",
        *when.forecast == "any" ? "every endpoint" : "endpoint \"" + *when.forecast + "\""));
  }
}

Condition read_condition(const Field& field, const Config& config, Report& report) {
  Condition when;
  Section section(field, report);
  auto endpoints = endpoint_names(config);
  endpoints.emplace_back("any");
  section.read("forecast", when.forecast, [&](const Field& value, Report& r) {
    return read_known(value, "endpoint", endpoints, r);
  });
  section.read("spike", when.spike, Range{1, false, 1000, true});
  section.read("utilisation", when.utilisation, Range{0, false, 10, true});
  section.read("min_requests", when.min_requests, Range{0, true, 1e15, true});
  section.read("cpu", when.cpu, kShare);
  section.read("until", when.until, kInside);
  section.read("queueing", when.queueing, kQueueing);
  section.read("verdict", when.verdict, read_verdict);
  section.read("user_agent", when.user_agent, read_text);
  section.read("error_rate", when.error_rate, kShare);
  section.read("requests", when.requests, [](const Field& value, Report& r) {
    const auto count = read_count(value, r);
    return count ? std::optional(static_cast<std::uint32_t>(*count)) : std::nullopt;
  });
  section.read("requests_per_minute", when.requests_per_minute, kPositive);
  const bool readable = field.node.IsMap();
  // A part that is there but wrong has been named; what is missing then is no second mistake.
  const bool whole = readable && section.has("forecast") == when.forecast.has_value() &&
                     section.has("spike") == when.spike.has_value() &&
                     section.has("utilisation") == when.utilisation.has_value() &&
                     section.has("cpu") == when.cpu.has_value() &&
                     section.has("queueing") == when.queueing.has_value() &&
                     section.has("until") == when.until.has_value() &&
                     section.has("verdict") == when.verdict.has_value() &&
                     section.has("error_rate") == when.error_rate.has_value() &&
                     section.has("requests") == when.requests.has_value() &&
                     section.has("requests_per_minute") == when.requests_per_minute.has_value();
  const bool has_min_requests = section.has("min_requests");
  section.finish();
  if (whole) check_condition(field, when, has_min_requests, config, report);
  return when;
}

/// `endpoints: same`, `any`, a name or a list of names.
void read_targets(Section& section, const Config& config, Effect& then, Report& report) {
  if (const auto field = section.take("endpoints")) {
    const bool word = field->node.IsScalar();
    if (word && field->node.Scalar() == "same") {
      then.same_endpoints = true;
    } else if (!word || field->node.Scalar() != "any") {
      auto known = endpoint_names(config);
      if (word) known.insert(known.end(), {"same", "any"});
      then.endpoints = read_known_list(*field, "endpoint", known, report);
    }
  }
  if (const auto field = section.take("tiers")) {
    then.tiers = read_known_list(*field, "tier", tier_names(config), report);
  }
}

enum class ActionWord { block, limit, shed };

struct EffectKeys {
  bool scale = false;   ///< scale, endpoints, tiers or priority
  bool client = false;  ///< action, limit or verdict
  bool duration = false;
  bool action_limit = false;
  bool scales = false;  ///< scale itself
};

void check_effect(const Field& field, const Condition& when, const Effect& then,
                  const EffectKeys& keys, Report& report) {
  const auto mistake = [&](std::string_view what) {
    report.mistake(field.line, fmt::format("{} {}", field.where, what));
  };
  if (when.on_queueing()) {
    if (keys.scales || keys.duration || then.block || then.limit || then.verdict) {
      mistake(
          "must shed: a rule on queueing says action: shed, with endpoints, tiers or priority "
          "at most");
    } else if (!then.shed) {
      mistake("changes nothing: add action: shed");
    }
  } else if (then.shed) {
    mistake("sheds, but the rule does not look at queueing: add when: { queueing: 50ms }");
    return;
  }
  if (then.same_endpoints && when.on_queueing()) {
    mistake("says endpoints: same, but the rule has no forecast that could name one: list them");
  }
  if (when.on_plan() && !when.on_client()) {
    if (keys.client || keys.duration) {
      mistake(
          "acts on clients (action, limit, verdict, for), but the rule looks at the load: use "
          "scale");
    } else if (!then.scale) {
      mistake("changes nothing: add scale, like 0.5");
    }
    if (then.same_endpoints && !when.forecast) {
      mistake("says endpoints: same, but the rule has no forecast that could name one: list them");
    }
  }
  if (when.on_client() && !when.on_plan()) {
    if (keys.scale) {
      mistake(
          "moves limits (scale, endpoints, tiers, priority), but the rule looks at clients: use "
          "action: block, limit or verdict");
    } else if (!keys.client) {
      mistake("changes nothing: add action: block, a limit or a verdict");
    }
    if (when.verdict && then.verdict) {
      mistake("sets a verdict in a rule on a verdict: use action: block or a limit");
    }
  }
  if (then.block && then.limit) mistake("blocks and limits at once: keep one");
  if (keys.action_limit && !then.limit)
    mistake("says action: limit without a limit: add limit: 10/min");
}

Effect read_effect(const Field& field, const Condition& when, const Config& config,
                   Report& report) {
  Effect then;
  EffectKeys keys;
  Section section(field, report);
  keys.scale = section.has("scale") || section.has("endpoints") || section.has("tiers") ||
               section.has("priority");
  keys.scales = section.has("scale");
  keys.client = section.has("action") || section.has("limit") || section.has("verdict");
  keys.duration = section.has("for");
  read_targets(section, config, then, report);
  section.read("priority", then.priority, read_priority);
  section.read("scale", then.scale, kInside);
  if (const auto action = section.take("action")) {
    const auto word = read_choice<ActionWord>(
        *action, report,
        {{"block", ActionWord::block}, {"limit", ActionWord::limit}, {"shed", ActionWord::shed}});
    then.shed = word == ActionWord::shed;
    then.block = word == ActionWord::block;
    keys.action_limit = word == ActionWord::limit && !section.has("limit");
  }
  section.read("limit", then.limit, read_rate);
  section.read("verdict", then.verdict, read_verdict);
  section.read("for", then.duration, kDuration);
  const bool scale_bad = section.has("scale") && !then.scale;
  section.finish();
  if (field.node.IsMap() && !scale_bad) check_effect(field, when, then, keys, report);
  return then;
}

/// A rule on the load that reaches no limit is a slip, though a harmless one.
void check_reach(const Rule& rule, const Config& config, Report& report) {
  const auto& policy = config.engine.policy;
  const auto named = [](const std::vector<std::string>& list, const std::string& name) {
    return list.empty() || std::count(list.begin(), list.end(), name) > 0;
  };
  for (const auto& endpoint : policy.endpoints) {
    if (rule.then.priority && endpoint.priority != *rule.then.priority) continue;
    if (!rule.then.same_endpoints && !named(rule.then.endpoints, endpoint.name)) continue;
    for (std::size_t tier = 0; tier < policy.tiers.size(); ++tier) {
      const auto& limit = endpoint.limits[tier];
      if (named(rule.then.tiers, policy.tiers[tier]) && (limit.rate || limit.total)) return;
    }
  }
  report.warning(rule.line,
                 fmt::format("rule \"{}\" moves nothing: none of the endpoints and tiers "
                             "that it names has a limit",
                             rule.name));
}

void check_model(const Rule& rule, const Config& config, std::vector<std::string>& warnings) {
  const std::string place =
      fmt::format("{}:{}: rule \"{}\"", config.file.string(), rule.line, rule.name);
  if (rule.when.on_forecast() && config.forecast_model.empty()) {
    warnings.push_back(place +
                       " waits for forecasts, but forecast.model names no model: the rule "
                       "stays inactive");
  }
  if (rule.when.verdict == VerdictKind::malicious && config.anomaly_model.empty()) {
    warnings.push_back(place +
                       " waits for verdicts, but anomaly.model names no model: only other "
                       "rules can raise them");
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
  if (rule.name == "model") {
    report.mistake(item.line,
                   "rule \"model\" has the name under which the model's own verdicts "
                   "stand: choose another");
  }
  if (rule.name == "concurrency") {
    report.mistake(item.line,
                   "rule \"concurrency\" has the name under which limits on requests in flight "
                   "deny: choose another");
  }
  section.read("mode", rule.mode, read_mode);
  const auto when = section.take("when");
  const auto then = section.take("then");
  if (!when) report.mistake(item.line, item.where + " has no when: add a condition");
  if (!then) report.mistake(item.line, item.where + " has no then: say what follows");
  const std::size_t before = report.count();
  if (when) rule.when = read_condition(*when, config, report);
  // With a condition in doubt, nothing can be said of what suits it.
  const bool sound = report.count() == before;
  if (then) rule.then = read_effect(*then, sound ? rule.when : Condition{}, config, report);
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

}  // namespace

void read_rules(Section& top, Config& config, Report& report) {
  const auto field = top.take("rules");
  if (!field) return;
  if (!field->node.IsSequence()) {
    report.mistake(field->line, "rules must be a list of mappings, each with name, when and then");
    return;
  }
  if (field->node.size() > kMaxRules) {
    report.mistake(field->line,
                   fmt::format("rules has {} items, more than {}", field->node.size(), kMaxRules));
    return;
  }
  auto& rules = config.engine.policy.rules;
  std::map<std::string, int> lines;
  for (std::size_t i = 0; i < field->node.size(); ++i) {
    auto rule = read_rule(field->node[i], i + 1, config, lines, report);
    if (!rule) continue;
    if (rule->when.on_plan()) check_reach(*rule, config, report);
    check_model(*rule, config, config.model_warnings);
    rules.push_back(std::move(*rule));
  }
  check_agent_patterns(rules, report);
}

}  // namespace tidelimit::config
