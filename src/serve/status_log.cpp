#include "serve/status_log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

#include "policy/plan_change.hpp"
#include "policy/verdict_words.hpp"

namespace tidelimit::serve {

void StatusLog::tell(const engine::Status& status) {
  tell_degraded(status);
  tell_sources(status);
  tell_plan_changes(status);
  tell_verdicts(status);
}

/// One line when something in the engine is not as it should be, and one when it is again.
void StatusLog::tell_degraded(const engine::Status& status) {
  const auto& now = status.degraded;
  if (now == degraded_) return;
  const auto holds = [](const std::vector<engine::Degradation>& all,
                        const engine::Degradation& one) {
    return std::any_of(all.begin(), all.end(),
                       [&](const engine::Degradation& other) { return other.what == one.what; });
  };
  for (const auto& one : now) {
    if (!holds(degraded_, one)) spdlog::warn("degraded: {}", one.words());
  }
  for (const auto& one : degraded_) {
    if (!holds(now, one)) spdlog::info("well again: {}", one.words());
  }
  degraded_ = now;
}

/// One line when a simple rule takes a forecast over from the model, and one when it goes back.
void StatusLog::tell_sources(const engine::Status& status) {
  for (const auto& forecast : status.forecasts) {
    const auto known = guarded_.find(forecast.endpoint);
    const bool told = known != guarded_.end();
    if (forecast.guarded() && (!told || known->second != forecast.source)) {
      guarded_[forecast.endpoint] = forecast.source;
      spdlog::warn("forecast of {}: {}", forecast.endpoint, forecast.note);
    } else if (!forecast.guarded() && told) {
      guarded_.erase(known);
      spdlog::info("forecast of {}: no simple rule in its place any more", forecast.endpoint);
    }
  }
}

/// One line for all that changed at one step.
void StatusLog::tell_plan_changes(const engine::Status& status) {
  std::uint64_t total = 0;
  for (const auto& [rule, count] : status.plan_changes_total) total += count;
  const std::uint64_t fresh = total - std::exchange(plan_changes_, total);
  const auto& changes = status.recent_changes;
  for (std::size_t i = changes.size() - std::min<std::size_t>(fresh, changes.size());
       i < changes.size();) {
    const policy::PlanChange& first = changes[i];
    std::size_t same_step = 0;
    while (i < changes.size() && changes[i].time == first.time) ++i, ++same_step;
    spdlog::info("plan: {}{}", policy::in_words(first),
                 same_step > 1 ? fmt::format("; and {} more", same_step - 1) : "");
  }
}

/// A line for each that was raised, and one for all that had none.
void StatusLog::tell_verdicts(const engine::Status& status) {
  std::uint64_t total = 0;
  for (const auto& raised : status.verdicts_total) total += raised.count;
  const std::uint64_t fresh = total - std::exchange(verdicts_, total);
  if (status.at.mono - minute_ >= std::chrono::minutes{1}) {
    minute_ = status.at.mono;
    lines_ = 0;
  }
  const auto& recent = status.recent_verdicts;
  const std::uint64_t shown =
      std::min({fresh, std::uint64_t{recent.size()}, kVerdictLines - lines_});
  lines_ += shown;
  passed_over_ += fresh - shown;
  for (auto verdict = recent.end() - static_cast<std::ptrdiff_t>(shown); verdict != recent.end();
       ++verdict)
    spdlog::info("verdict: {}", policy::in_words(*verdict));
  if (passed_over_ != 0 && lines_ < kVerdictLines)
    spdlog::info("verdict: and {} more, by GET /v1/verdicts", std::exchange(passed_over_, 0));
}

}  // namespace tidelimit::serve
