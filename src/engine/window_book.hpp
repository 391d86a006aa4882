#pragma once

#include <deque>
#include <string>
#include <vector>

#include "engine/tally.hpp"
#include "traffic/window.hpp"

namespace tidelimit::engine {

/// A window takes events for so long after its end.
inline constexpr Nanos kGrace = std::chrono::seconds{30};

/// The control plane's windows: closed ones on a grid, and the few that are still open. Pure; one
/// thread.
class WindowBook {
 public:
  /// The longest past that a forecast reads is ten weeks; some days more, so that trimming is rare.
  static constexpr Nanos kKept = std::chrono::hours{24 * 72};

  WindowBook(Nanos step, std::vector<std::string> endpoints);

  /// Begins, or begins anew, with what a history holds (an empty grid is fine). Windows between its
  /// end and the first open one become gaps. Those that were `saved` open go on counting, and what
  /// ran of them since then was missed; one that has ended is open for its counts to be closed.
  void begin(traffic::WindowGrid stored, const traffic::OpenWindows& saved, Now now);
  [[nodiscard]] bool begun() const { return begun_; }

  /// What runs has not been listened to before `now`: a wall clock that jumped leaves gaps instead
  /// of made-up zeros.
  void miss_until(WallTime now);
  /// The wall clock went back by more than a window: what was closed lies in the future now.
  [[nodiscard]] bool is_behind(WallTime now) const { return index_of(now) + 1 < first_open_; }
  /// Gives up what lies in the future. A window that was closed early goes on counting.
  void go_back(WallTime now);
  /// Ahead to `target`: the windows between are gaps. False when these were more than are kept:
  /// then nothing is left.
  [[nodiscard]] bool skip_to(WindowIndex target);

  [[nodiscard]] WindowIndex first_open() const { return first_open_; }
  /// The last window that may have events at `now`, one ahead for workers whose clock is.
  [[nodiscard]] WindowIndex last_open(WallTime now) const;
  [[nodiscard]] WallTime closes_at() const { return start_of(first_open_ + 1) + kGrace; }
  [[nodiscard]] WindowIndex index_of(WallTime time) const {
    return floor_to(time, step_).time_since_epoch() / step_;
  }
  [[nodiscard]] WallTime start_of(WindowIndex index) const { return WallTime{step_ * index}; }

  /// Adds what was counted in an open window.
  void add(WindowIndex window, std::size_t column, const WindowCounts& counts);
  /// The first open window joins the grid. Returns its numbers, by column.
  std::vector<traffic::WindowStats> close_first();

  [[nodiscard]] const traffic::WindowGrid& closed() const { return closed_; }
  [[nodiscard]] const std::vector<std::string>& endpoints() const { return closed_.endpoints; }
  /// The endpoints, and behind them those that a configuration took away while windows of theirs
  /// are open: what was counted there is still to be stored, or they come back to it.
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  /// The numbers of an open window so far, by column; all zero when nothing was counted. One that
  /// was not listened to for more than a tenth is not observed.
  [[nodiscard]] std::vector<traffic::WindowStats> open(WindowIndex window) const;
  /// All that are open, to be saved.
  [[nodiscard]] traffic::OpenWindows open_so_far(WallTime now) const;
  [[nodiscard]] double open_requests(std::size_t endpoint, WallTime now) const;

  /// Another list of endpoints: those that stay keep their windows, new ones have gaps, or what
  /// `stored` knows of them. In windows that are open, the time without one is missed.
  void rename(std::vector<std::string> endpoints, const traffic::WindowGrid* stored, WallTime now);

 private:
  /// Of one column in one open window.
  struct Counted {
    traffic::WindowStats stats;
    Nanos missed{0};  ///< nobody listened, or the column was not there
  };
  [[nodiscard]] WindowIndex first_begun(const traffic::OpenWindows& saved, WallTime now) const;
  void take_up(const traffic::OpenWindows& saved, WallTime now);
  void make_rows(WindowIndex last);
  void make_running_rows(WallTime now);
  void rename_open(const std::vector<std::string>& endpoints, WallTime now);
  /// The part of a window that lies in [from, until).
  [[nodiscard]] Nanos overlap(WindowIndex window, WallTime from, WallTime until) const;
  [[nodiscard]] Nanos missed(WindowIndex window, std::size_t column, WallTime until) const;
  [[nodiscard]] bool is_gone(std::size_t column) const { return column >= endpoints().size(); }
  void forget_gone(std::size_t kept);
  void append(std::vector<traffic::WindowStats> stats);
  void append_gaps(WindowIndex until);
  void trim();
  [[nodiscard]] std::size_t most_kept(Nanos span) const;

  Nanos step_;
  bool begun_ = false;
  traffic::WindowGrid closed_;  ///< ends where first_open_ begins
  WindowIndex first_open_ = 0;
  std::vector<std::string> columns_;
  std::vector<WallTime> gone_since_;       ///< of the columns behind endpoints(), oldest first
  std::deque<std::vector<Counted>> open_;  ///< from first_open_ on, by column
};

}  // namespace tidelimit::engine
