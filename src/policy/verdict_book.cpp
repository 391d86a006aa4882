#include "policy/verdict_book.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "policy/consequence.hpp"
#include "policy/figure_match.hpp"

namespace tidelimit::policy {
namespace {

using limiter::Action;
using limiter::Part;
using limiter::VerdictKind;

constexpr std::size_t kMaxSuspects = 4 * kMaxVerdicts;
// A model's verdict needs evidence in two of the last three scans: one alone may be chance.
constexpr int kEvidenceNeeded = 2;
constexpr std::uint32_t kLastScans = 0b111;
constexpr Nanos kTellEvery = std::chrono::minutes{1};  // renewals of one client

bool acts(const Rule& rule) {
  return rule.mode.mode != Mode::off;
}

}  // namespace

VerdictBook::VerdictBook(PolicySettings settings) : settings_(std::move(settings)) {
  follow_settings();
}

void VerdictBook::follow_settings() {
  budget_.set(settings_.anomaly.max_new_verdicts);
  std::vector<Prefix> allow;
  for (const AllowEntry& entry : settings_.anomaly.allow) allow.push_back(entry.prefix);
  allow_ = limiter::PrefixIndex(allow);
  place_patterns(settings_.rules, patterns_);
  figure_rules_.clear();
  mixed_rules_ = false;
  figures_from_ = std::numeric_limits<std::uint32_t>::max();
  for (std::size_t i = 0; i < settings_.rules.size(); ++i) {
    const Rule& rule = settings_.rules[i];
    if (!acts(rule) || !rule.when.on_figures()) continue;
    if (rule.when.on_verdict()) {
      mixed_rules_ = true;
      figures_from_ = 0;  // a verdict may also fall back when its client falls silent
    } else {
      figure_rules_.push_back(i);
      figures_from_ = std::min(figures_from_, least_requests(rule.when));
    }
  }
}

void VerdictBook::reconfigure(PolicySettings settings) {
  settings_ = std::move(settings);
  follow_settings();
  std::vector<ClientId> ended;
  for (auto& [client, judged] : judged_) {
    const bool allow = allowed(client);
    if (judged.model && (allow || !settle_anew(*judged.model))) judged.model.reset();
    if (judged.rule && (allow || !settle_anew(*judged.rule))) judged.rule.reset();
    if (judged.label) {
      const auto end = judged.label->duration;
      settle_label(*judged.label);
      judged.label->duration = end;
    }
    weigh_anew(judged);
    if (judged.empty()) ended.push_back(client);
  }
  for (const auto& client : ended) erase(client);
  dirty_ = true;
}

bool VerdictBook::settle_anew(Held& held) const {
  if (held.record.part == Part::anomaly) {
    if (settings_.anomaly.mode.mode == Mode::off) return false;
    settle(held, consequence_of(held.record.kind, settings_.rules, nullptr, patterns_));
    return true;
  }
  for (const auto& rule : settings_.rules) {
    if (rule.name != held.record.source || !acts(rule)) continue;
    if (rule.when.on_figures() && !rule.when.on_verdict())
      settle(held, consequence_of(rule, settings_.rules));
    return true;
  }
  return false;
}

bool VerdictBook::allowed(const ClientId& client) const {
  return allow_.find(client, [](std::size_t) { return true; }).has_value();
}

/// Notes one scan's evidence. True when a verdict is to be raised, or its renewal told. `repeated`:
/// by others already, so that one scan's is enough.
bool VerdictBook::weigh(const ClientId& client, bool evidence, bool shielded, bool repeated,
                        Now now) {
  if (settings_.anomaly.mode.mode == Mode::off || vouched_for(client)) return false;
  auto suspect = evidence_.find(client);
  if (suspect == evidence_.end()) {
    if (!evidence || evidence_.size() >= kMaxSuspects) return false;
    suspect = evidence_.try_emplace(client).first;
  }
  Evidence& seen = suspect->second;
  const bool forgotten = now.mono - seen.last > kEvidenceMemory;
  const auto note = [&](std::uint32_t& scans, bool found) {
    scans = ((forgotten ? 0 : scans << 1) | (found ? 1u : 0u)) & kLastScans;
  };
  note(seen.scans, evidence);
  note(seen.bare, evidence && !shielded);
  seen.last = now.mono;
  if (!evidence) {
    if (seen.scans == 0) evidence_.erase(suspect);
    return false;
  }
  const int needed = repeated ? 1 : kEvidenceNeeded;
  const auto judged = judged_.find(client);
  if (judged != judged_.end() && judged->second.model) {
    Held& held = *judged->second.model;
    extend(held, now);
    const bool bare = std::popcount(seen.bare) >= needed;
    return now.mono - held.told >= kTellEvery || (held.shielded() && !shielded && bare);
  }
  return std::popcount(seen.scans) >= needed && !allowed(client);
}

void VerdictBook::judge(const ClientId& client, double score, std::string_view protected_reason,
                        Grounds grounds, const Neighbourhood& neighbourhood, Now now) {
  Judged& judged = entry(client);
  const bool renewed = judged.model.has_value();
  if (!renewed) {
    Held& fresh = judged.model.emplace(Held{});
    fresh.record.client = client;
    fresh.record.client_name = format_client(client);
    fresh.record.kind = VerdictKind::malicious;
    fresh.record.part = Part::anomaly;
    fresh.record.from = now.wall;
  }
  Held& held = *judged.model;
  held.record.score = score;
  held.record.reasons = std::move(grounds.reasons);
  held.record.features = std::move(grounds.features);
  const bool passed = renewed && held.record.withheld == Withheld::no;
  held.record.withheld = Withheld::no;
  if (!passed) settle(held, consequence_of(held.record.kind, settings_.rules, nullptr, patterns_));
  const auto prefix = neighbourhood ? std::optional(neighbourhood->prefix) : std::nullopt;
  if (!protected_reason.empty()) {
    withhold(held, Withheld::protection, protected_reason);
  } else if (!passed && held.record.is_enforced() &&
             !budget_.admits(client, prefix, grounds.loud, now.mono)) {
    withhold(held, Withheld::budget, "the budget of new verdicts is spent");
  }
  weigh_anew(judged);
  extend(held, now);
  tell(held, now, renewed);
}

/// The verdict is reported, but not enforced.
void VerdictBook::withhold(Held& held, Withheld by, std::string_view reason) {
  held.record.withheld = by;
  held.record.mode = std::min(held.record.mode, Mode::shadow);
  held.record.reasons.push_back("not enforced: " + std::string(reason));
}

bool VerdictBook::held_by(const Rule& rule, const ClientId& client) const {
  const auto judged = judged_.find(client);
  return judged != judged_.end() && judged->second.rule &&
         judged->second.rule->record.source == rule.name;
}

void VerdictBook::figures(const ClientId& client, const traffic::ClientFigures& figures,
                          const traffic::Arrivals& arrivals, Now now) {
  if (mixed_rules_) {
    const auto judged = judged_.find(client);
    if (judged != judged_.end() && judged->second.model) {
      Held& held = *judged->second.model;
      const std::string before = held.record.rule;
      settle(held, consequence_of(held.record.kind, settings_.rules, &figures, patterns_));
      weigh_anew(judged->second);
      if (held.record.rule != before) {
        extend(held, now);
        tell(held, now, true);
      }
    }
  }
  for (const std::size_t index : figure_rules_) {
    const Rule& rule = settings_.rules[index];
    if (!matches(rule.when, figures, patterns_)) continue;
    if (counts_any(rule.when, arrivals, patterns_)) {
      if (!allowed(client)) apply_rule(index, client, figures, now);
      return;
    }
    // Its own verdict runs out; until then no later rule takes it over.
    if (held_by(rule, client)) return;
  }
}

void VerdictBook::apply_rule(std::size_t index, const ClientId& client,
                             const traffic::ClientFigures& figures, Now now) {
  const Rule& rule = settings_.rules[index];
  Judged& judged = entry(client);
  if (judged.rule && judged.rule->record.source == rule.name) {
    Held& held = *judged.rule;
    extend(held, now);
    if (now.mono - held.told < kTellEvery) return;
    held.record.reasons = match_in_words(rule.when, figures, patterns_);
    settle(held, consequence_of(rule, settings_.rules));
    weigh_anew(judged);
    tell(held, now, true);
    return;
  }
  Held held;
  held.record.source = rule.name;
  held.record.client = client;
  held.record.client_name = format_client(client);
  held.record.part = Part::rules;
  held.record.from = now.wall;
  held.record.reasons = match_in_words(rule.when, figures, patterns_);
  held.record.kind = verdict_of(rule);
  settle(held, consequence_of(rule, settings_.rules));
  // A milder rule does not cut short what a severer one has raised; it follows when that ends.
  if (judged.rule && less_severe(held.record, judged.rule->record)) return;
  const bool renewed = judged.rule.has_value();
  judged.rule = std::move(held);
  weigh_anew(judged);
  extend(*judged.rule, now);
  tell(*judged.rule, now, renewed);
}

void VerdictBook::settle(Held& held, const Consequence& to) const {
  const bool by_model = held.record.part == Part::anomaly;
  const ModeFor mode = by_model ? lesser(to.mode, settings_.anomaly.mode) : to.mode;
  held.record.action = to.action;
  held.record.limit = to.action == Action::limit ? to.limit : std::nullopt;
  held.record.rule = to.rule;
  const bool withheld = held.record.withheld != Withheld::no;
  held.record.mode = withheld ? std::min(mode.mode, Mode::shadow) : mode.mode;
  held.record.enforced = mode.share;
  held.duration = to.duration;
}

void VerdictBook::extend(Held& held, Now now) {
  held.expires = now.mono + held.duration;
  held.record.until = now.wall + held.duration;
  next_expiry_ = std::min(next_expiry_, held.expires);
  dirty_ = true;
}

void VerdictBook::tell(Held& held, Now now, bool renewed) {
  held.told = now.mono;
  held.told_until = held.record.until;
  held.record.renewed = renewed;
  held.record.told = now.wall;
  if (news_.size() < kMaxVerdicts) news_.push_back(held.record);
}

void VerdictBook::forget(const ClientId& client) {
  evidence_.erase(client);
  const auto judged = judged_.find(client);
  if (judged == judged_.end()) return;
  judged->second.model.reset();
  judged->second.rule.reset();
  weigh_anew(judged->second);
  dirty_ = true;
  drop_if_empty(client);
}

/// The rule on figures behind a verdict. Earlier versions put on record the rule that acts alone,
/// which may be one on the verdict: then the first that fits.
std::string VerdictBook::raised_by(const VerdictRecord& record) const {
  if (record.part != Part::rules || !record.source.empty()) return record.source;
  for (const std::size_t index : figure_rules_) {
    const Rule& rule = settings_.rules[index];
    if (verdict_of(rule) == record.kind &&
        consequence_of(rule, settings_.rules).rule == record.rule)
      return rule.name;
  }
  return record.rule;
}

/// How long after its last evidence one may end: one by the model may have been under a rule that
/// asks for figures, too, which are not known yet.
Nanos VerdictBook::longest_of(const Held& held) const {
  if (held.duration == Nanos{0}) return Nanos::max();  // by a rule that is gone
  Nanos longest = held.duration;
  for (const Rule& rule : settings_.rules) {
    if (held.record.part == Part::anomaly && rule.when.verdict == held.record.kind)
      longest = std::max(longest, rule.then.duration);
  }
  return longest;
}

void VerdictBook::restore(const std::vector<VerdictRecord>& records, Now now) {
  for (const auto& record : records) {
    if (record.until <= now.wall || record.kind == VerdictKind::normal) continue;
    Held held;
    held.record = record;
    held.record.source = raised_by(record);
    const bool overruled = record.part == Part::anomaly && labels_.contains(record.client);
    if (overruled || allowed(record.client) || !settle_anew(held)) continue;
    const Nanos longest = longest_of(held);
    if (record.from - now.wall > longest) continue;
    const Nanos left = std::min(record.until - now.wall, longest);
    held.expires = now.mono + left;
    held.told = now.mono;
    held.told_until = held.record.until = now.wall + left;
    Judged& judged = entry(record.client);
    auto& slot = record.part == Part::anomaly ? judged.model : judged.rule;
    if (slot && slot->expires >= held.expires) continue;
    next_expiry_ = std::min(next_expiry_, held.expires);
    slot = std::move(held);
    weigh_anew(judged);
    if (slot->record.until != record.until) tell(*slot, now, true);
    if (record.part == Part::anomaly && record.is_enforced())
      budget_.restore(record.client, now.mono - std::max(now.wall - record.from, Nanos{0}),
                      now.mono);
  }
  dirty_ = true;
}

}  // namespace tidelimit::policy
