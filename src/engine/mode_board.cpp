#include "engine/mode_board.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.hpp"
#include "engine/part_names.hpp"

namespace tidelimit::engine {
namespace {

using limiter::Mode;
using policy::ModeFor;

constexpr std::size_t kMostNews = 1000;  // between two turns

constexpr std::size_t kForecast = 0, kAnomaly = 1, kRules = 2;  // places among the switches

std::vector<PartMode> configured_parts(const policy::PolicySettings& settings) {
  std::vector<PartMode> parts{
      {"forecast", settings.forecast_mode, {}},
      {"anomaly", settings.anomaly.mode, {}},
      {"rules", {}, {}},
      {"all", settings.mode, {}},
  };
  for (const auto& endpoint : settings.endpoints)
    parts.push_back({endpoint_part(endpoint.name), endpoint.mode, {}});
  for (const auto& rule : settings.rules) parts.push_back({rule_part(rule.name), rule.mode, {}});
  return parts;
}

/// Above what is configured a mode set by hand counts; below it the switch does.
void raise(ModeFor& configured, const ModeFor& by_hand) {
  configured.mode = std::max(configured.mode, by_hand.mode);
  if (by_hand.mode == Mode::enforce) configured.share = by_hand.share;
}

/// What is said of a part that the configuration has no more: if it has it again, as configured.
ModeRecord gone(std::string part, WallTime now) {
  return {std::move(part), {}, "the part is gone", "the configuration", now, {}};
}

void apply(const PartMode& part, policy::PolicySettings& settings) {
  const ModeFor by_hand = *part.by_hand->mode;
  const std::string_view name = part.part;
  if (name == "forecast") {
    raise(settings.forecast_mode, by_hand);
  } else if (name == "anomaly") {
    raise(settings.anomaly.mode, by_hand);
  } else if (name == "all") {
    raise(settings.mode, by_hand);
  } else if (name == "rules") {
    if (by_hand.mode != Mode::enforce) return;
    for (auto& rule : settings.rules) {
      if (rule.when.on_verdict()) continue;  // these belong to `anomaly`
      rule.mode.share = std::min(rule.mode.share, by_hand.share);
    }
  }
  for (auto& endpoint : settings.endpoints) {
    if (name == endpoint_part(endpoint.name)) endpoint.mode = by_hand;
  }
  for (auto& rule : settings.rules) {
    if (name == rule_part(rule.name)) rule.mode = by_hand;
  }
}

}  // namespace

ModeBoard::ModeBoard(limiter::ModeSwitch& in_force, int pace)
    : switches_{&in_force.forecast, &in_force.anomaly, &in_force.rules, &in_force.all},
      ends_(pace) {}

/// What a switch may show before a plan knows of the share.
void ModeBoard::follow(std::size_t part) {
  const ModeFor wanted = parts_[part].said();
  const Mode now = switches_[part]->load(std::memory_order_relaxed);
  const Mode shown = wanted.share < 1 ? std::min(now, wanted.mode) : wanted.mode;
  switches_[part]->store(shown, std::memory_order_relaxed);
}

void ModeBoard::configure(const policy::PolicySettings& settings, WallTime now) {
  std::lock_guard lock(mutex_);
  std::vector<PartMode> before = std::exchange(parts_, configured_parts(settings));
  rules_.clear();
  for (const auto& rule : settings.rules) rules_.push_back(rule.when);
  for (PartMode& old : before) {
    if (!old.by_hand) continue;
    if (PartMode* part = find(old.part)) {
      part->by_hand = std::move(old.by_hand);
    } else {
      ends_.erase(old.part);
      news_.push_back(gone(old.part, now));
    }
  }
  for (std::size_t i = 0; i < kSwitches; ++i) follow(i);
}

/// By name; a rule also by its number in the configuration's order.
PartMode* ModeBoard::find(std::string_view name) {
  const auto named = [&](std::string_view wanted) {
    const auto found = std::find_if(parts_.begin(), parts_.end(),
                                    [&](const PartMode& p) { return p.part == wanted; });
    return found == parts_.end() ? nullptr : &*found;
  };
  PartMode* const part = named(name);
  const auto rule = rule_of(name);
  if (part != nullptr || !rule) return part;
  const auto number = parse_uint(*rule);
  const auto first = std::find_if(parts_.begin(), parts_.end(),
                                  [](const PartMode& p) { return rule_of(p.part).has_value(); });
  const auto rules = static_cast<std::size_t>(parts_.end() - first);
  if (!number || *number < 1 || *number > rules) return nullptr;
  return &first[static_cast<std::ptrdiff_t>(*number) - 1];
}

std::string ModeBoard::no_such(std::string_view name) const {
  std::vector<std::string_view> known;
  for (const PartMode& part : parts_) known.push_back(part.part);
  return fmt::format("there is no part \"{}\"; there are {}", printable(name, 100),
                     fmt::join(known, ", "));
}

Result<void> ModeBoard::set(ModeRecord order, Now now) {
  std::lock_guard lock(mutex_);
  PartMode* const part = find(order.part);
  if (part == nullptr) return fail(Code::invalid_argument, no_such(order.part));
  order.part = part->part;
  if (!order.mode) order.until.reset();
  if (news_.size() < kMostNews) {
    news_.push_back(order);
  } else {
    ++news_lost_;
  }
  changed_ = true;
  part->by_hand.reset();
  ends_.set(part->part, order.until, now);
  if (order.mode) part->by_hand = std::move(order);
  const auto index = static_cast<std::size_t>(part - parts_.data());
  if (index < kSwitches) follow(index);
  return {};
}

void ModeBoard::restore(const std::vector<ModeRecord>& records, Now now) {
  std::lock_guard lock(mutex_);
  changed_ = true;
  for (const ModeRecord& record : records) {
    if (!record.mode || (record.until && *record.until <= now.wall)) continue;
    if (PartMode* part = find(record.part); part != nullptr && part->part == record.part) {
      part->by_hand = record;
      part->by_hand->until = end_of_kept(record.until, record.made_at, now.wall);
      ends_.set(record.part, part->by_hand->until, now);
    } else {
      news_.push_back(gone(record.part, now.wall));
    }
  }
  for (std::size_t i = 0; i < kSwitches; ++i) follow(i);
}

void ModeBoard::expire(Now now) {
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    auto& by_hand = parts_[i].by_hand;
    if (!by_hand || !by_hand->until) continue;
    if (ends_.of(parts_[i].part) > now.mono) continue;
    by_hand.reset();
    ends_.erase(parts_[i].part);
    changed_ = true;
    if (i < kSwitches) follow(i);
  }
}

