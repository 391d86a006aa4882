#include "engine/control.hpp"

#include <algorithm>

namespace tidelimit::engine {
namespace {

constexpr Nanos kSecond = std::chrono::seconds{1};
constexpr Nanos kSaveEvery = std::chrono::seconds{5};
/// Where nothing happens, so often in a window: what ran after the last save before a kill can't be
/// told from what nobody listened to, and is to be less than the tenth that is forgiven.
constexpr Nanos::rep kQuietSavesInAWindow = 20;

/// The next multiple of `step` after `at`: stages keep to a grid, so that equal inputs meet equal
/// turns.
Instant next_on_grid(Instant at, Nanos step) {
  return Instant{step * (at.since_start / step + 1)};
}

}  // namespace

Engine::Control::Control(Data& the_data, Settings the_settings, std::shared_ptr<History> history)
    : data(the_data),
      settings(std::move(the_settings)),
      policy(settings.policy),
      wall(settings.calendar_pace),
      windows(settings.shape.window,
              [this] {
                std::vector<std::string> names;
                for (const auto& endpoint : settings.policy.endpoints)
                  names.push_back(endpoint.name);
                return names;
              }()),
      clients(data.limiter.clients(), data.crowd),
      planner(policy),
      verdicts(policy),
      overrides(settings.calendar_pace),
      labels(settings.calendar_pace),
      keeper(std::move(history)),
      modes(data.limiter.mode, settings.calendar_pace) {
  modes.configure(settings.policy, WallTime{});
  policy = modes.applied_to(settings.policy);
  clients.set_trusted(settings.trusted_proxies);
  make_routes();
  publish(nullptr);
}

void Engine::Control::tick(Now now) {
  std::lock_guard whole(turn);
  std::unique_lock lock(mutex);
  now.mono = std::max(now.mono, last.mono);
  if (!windows.begun()) begin(now);
  follow_wall_clock(now);
  look_after_history(now);
  const bool active =
      data.active_since.exchange(Data::kQuiet, std::memory_order_acq_rel) != Data::kQuiet;
  unfolded = unfolded || active;
  modes.expire(now);
  follow_modes(now);
  unsaved = unsaved || active || keeper.waits();
  take_models();

  settle_closed();
  if (active || now.wall >= windows.closes_at()) fold_windows(now.wall);
  close_windows(now);
  if (now.mono >= next_fold && unfolded) {
    fold_clients(now);
    next_fold = next_on_grid(now.mono, kSecond);
    unfolded = false;
  }
  if (now.mono >= next_scan) {
    scan(now);
    next_scan = next_on_grid(now.mono, policy.anomaly.scan);
  }
  expire_labels(now);
  publish_verdicts(now);
  if (forecast_due) forecast(now, lock);
  plan(now);
  modes.settle();
  if (!overrides.expire(now.mono).empty()) publish_overrides();

  drain_decisions(now);
  if (responses.due(now.mono)) responses.look(data.counters(), now.mono);
  if (keeper.history() && now.mono >= (unsaved ? next_save : next_quiet_save)) save_in_turn(now);
  last = now;
  if (!ticked) started = now.mono;
  ticked = true;
  publish_status(now);
  set_due(now);
}

void Engine::Control::save(Now now) {
  keeper.flush(now.wall);
  keeper.open_windows(windows.open_so_far(now.wall), now.wall);
}

void Engine::Control::save_in_turn(Now now) {
  save(now);
  const Nanos quiet = settings.shape.window / (kQuietSavesInAWindow * settings.calendar_pace);
  next_save = next_on_grid(now.mono, kSaveEvery);
  next_quiet_save = next_on_grid(now.mono, std::max(quiet, kSaveEvery));
  unsaved = keeper.waits();
}

/// All that is known now, and does not wait for its time. Expects `turn`.
void Engine::Control::save_all(Now now) {
  std::lock_guard lock(mutex);
  if (!keeper.history() || !windows.begun()) return;
  fold_windows(now.wall);
  write_records(now);
  save(now);
}

void Engine::Control::set_due(Now now) {
  WallTime next = windows.closes_at();
  const auto at = [&](Instant when) {
    next = std::min(next, now.wall + std::max(when - now.mono, Nanos{1}) * settings.calendar_pace);
  };
  const Instant end = std::min({modes.next_end(), overrides.next_end(), labels.next_end()});
  if (end < Instant{Nanos::max()}) at(end);
  if (unfolded) at(next_fold);
  if (clients.any_touched()) at(next_scan);
  if (keeper.history()) at(unsaved ? next_save : next_quiet_save);
  if (const auto planned = planner.next_planned()) next = std::min(next, *planned);
  if (!planner_rests()) at(next_on_grid(now.mono, kSecond));
  if (const auto current = planner.current())
    at(current->expires_at - settings.policy.adapt.plan_ttl / 2);
  wall_offset.store((now.wall.time_since_epoch() - now.mono.since_start).count(),
                    std::memory_order_relaxed);
  last_wall.store(now.wall.time_since_epoch().count(), std::memory_order_relaxed);
  due.store(next.time_since_epoch().count(), std::memory_order_release);
}

}  // namespace tidelimit::engine
