#include <algorithm>

#include "engine/control.hpp"
#include "engine/counters.hpp"

namespace tidelimit::engine {
namespace {

/// A control plane that hung for long catches up over several turns.
constexpr int kMostClosedAtOnce = 64;

WindowCounts difference(const WindowCounts& now, const WindowCounts& before) {
  return {now.requests - before.requests,
          now.premium - before.premium,
          now.errors - before.errors,
          now.responses - before.responses,
          now.latency_us - before.latency_us,
          now.malicious - before.malicious,
          now.late - before.late};
}

bool is_nothing(const WindowCounts& c) {
  return (c.requests | c.premium | c.errors | c.responses | c.latency_us | c.malicious | c.late) ==
         0;
}

}  // namespace

void Engine::Control::begin(Now now) {
  windows.begin({}, {}, now);
  data.first_open.store(windows.first_open(), std::memory_order_release);
}

/// Adds to a window what a worker counted in it since the last look.
void Engine::Control::take(CountedTally& counted, WindowIndex window) {
  const Tally& tally = *counted.tally;
  const auto& names = tally.routes().endpoints();
  for (std::size_t e = 0; e < names.size(); ++e) {
    WindowCounts& taken = counted.taken[e * kOpenWindows + place_of(window)];
    const WindowCounts now = tally.window(e, window);
    const WindowCounts fresh = difference(now, taken);
    if (is_nothing(fresh)) continue;
    taken = now;
    // Tallies of an older configuration may number their endpoints otherwise.
    const auto& columns = windows.columns();
    const auto found = e < columns.size() && columns[e] == names[e]
                           ? columns.begin() + static_cast<std::ptrdiff_t>(e)
                           : std::find(columns.begin(), columns.end(), names[e]);
    if (found != columns.end())
      windows.add(window, static_cast<std::size_t>(found - columns.begin()), fresh);
  }
}

void Engine::Control::fold_windows(WallTime now) {
  {
    std::lock_guard lock(data.mutex);
    for (CountedTally& counted : data.tallies) {
      for (WindowIndex w = windows.first_open(); w <= windows.last_open(now); ++w) take(counted, w);
    }
    retire_tallies();
  }
}

void Engine::Control::close_windows(Now now) {
  int closed = 0;
  for (; now.wall >= windows.closes_at() && closed < kMostClosedAtOnce; ++closed) {
    const WindowIndex closing = windows.first_open();
    // First the door, then the last counts: who comes after is late.
    data.first_open.store(closing + 1, std::memory_order_release);
    {
      std::lock_guard lock(data.mutex);
      for (CountedTally& counted : data.tallies) take(counted, closing);
    }
    close_window(now);
    settling.push_back(closing);
  }
  last_success.windows = now.wall;
  if (closed == 0) return;
  forecast_record.judge(windows.closed());
  forecast_due = true;
  changed = true;
  unsaved = true;
}

/// The first open window, of which all is taken that was counted.
void Engine::Control::close_window(Now now) {
  const WindowIndex closing = windows.first_open();
  std::vector<std::string> names = windows.columns();
  auto stats = windows.close_first();
  if (closed_before_jump && closing < *closed_before_jump) return;
  keeper.closed_window(windows.start_of(closing), settings.shape.window, std::move(names),
                       std::move(stats), now.wall);
}

/// A worker that had found a window open while it was being closed may have counted in it since.
/// Its place is next used by another window, so what is there now is taken out as late.
void Engine::Control::settle_closed() {
  if (settling.empty()) return;
  std::lock_guard lock(data.mutex);
  for (const WindowIndex window : settling) {
    for (CountedTally& counted : data.tallies) {
      const std::size_t endpoints = counted.tally->routes().endpoints().size();
      for (std::size_t e = 0; e < endpoints; ++e) {
        // The place may be another window's already, after a pause of eight windows: leave it.
        if (window + static_cast<WindowIndex>(kOpenWindows) <= windows.last_open(last.wall))
          continue;
        WindowCounts& taken = counted.taken[e * kOpenWindows + place_of(window)];
        const WindowCounts now = counted.tally->window(e, window);
        const WindowCounts stray = difference(now, taken);
        taken = now;
        data.retired.late += stray.requests + stray.malicious;
      }
    }
  }
  settling.clear();
}

void Engine::Control::forget_counts() {
  settling.clear();
  std::lock_guard lock(data.mutex);
  for (CountedTally& counted : data.tallies) {
    const std::size_t endpoints = counted.tally->routes().endpoints().size();
    for (std::size_t e = 0; e < endpoints; ++e) {
      for (std::size_t place = 0; place < kOpenWindows; ++place)
        counted.taken[e * kOpenWindows + place] =
            counted.tally->window(e, static_cast<WindowIndex>(place));
    }
  }
}

/// Tallies of an older configuration, or of a worker that left, that no view holds any more. One
/// turn passes between the last hold and the last look.
void Engine::Control::retire_tallies() {
  std::erase_if(data.tallies, [&](CountedTally& counted) {
    const bool unused = counted.tally.use_count() == 1;
    if (!unused || !counted.unused) {
      counted.unused = unused;
      return false;
    }
    add_counters(data.retired, counters_of(*counted.tally), true);
    return true;
  });
}

}  // namespace tidelimit::engine
