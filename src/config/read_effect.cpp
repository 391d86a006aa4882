#include "config/rule_parts.hpp"

namespace tidelimit::config {
namespace {

using policy::Condition;
using policy::Effect;

constexpr DurationRange kDuration{std::chrono::seconds{1}, std::chrono::hours{24 * 30}};

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

enum class ActionWord { block, limit, shed, divide };

/// What an effect says, be it well written or not.
struct EffectKeys {
  bool moves_limits = false;  ///< scale, endpoints, tiers or priority
  bool has_scale = false;
  bool acts_on_client = false;  ///< action, limit or verdict
  bool duration = false;
  bool limit_missing = false;  ///< action: limit alone
};

/// A rule on queueing sheds, one on utilisation alone divides, and no other does. False: what else
/// may be wrong comes of that.
bool check_sharing_out(const Condition& when, const Effect& then, const EffectKeys& keys,
                       const Slip& slip) {
  const bool other = keys.has_scale || keys.duration || then.block || then.limit || then.verdict;
  if (when.on_queueing()) {
    if (other) {
      slip(
          "must shed: a rule on queueing says action: shed, with endpoints, tiers or priority "
          "at most");
    } else if (!then.shed) {
      slip("changes nothing: add action: shed");
    }
  } else if (then.shed && when.asks()) {
    slip("sheds, but the rule does not look at queueing: add when: { queueing: 50ms }");
    return false;
  }
  if (when.on_claims()) {
    if (other || !then.divide) {
      slip(
          "must divide: a rule on utilisation alone says action: divide, with endpoints, tiers or "
          "priority at most");
    }
  } else if (then.divide && when.asks()) {
    slip(
        "divides, but the rule does not look at utilisation alone: add when: "
        "{ utilisation: 0.9 }");
    return false;
  }
  if (then.same_endpoints && (when.on_queueing() || when.on_claims()))
    slip("says endpoints: same, but the rule has no forecast that could name one: list them");
  return true;
}

/// Of a rule on the load.
void check_scaling(const Condition& when, const Effect& then, const EffectKeys& keys,
                   const Slip& slip) {
  if (keys.acts_on_client || keys.duration) {
    slip(
        "acts on clients (action, limit, verdict, for), but the rule looks at the load: use "
        "scale");
  } else if (!then.scale) {
    slip("changes nothing: add scale, like 0.5");
  }
  if (then.scale && *then.scale == 1) slip("changes nothing: a scale of 1 is the base limit");
  if (then.same_endpoints && !when.forecast)
    slip("says endpoints: same, but the rule has no forecast that could name one: list them");
}

/// Of a rule on clients.
void check_judging(const Condition& when, const Effect& then, const EffectKeys& keys,
                   const Slip& slip) {
  if (keys.moves_limits) {
    slip(
        "moves limits (scale, endpoints, tiers, priority), but the rule looks at clients: use "
        "action: block, limit or verdict");
  } else if (!keys.acts_on_client) {
    slip("changes nothing: add action: block, a limit or a verdict");
  }
  if (when.verdict && then.verdict)
    slip("sets a verdict in a rule on a verdict: use action: block or a limit");
}

void check_effect(const Condition& when, const Effect& then, const EffectKeys& keys,
                  const Slip& slip) {
  if (!check_sharing_out(when, then, keys, slip)) return;
  if (when.on_plan() && !when.on_client()) check_scaling(when, then, keys, slip);
  if (when.on_client() && !when.on_plan()) check_judging(when, then, keys, slip);
  if (then.block && then.limit) slip("blocks and limits at once: keep one");
  if (keys.limit_missing) slip("says action: limit without a limit: add limit: 10/min");
}

}  // namespace

Effect read_effect(const Field& field, const Condition& when, bool raises, const Config& config,
                   Report& report) {
  Effect then;
  EffectKeys keys;
  Section section(field, report);
  keys.moves_limits = section.has("scale") || section.has("endpoints") || section.has("tiers") ||
                      section.has("priority");
  keys.has_scale = section.has("scale");
  keys.acts_on_client = section.has("action") || section.has("limit") || section.has("verdict");
  keys.duration = section.has("for");
  read_targets(section, config, then, report);
  section.read("priority", then.priority, read_priority);
  section.read("scale", then.scale, raises ? Range{0, false, policy::kMostRaise, true} : kInside);
  if (const auto action = section.take("action")) {
    const auto word = read_choice<ActionWord>(*action, report,
                                              {{"block", ActionWord::block},
                                               {"limit", ActionWord::limit},
                                               {"shed", ActionWord::shed},
                                               {"divide", ActionWord::divide}});
    then.shed = word == ActionWord::shed;
    then.divide = word == ActionWord::divide;
    then.block = word == ActionWord::block;
    keys.limit_missing = word == ActionWord::limit && !section.has("limit");
  }
  section.read("limit", then.limit, read_rate);
  section.read("verdict", then.verdict, read_verdict);
  section.read("for", then.duration, kDuration);
  const bool scale_bad = section.has("scale") && !then.scale;
  section.finish();
  if (field.node.IsMap() && !scale_bad) check_effect(when, then, keys, Slip{field, report});
  return then;
}

}  // namespace tidelimit::config
