#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/engine.hpp"
#include "engine/history.hpp"

namespace tidelimit::engine {

/// Writes to the history on the control plane's behalf. A failure is kept as words and stops
/// nothing; closed windows, decisions, verdicts, changes of the plan and what was set by hand wait
/// (a bounded number of each) until they can be written. Without a history all calls do nothing.
/// One thread.
class HistoryKeeper {
 public:
  explicit HistoryKeeper(std::shared_ptr<History> history) : history_(std::move(history)) {}

  [[nodiscard]] const std::shared_ptr<History>& history() const { return history_; }

  void closed_window(WallTime start, Nanos step, std::vector<std::string> endpoints,
                     std::vector<traffic::WindowStats> stats, WallTime now);
  /// Those that start in [from, until), also of what waits.
  void drop_windows(WallTime from, WallTime until, WallTime now);
  void open_windows(const traffic::OpenWindows& open, WallTime now);
  void verdicts(const std::vector<policy::VerdictRecord>& records, WallTime now);
  void plan_changes(const std::vector<policy::PlanChange>& changes, WallTime now);
  void decisions(const std::vector<DecisionRecord>& records, WallTime now);
  void modes(const std::vector<ModeRecord>& records, WallTime now);
  void forecasts(const std::vector<forecast::EndpointForecast>& forecasts, WallTime now);
  /// Looks whether the history is still where it is kept.
  void look_after(WallTime now);
  /// After History::overwritten().
  void begin_anew(const InForce& known, WallTime now);
  /// Tries again what waits.
  void flush(WallTime now);

  [[nodiscard]] bool waits() const {
    return !drops_.empty() || !windows_.waiting.empty() || !decisions_.waiting.empty() ||
           !verdicts_.waiting.empty() || !plan_changes_.waiting.empty() || !modes_.waiting.empty();
  }

  [[nodiscard]] std::size_t waiting_decisions() const { return decisions_.waiting.size(); }

  /// What is wrong now, and what waits for it to end. It lasts until all that waited is written.
  [[nodiscard]] std::optional<Degradation> trouble() const;

 private:
  struct Window {
    WallTime start;
    Nanos step;
    std::vector<std::string> endpoints;
    std::vector<traffic::WindowStats> stats;
  };
  struct Windows {
    std::size_t most = 1000;  ///< ten days of quarter hours
    const char* one = "window";
    const char* many = "windows";
    std::deque<Window> waiting{};
    std::size_t lost = 0;
  };
  struct Range {
    WallTime from;
    WallTime until;
  };
  /// Records of one kind that wait; beyond `most` the oldest are lost.
  template <class Record>
  struct Backlog {
    Result<void> (History::*put)(const std::vector<Record>&);
    std::size_t most;
    const char* one;
    const char* many;
    std::vector<Record> waiting{};
    std::size_t lost = 0;
  };
  bool note(const Result<void>& done, WallTime now);
  template <class Record>
  void keep(Backlog<Record>& backlog, const std::vector<Record>& records, WallTime now);
  template <class Record>
  bool write(Backlog<Record>& backlog, WallTime now);
  void settle();

  std::shared_ptr<History> history_;
  std::deque<Range> drops_;  // that wait
  Windows windows_;
  Backlog<DecisionRecord> decisions_{&History::put_decisions, 100'000,  // some 50 MB
                                     "decision", "decisions"};
  Backlog<policy::VerdictRecord> verdicts_{&History::put_verdicts, 10'000, "verdict", "verdicts"};
  Backlog<policy::PlanChange> plan_changes_{&History::put_plan_changes, 10'000,
                                            "change of the plan", "changes of the plan"};
  Backlog<ModeRecord> modes_{&History::put_modes, 1000, "mode set by hand", "modes set by hand"};
  bool last_failed_ = false;
  bool out_of_place_ = false;
  std::optional<WallTime> failing_since_;
  std::string message_;
};

}  // namespace tidelimit::engine
