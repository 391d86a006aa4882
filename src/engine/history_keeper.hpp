#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/history.hpp"

namespace tidelimit::engine {

/// Writes to the history on the control plane's behalf. A failure is kept as words and stops
/// nothing; closed windows, decisions and what was set by hand wait (a bounded number) until they
/// can be written. Without
/// a history all calls do nothing. One thread.
class HistoryKeeper {
 public:
  explicit HistoryKeeper(std::shared_ptr<History> history) : history_(std::move(history)) {}

  [[nodiscard]] const std::shared_ptr<History>& history() const { return history_; }

  void closed_window(WallTime start, Nanos step, std::vector<std::string> endpoints,
                     std::vector<traffic::WindowStats> stats, WallTime now);
  void open_window(WallTime start, Nanos step, const std::vector<std::string>& endpoints,
                   const std::vector<traffic::WindowStats>& stats, WallTime now);
  void verdicts(const std::vector<policy::VerdictRecord>& records, WallTime now);
  void plan_changes(const std::vector<policy::PlanChange>& changes, WallTime now);
  void decisions(const std::vector<DecisionRecord>& records, WallTime now);
  void modes(const std::vector<ModeRecord>& records, WallTime now);
  void forecasts(const std::vector<forecast::EndpointForecast>& forecasts, WallTime now);
  /// Tries again what waits.
  void flush(WallTime now);

  [[nodiscard]] bool waits() const {
    return !waiting_.empty() || !decisions_.empty() || !modes_.empty();
  }

  /// What is wrong now, in words; empty: nothing. It lasts until all that waited is written.
  [[nodiscard]] std::string trouble() const;

 private:
  struct Waiting {
    WallTime start;
    Nanos step;
    std::vector<std::string> endpoints;
    std::vector<traffic::WindowStats> stats;
  };
  bool note(const Result<void>& done, WallTime now);
  bool flush_decisions(WallTime now);
  bool flush_modes(WallTime now);
  void settle();

  std::shared_ptr<History> history_;
  std::deque<Waiting> waiting_;
  std::vector<DecisionRecord> decisions_;  // that wait
  std::size_t decisions_lost_ = 0;
  std::vector<ModeRecord> modes_;  // that wait
  bool last_failed_ = false;
  std::optional<WallTime> failing_since_;
  std::string message_;
};

}  // namespace tidelimit::engine
