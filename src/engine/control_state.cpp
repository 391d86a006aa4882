#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "engine/control.hpp"
#include "policy/figure_match.hpp"
#include "policy/words.hpp"

namespace tidelimit::engine {
namespace {

constexpr Nanos kDay = std::chrono::hours{24};
constexpr std::size_t kRecentRoutes = 16;
constexpr std::size_t kLongestWord = 500;  // on what was set by hand

/// Settings that are taken up at start only, where they differ.
std::vector<std::string> fixed_changes(const Settings& before, const Settings& after) {
  std::vector<std::string> names;
  const auto note = [&](bool differs, const char* name) {
    if (differs) names.emplace_back(name);
  };
  note(before.shape.window != after.shape.window, "forecast.window");
  note(before.shape.history != after.shape.history, "forecast.history");
  note(before.shape.horizon != after.shape.horizon, "forecast.horizon");
  note(before.policy.tiers != after.policy.tiers, "tiers");
  note(before.bucket_bytes != after.bucket_bytes, "memory.buckets");
  note(before.client_bytes != after.client_bytes, "memory.clients");
  note(before.lease_bytes != after.lease_bytes, "memory.leases");
  return names;
}

std::vector<std::string> names_of(const policy::PolicySettings& policy) {
  std::vector<std::string> names;
  for (const auto& endpoint : policy.endpoints) names.push_back(endpoint.name);
  return names;
}

bool same_modes(const policy::PolicySettings& a, const policy::PolicySettings& b) {
  const auto same = [](const auto& one, const auto& other) { return one.mode == other.mode; };
  const auto all_same = [&](const auto& ones, const auto& others) {
    return std::equal(ones.begin(), ones.end(), others.begin(), others.end(), same);
  };
  return same(a, b) && same(a.anomaly, b.anomaly) && a.forecast_mode == b.forecast_mode &&
         all_same(a.endpoints, b.endpoints) && all_same(a.rules, b.rules);
}

}  // namespace

/// Takes up what was set by hand. The routes, which may give principals their places in a roll-out
/// from now on, wait for the plan that this turn makes.
void Engine::Control::follow_modes(Now now) {
  take_mode_news(now);
  if (!modes.changed()) return;
  if (by_hand.empty()) by_hand = "the time of a mode set by hand is over";
  changed = true;
  policy::PolicySettings after = modes.applied_to(settings.policy);
  if (same_modes(policy, after)) return;
  drain_decisions(now);  // what was decided under the older modes is explained by them
  policy = std::move(after);
  verdicts.reconfigure(policy);
  make_routes();
  planner.reconfigure(policy);
}

/// Puts on record what was set by hand, and says it of the limits that move for it.
void Engine::Control::take_mode_news(Now now) {
  const std::vector<ModeRecord> news = modes.take_news();
  for (const ModeRecord& order : news) {
    if (by_hand.size() > kLongestWord) break;
    by_hand += fmt::format("{}mode of {} set to {}", by_hand.empty() ? "" : "; ", order.part,
                           order.mode ? policy::in_words(*order.mode) : "what is configured");
    if (!order.by.empty()) by_hand += " by " + order.by;
    if (!order.reason.empty()) by_hand += ": " + order.reason;
  }
  keeper.modes(news, now.wall);
}

/// One that was written over is begun anew with all that is known here.
void Engine::Control::look_after_history(Now now) {
  keeper.look_after(now.wall);
  if (!keeper.history() || !keeper.history()->overwritten()) return;
  InForce known{overrides.all(), labels.all(), {}, verdicts.all(), windows.closed()};
  for (const PartMode& part : modes.parts())
    if (part.by_hand) known.modes.push_back(*part.by_hand);
  keeper.begin_anew(known, now.wall);
  unsaved = true;
  next_save = now.mono;
}

/// Those of the policy as it is now. They come into force with the plan that is next published.
void Engine::Control::make_routes() {
  recent_routes.push_front(
      std::make_shared<const Routes>(policy, verdicts.agent_patterns(), ++routes_epoch));
  if (recent_routes.size() > kRecentRoutes) recent_routes.pop_back();
}

void Engine::Control::publish(const std::shared_ptr<const limiter::Plan>& plan) {
  auto completed = plan != nullptr ? limiter::completed(*plan) : nullptr;
  std::lock_guard lock(data.mutex);
  data.routes = recent_routes.front();
  data.plan = std::move(completed);
  data.publish_view();
}

void Engine::Control::publish_overrides() {
  std::vector<Prefix> allow;
  for (const auto& entry : policy.anomaly.allow) allow.push_back(entry.prefix);
  data.limiter.overrides.publish(overrides.table(data.limiter, allow));
  changed = true;
}

Result<void> Engine::Control::restore(Now now) {
  std::lock_guard whole(turn);
  std::lock_guard lock(mutex);
  Result<void> outcome;
  if (const auto& history = keeper.history()) outcome = restore_from(*history, now);
  if (!windows.begun()) windows.begin({}, {}, now);
  if (windows.closed().size() > 0) forecast_record.judge(windows.closed());
  data.first_open.store(windows.first_open(), std::memory_order_release);
  publish_overrides();
  publish_verdicts(now);
  forecast_due = true;
  changed = true;
  return outcome;
}

/// What cannot be read leaves the rest alone; the first trouble is told.
Result<void> Engine::Control::restore_from(History& history, Now now) {
  Result<void> outcome;
  const auto failed = [&](const char* what, const Error& error) {
    if (outcome) outcome = fail_in(what, error);
  };
  const auto take = [&](const char* what, auto stored, const auto& use) {
    stored ? use(*stored) : failed(what, stored.error());
  };
  const auto read = read_windows(now);
  note_windows(read, now);
  if (!read) failed("stored windows", read.error());
  take("stored modes", history.modes(), [&](const auto& stored) {
    modes.restore(stored, now);
    follow_modes(now);
    by_hand.clear();  // that was before the restart
  });
  take("stored labels", history.labels(), [&](const auto& stored) {
    for (const auto& made : stored) labels.put(made, now);
    labels.expire(now.mono);
    for (const auto& made : labels.all()) verdicts.label(LabelBook::as_label(made), now);
  });
  take("stored verdicts", history.verdicts(now.wall),
       [&](const auto& stored) { verdicts.restore(stored, now); });
  take("stored overrides", history.overrides(), [&](const auto& stored) {
    for (const auto& made : stored) {
      if (const auto kept = restore_override(made, now); !kept)
        failed("stored overrides", kept.error());
    }
    overrides.expire(now.mono);
  });
  take("where limits stood", history.plan_standing(),
       [&](const auto& stored) { planner.restore(stored, modes.modes().all, now); });
  take("stored plan changes",
       history.plan_changes({.since = now.wall - kDay, .until = now.wall, .most = kRecentChanges}),
       [&](auto& stored) { recent_changes = std::move(stored); });
  take("stored forecasts", history.forecasts({.since = now.wall - kDay - settings.shape.horizon}),
       [&](const auto& stored) {
         forecast_record.published(stored);
         forecast_record.forget_after(now.wall);  // made while the wall clock was ahead
       });
  return outcome;
}

/// Earlier versions kept an IPv6 address as a target of its own, though it stood for its /64: it is
/// written anew under that, so that it can be found and taken back. In force it is either way.
Result<void> Engine::Control::restore_override(OverrideRecord made, Now now) {
  const std::string kept = made.target;
  made.target = OverrideBook::target_named(kept).value_or(kept);
  Result<void> written;
  if (made.target != kept) {
    written = keeper.history()->put_override(made);
    if (written) written = keeper.history()->delete_override(kept, "tidelimit", now.wall);
  }
  overrides.put(std::move(made), now);
  return written;
}

Result<void> Engine::Control::reconfigure(Settings after, Now now) {
  std::lock_guard whole(turn);
  std::lock_guard lock(mutex);
  if (const auto fixed = fixed_changes(settings, after); !fixed.empty())
    return fail(Code::failed_precondition,
                fmt::format("{} can't change while the gate runs: restart it, or set {} back",
                            fmt::join(fixed, ", "), fixed.size() == 1 ? "it" : "them"));
  const std::vector<std::string> names = names_of(after.policy);
  const bool renamed = names != windows.endpoints();
  drain_decisions(now);  // rules are known by their numbers, which may not be the same afterwards
  after.calendar_pace = settings.calendar_pace;  // the clock's, not the configuration's
  settings = std::move(after);
  modes.configure(settings.policy, now.wall);
  policy = modes.applied_to(settings.policy);
  planner.reconfigure(policy);
  const std::vector<std::string> agents = verdicts.agent_patterns();
  verdicts.reconfigure(policy);
  clients.set_trusted(settings.trusted_proxies);
  if (renamed) {
    fold_windows(now.wall);
    traffic::WindowGrid stored;
    if (keeper.history() && windows.closed().size() > 0) {
      auto read = keeper.history()->windows(windows.closed().start, settings.shape.window, names,
                                            windows.start_of(windows.first_open()));
      if (read) {
        stored = std::move(*read);
      } else {
        note_windows(tl::unexpected(read.error()), now);
      }
    }
    windows.rename(names, stored.size() > 0 ? &stored : nullptr, now.wall);
    memory = {};  // of other windows
    std::erase_if(forecasts, [&](const auto& made) {
      return std::find(names.begin(), names.end(), made.endpoint) == names.end();
    });
  }
  make_routes();
  if (ticked) {
    plan(now);
  } else {
    publish(nullptr);
  }
  publish_verdicts(now);  // which name their rules by the new numbers
  forget_agents(policy::renamed_classes(agents, verdicts.agent_patterns()), now);
  publish_overrides();
  modes.settle();
  forecast_due = true;
  hurry();
  return {};
}

}  // namespace tidelimit::engine
