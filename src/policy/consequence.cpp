#include "policy/consequence.hpp"

#include <algorithm>

#include "policy/figure_match.hpp"

namespace tidelimit::policy {
namespace {

using limiter::Action;
using limiter::VerdictKind;

constexpr Rate kDefaultLimit{10, std::chrono::minutes{1}};
constexpr Nanos kDefaultDuration = std::chrono::minutes{5};

Action action_of(const Effect& effect) {
  if (effect.block) return Action::block;
  return effect.limit ? Action::limit : Action::none;
}

}  // namespace

Consequence consequence_of(VerdictKind kind, const std::vector<Rule>& rules,
                           const traffic::ClientFigures* figures,
                           const std::vector<std::string>& patterns) {
  for (const auto& rule : rules) {
    if (rule.mode.mode == Mode::off || rule.when.verdict != kind) continue;
    if (rule.when.on_figures() && !(figures && matches(rule.when, *figures, patterns))) continue;
    return {action_of(rule.then), rule.then.limit, rule.name, rule.mode, rule.then.duration};
  }
  if (kind == VerdictKind::malicious) {
    return {Action::limit, kDefaultLimit, kModelRule, ModeFor{}, kDefaultDuration};
  }
  return {Action::none, std::nullopt, kModelRule, ModeFor{}, kDefaultDuration};
}

Consequence consequence_of(const Rule& rule, const std::vector<Rule>& rules) {
  const Action action = action_of(rule.then);
  if (action != Action::none) {
    return {action, rule.then.limit, rule.name, rule.mode, rule.then.duration};
  }
  Consequence from_verdict = consequence_of(verdict_of(rule), rules, nullptr, {});
  if (from_verdict.rule == kModelRule) from_verdict.rule = rule.name;
  from_verdict.mode = lesser(from_verdict.mode, rule.mode);
  from_verdict.duration = rule.then.duration;
  return from_verdict;
}

VerdictKind verdict_of(const Rule& rule) {
  return rule.then.verdict.value_or(rule.then.block ? VerdictKind::malicious
                                                    : VerdictKind::suspicious);
}

bool waits_for_model(const Rule& rule, const std::vector<Rule>& rules) {
  if (rule.when.verdict != VerdictKind::malicious) return false;
  return std::none_of(rules.begin(), rules.end(), [](const Rule& other) {
    return other.mode.mode != Mode::off && other.when.on_figures() && !other.when.on_verdict() &&
           verdict_of(other) == VerdictKind::malicious;
  });
}

}  // namespace tidelimit::policy
