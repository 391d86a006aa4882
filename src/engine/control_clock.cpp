#include <algorithm>
#include <fmt/format.h>

#include "engine/control.hpp"

namespace tidelimit::engine {
namespace {

bool is_counted(const std::vector<traffic::WindowStats>& stats) {
  return std::any_of(stats.begin(), stats.end(), [](const auto& s) {
    return s.requests > 0 || s.responses > 0 || s.malicious > 0 || s.late > 0;
  });
}

/// Closes the open windows up to `end` that hold counts: the jump cut them short. Those before
/// `kept_before` are stored already.
void close_cut(WindowBook& windows, HistoryKeeper& keeper, WindowIndex end, WindowIndex kept_before,
               Now now) {
  while (end > windows.first_open() && !is_counted(windows.open(end - 1))) --end;
  while (windows.first_open() < end) {
    const WindowIndex closing = windows.first_open();
    std::vector<std::string> names = windows.columns();
    auto stats = windows.close_first();
    for (auto& one : stats) one.observed = false;
    if (closing >= kept_before)
      keeper.closed_window(windows.start_of(closing), windows.closed().step, std::move(names),
                           std::move(stats), now.wall);
  }
}

}  // namespace

/// A jump of the wall clock leaves gaps in the windows and moves no end of what was set by hand.
void Engine::Control::follow_wall_clock(Now now) {
  const bool believed = wall.settled();
  const Nanos jump = wall.pass(now);
  if (const auto& history = keeper.history()) history->believe(wall.trusted(now.wall));
  if (jump != Nanos{0}) {
    modes.restate(now);
    overrides.restate(now);
    labels.restate(now);
    changed = true;
  }
  if (windows.is_behind(now.wall)) {
    if (believed && jump < Nanos{0}) {
      fold_windows(last.wall);
      close_cut(windows, keeper, windows.last_open(last.wall) + 1, windows.first_open(), now);
      closed_before_jump = windows.first_open();
    }
    go_back(now);
  } else if (jump > Nanos{0}) {
    skip_windows(now);
  }
  if (jump != Nanos{0}) windows.miss_until(now.wall);
  if (wall.settled()) closed_before_jump.reset();
}

/// What was closed lies in the future now. Where the clock came back to where it should be, it was
/// stored by a time that never was.
void Engine::Control::go_back(Now now) {
  const WindowIndex before = windows.first_open();
  windows.go_back(now.wall);
  const WindowIndex first = windows.first_open();
  if (wall.settled())
    keeper.drop_windows(windows.start_of(first + 1), windows.start_of(before), now.wall);
  if (windows.closed().size() == 0) note_windows(read_windows(now), now);
  forecast_record.forget_after(now.wall);
  take_new_windows(now);
}

/// Nobody counted in the windows between: they are gaps at once, and not closed one by one. What
/// the clock left behind when it went back is read again.
void Engine::Control::skip_windows(Now now) {
  const WindowIndex target = windows.index_of(now.wall);
  if (target <= windows.first_open()) return;
  settle_closed();
  data.first_open.store(target, std::memory_order_release);
  fold_windows(now.wall);
  close_cut(windows, keeper, std::min(target, windows.last_open(now.wall) + 1),
            closed_before_jump.value_or(windows.first_open()), now);
  const bool kept = windows.skip_to(target);
  if (!kept || (wall.settled() && closed_before_jump)) note_windows(read_windows(now), now);
  take_new_windows(now);
}

void Engine::Control::take_new_windows(Now now) {
  data.first_open.store(windows.first_open(), std::memory_order_release);
  forget_counts();
  memory = {};  // of other windows
  // In the place of what was saved by another time.
  unsaved = true;
  next_save = now.mono;
  forecast_due = true;
}

/// The windows before now as the history has them, where it has any.
Result<void> Engine::Control::read_windows(Now now) {
  const auto& history = keeper.history();
  if (!history) return {};
  // The one that runs among them, and none that a clock which was ahead has left.
  auto stored = history->windows(now.wall - WindowBook::kKept, settings.shape.window,
                                 windows.endpoints(), now.wall + Nanos{1});
  if (!stored) return tl::unexpected(stored.error());
  if (windows.begun()) {
    if (stored->size() > 0) windows.begin(std::move(*stored), {}, now);
    return {};
  }
  auto open = history->open_windows(settings.shape.window);
  windows.begin(std::move(*stored), open.value_or(traffic::OpenWindows{}), now);
  return open ? Result<void>{} : tl::unexpected(open.error());
}

/// What could not be read is not asked for again of itself: that is said until it is read.
void Engine::Control::note_windows(const Result<void>& read, Now now) {
  windows_trouble.clear();
  if (read) return;
  windows_trouble = fmt::format(
      "history: stored windows were not read at {}: {}; forecasts go without them until a restart",
      format_time(now.wall), read.error().message);
}

}  // namespace tidelimit::engine
