#include "engine/history_keeper.hpp"

#include <fmt/format.h>

namespace tidelimit::engine {
namespace {

constexpr std::size_t kMostWaiting = 1000;  // ten days of quarter hours

}  // namespace

bool HistoryKeeper::note(const Result<void>& done, WallTime now) {
  if (done) {
    failing_since_.reset();
    return true;
  }
  if (!failing_since_) failing_since_ = now;
  message_ = done.error().message;
  return false;
}

void HistoryKeeper::closed_window(WallTime start, Nanos step, std::vector<std::string> endpoints,
                                  std::vector<traffic::WindowStats> stats, WallTime now) {
  if (!history_) return;
  waiting_.push_back({start, step, std::move(endpoints), std::move(stats)});
  if (waiting_.size() > kMostWaiting) waiting_.pop_front();
  flush(now);
}

void HistoryKeeper::flush(WallTime now) {
  while (!waiting_.empty()) {
    const Waiting& next = waiting_.front();
    if (!note(history_->put_windows(next.start, next.step, next.endpoints, next.stats), now))
      return;
    waiting_.pop_front();
  }
}

void HistoryKeeper::open_window(WallTime start, Nanos step,
                                const std::vector<std::string>& endpoints,
                                const std::vector<traffic::WindowStats>& stats, WallTime now) {
  if (!history_) return;
  note(history_->put_open_window(start, step, endpoints, stats), now);
}

void HistoryKeeper::verdicts(const std::vector<policy::VerdictRecord>& records, WallTime now) {
  if (history_ && !records.empty()) note(history_->put_verdicts(records), now);
}

void HistoryKeeper::plan_changes(const std::vector<policy::PlanChange>& changes, WallTime now) {
  if (history_ && !changes.empty()) note(history_->put_plan_changes(changes), now);
}

void HistoryKeeper::decisions(const std::vector<DecisionRecord>& records, WallTime now) {
  if (history_ && !records.empty()) note(history_->put_decisions(records), now);
}

void HistoryKeeper::forecasts(const std::vector<forecast::EndpointForecast>& forecasts,
                              WallTime now) {
  if (history_ && !forecasts.empty()) note(history_->put_forecasts(forecasts), now);
}

std::string HistoryKeeper::trouble() const {
  if (!failing_since_) return {};
  return fmt::format("history: {} (since {})", message_, format_time(*failing_since_));
}

}  // namespace tidelimit::engine
