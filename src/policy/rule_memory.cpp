#include "policy/rule_memory.hpp"

#include <algorithm>

namespace tidelimit::policy {
namespace {

constexpr std::size_t kCausesShown = 3;  // of a rule that holds at many endpoints at once

bool limited(const EndpointSettings& endpoint, std::size_t tier) {
  if (tier >= endpoint.limits.size()) return false;
  return endpoint.limits[tier].rate || endpoint.limits[tier].total;
}

}  // namespace

RuleMemory::RuleMemory(const PolicySettings& settings, std::size_t rule)
    : rule_(rule),
      condition_(settings.rules[rule].when),
      same_endpoints_(settings.rules[rule].then.same_endpoints),
      adapt_(settings.adapt),
      tiers_(settings.tiers.size()) {
  state_.rule = settings.rules[rule].name;
  state_.mode = settings.mode_of(settings.rules[rule]);
  watch(settings);
  const Effect& effect = settings.rules[rule].then;
  for (const auto& endpoint : settings.endpoints) {
    for (std::size_t tier = 0; tier < tiers_; ++tier) {
      Cell& cell = cells_.emplace_back();
      if (!effect.reaches(endpoint, settings.tiers[tier]) || !limited(endpoint, tier)) continue;
      cell.floor = settings.adapt.floor_of(endpoint.name, settings.tiers[tier]);
      cell.held = std::max(effect.scale.value_or(1.0), cell.floor);
    }
  }
}

void RuleMemory::watch(const PolicySettings& settings) {
  if (!condition_.on_forecast()) {
    watches_.emplace_back();
    return;
  }
  for (std::size_t i = 0; i < settings.endpoints.size(); ++i) {
    if (*condition_.forecast == "any" || *condition_.forecast == settings.endpoints[i].name) {
      watches_.push_back({i, {}});
    }
  }
}

void RuleMemory::inherit(const RuleMemory& older, const Renumbering& renumbering) {
  const bool asks_the_same = condition_ == older.condition_;
  for (auto& watch : watches_) {
    for (const auto& old : older.watches_) {
      const auto before = watch.endpoint ? renumbering.endpoints[*watch.endpoint] : std::nullopt;
      const bool same = watch.endpoint ? before && before == old.endpoint : !old.endpoint;
      if (same && asks_the_same) watch.trigger = old.trigger;
    }
  }
  for (std::size_t i = 0; i < cells_.size(); ++i) {
    const auto before = renumbering.cell(i / tiers_, i % tiers_);
    if (!before || cells_[i].held == 1.0) continue;
    cells_[i].scale = older.cells_[*before].scale;
    cells_[i].scale.keep_above(cells_[i].floor);
  }
  state_.inherit(older.state_);
  ended_ = asks_the_same ? older.ended_ : "the rule asks for something else by now";
  at_rest_ = false;
}

void RuleMemory::restore(std::size_t cell, double scale, std::optional<Instant> stepped,
                         const std::string& cause) {
  if (cells_[cell].held == 1.0) return;  // it reaches this one no more
  cells_[cell].scale.restore(scale, stepped);
  cells_[cell].scale.keep_above(cells_[cell].floor);
  at_rest_ = std::all_of(cells_.begin(), cells_.end(),
                         [](const Cell& one) { return one.scale.value() == 1.0; });
  if (scale != 1.0 || at_rest_) state_.cause = ended_ = cause;
}

void RuleMemory::update(const StepReadings& readings, Now now, Instant before) {
  const bool active = update_triggers(readings);
  if (active || active != state_.active) update_state(now.wall);
  if (!active && at_rest_) return;

  at_rest_ = !active;
  const auto pace = on_forecast() ? CellScale::Pace::by_steps : CellScale::Pace::at_once;
  for (std::size_t endpoint = 0; endpoint * tiers_ < cells_.size(); ++endpoint) {
    const bool held = active && any_on(endpoint, &Trigger::active);
    // Between its threshold and its release a forecast explains the steps taken, and no further.
    const bool stays = held && on_forecast() && !any_on(endpoint, &Trigger::met);
    for (std::size_t tier = 0; tier < tiers_; ++tier) {
      Cell& cell = cells_[endpoint * tiers_ + tier];
      double goal = held ? cell.held : 1.0;
      if (stays) goal = std::max(goal, cell.scale.value());
      cell.scale.move(goal, pace, adapt_, now.mono, before);
      if (cell.scale.value() != 1.0) at_rest_ = false;
    }
  }
}

bool RuleMemory::update_triggers(const StepReadings& readings) {
  bool active = false;
  for (auto& watch : watches_) {
    Readings seen;
    if (watch.endpoint) seen = readings.endpoints[*watch.endpoint];
    seen.cpu = readings.cpu;
    seen.now = readings.now;
    const bool changed = watch.trigger.update(condition_, seen);
    if (changed && !watch.trigger.active()) ended_ = watch.trigger.cause();
    active = active || watch.trigger.active();
  }
  return active;
}

void RuleMemory::update_state(WallTime now) {
  const bool was_active = state_.active;
  std::vector<const std::string*> causes;
  for (const auto& watch : watches_) {
    if (watch.trigger.active()) causes.push_back(&watch.trigger.cause());
  }
  state_.active = !causes.empty();
  if (state_.active != was_active) state_.since = now;
  if (causes.empty()) {
    state_.cause = ended_;
    return;
  }
  state_.cause.clear();
  for (std::size_t i = 0; i < std::min(causes.size(), kCausesShown); ++i) {
    if (i > 0) state_.cause += "; ";
    state_.cause += *causes[i];
  }
  if (causes.size() > kCausesShown) {
    state_.cause += "; and " + std::to_string(causes.size() - kCausesShown) + " more";
  }
}

bool RuleMemory::any_on(std::size_t endpoint, bool (Trigger::*is)() const) const {
  return std::any_of(watches_.begin(), watches_.end(), [&](const Watch& watch) {
    return (watch.trigger.*is)() && (!same_endpoints_ || watch.endpoint == endpoint);
  });
}

std::optional<WallTime> RuleMemory::next_edge(WallTime now) const {
  return condition_.calendar ? condition_.calendar->next_edge(now) : std::nullopt;
}

const std::string& RuleMemory::cause(std::size_t endpoint) const {
  if (same_endpoints_) {
    for (const auto& watch : watches_) {
      if (watch.endpoint == endpoint) return watch.trigger.cause();
    }
  }
  return state_.cause;
}

}  // namespace tidelimit::policy
