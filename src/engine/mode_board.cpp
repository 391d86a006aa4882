#include "engine/mode_board.hpp"

#include <algorithm>

namespace tidelimit::engine {

using limiter::Mode;

std::atomic<Mode>& ModeBoard::place_of(const Part& part) const {
  if (part.name == "forecast") return switch_.forecast;
  if (part.name == "anomaly") return switch_.anomaly;
  return part.name == "rules" ? switch_.rules : switch_.all;
}

void ModeBoard::configure(const policy::PolicySettings& settings) {
  std::lock_guard lock(mutex_);
  for (Part& part : parts_) {
    part.configured = part.name == "forecast"  ? settings.forecast_mode
                      : part.name == "anomaly" ? settings.anomaly.mode
                      : part.name == "rules"   ? Mode::enforce
                                               : settings.mode;
    place_of(part).store(part.in_force(), std::memory_order_relaxed);
  }
}

Result<void> ModeBoard::set(std::string_view name, Mode mode, std::optional<WallTime> until) {
  std::lock_guard lock(mutex_);
  for (Part& part : parts_) {
    if (part.name != name) continue;
    part.by_hand = mode;
    part.until = until;
    place_of(part).store(mode, std::memory_order_relaxed);
    return {};
  }
  return fail(Code::invalid_argument, "there is no part \"" + std::string(name) +
                                          "\": name forecast, anomaly, rules or all");
}

bool ModeBoard::expire(WallTime now) {
  std::lock_guard lock(mutex_);
  bool any = false;
  for (Part& part : parts_) {
    if (!part.by_hand || !part.until || *part.until > now) continue;
    part.by_hand.reset();
    part.until.reset();
    place_of(part).store(part.configured, std::memory_order_relaxed);
    any = true;
  }
  return any;
}

WallTime ModeBoard::next_end() const {
  std::lock_guard lock(mutex_);
  WallTime next = WallTime::max();
  for (const Part& part : parts_) {
    if (part.by_hand && part.until) next = std::min(next, *part.until);
  }
  return next;
}

std::vector<std::pair<std::string, Mode>> ModeBoard::modes() const {
  std::lock_guard lock(mutex_);
  std::vector<std::pair<std::string, Mode>> modes;
  for (const Part& part : parts_) modes.emplace_back(part.name, part.in_force());
  return modes;
}

Mode ModeBoard::mode(std::string_view name) const {
  std::lock_guard lock(mutex_);
  const auto part = std::find_if(parts_.begin(), parts_.end(),
                                 [&](const Part& candidate) { return candidate.name == name; });
  return part == parts_.end() ? Mode::enforce : part->in_force();
}

}  // namespace tidelimit::engine