bool ModeBoard::changed() const {
  std::lock_guard lock(mutex_);
  return changed_;
}

void ModeBoard::restate(Now now) {
  std::lock_guard lock(mutex_);
  for (PartMode& part : parts_) {
    if (part.by_hand && ends_.has(part.part)) part.by_hand->until = ends_.until(part.part, now);
  }
}

Instant ModeBoard::next_end() const {
  std::lock_guard lock(mutex_);
  return ends_.next();
}

policy::PolicySettings ModeBoard::applied_to(policy::PolicySettings settings) {
  std::lock_guard lock(mutex_);
  changed_ = false;
  for (std::size_t i = 0; i < kSwitches; ++i) planned_[i] = parts_[i].said();
  // What is said of one rule stands above what is said of all: it comes last.
  for (const PartMode& part : parts_)
    if (part.by_hand) apply(part, settings);
  return settings;
}

void ModeBoard::settle() {
  std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < kSwitches; ++i) {
    const ModeFor wanted = parts_[i].said();
    if (wanted == planned_[i]) switches_[i]->store(wanted.mode, std::memory_order_relaxed);
  }
}

SwitchModes ModeBoard::modes() const {
  std::lock_guard lock(mutex_);
  const auto mode = [&](std::size_t part) { return parts_[part].said().mode; };
  return {.forecast = mode(0), .anomaly = mode(1), .rules = mode(2), .all = mode(3)};
}

std::vector<PartMode> ModeBoard::parts() const {
  std::lock_guard lock(mutex_);
  std::vector<PartMode> parts = parts_;
  for (PartMode& part : parts) part.in_force = part.said();
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    PartMode& rule = parts[parts.size() - rules_.size() + i];
    rule.in_force = in_force(rule, rules_[i]);
  }
  return parts;
}

ModeFor ModeBoard::in_force(const PartMode& rule, const policy::Condition& when) const {
  ModeFor mode = rule.said();
  if (when.on_verdict()) {
    mode = lesser(mode, parts_[kAnomaly].said());
  } else {
    const ModeFor all = parts_[kRules].said();
    mode.mode = std::min(mode.mode, all.mode);
    // What is said of one rule by hand stands above a share of all.
    if (!rule.by_hand && all.mode == Mode::enforce) mode.share = std::min(mode.share, all.share);
  }
  if (when.looks_ahead()) mode = lesser(mode, parts_[kForecast].said());
  if (mode.mode != Mode::enforce) mode.share = 1;
  return mode;
}

std::vector<ModeRecord> ModeBoard::take_news() {
  std::lock_guard lock(mutex_);
  return std::exchange(news_, {});
}

std::size_t ModeBoard::news_lost() const {
  std::lock_guard lock(mutex_);
  return news_lost_;
}

}  // namespace tidelimit::engine
