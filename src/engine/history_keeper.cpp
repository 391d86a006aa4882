#include "engine/history_keeper.hpp"

#include <fmt/format.h>

namespace tidelimit::engine {
namespace {

constexpr std::size_t kMostWaiting = 1000;              // ten days of quarter hours
constexpr std::size_t kMostDecisionsWaiting = 100'000;  // some 50 MB at most
constexpr std::size_t kMostModesWaiting = 1000;

}  // namespace

// What is small may still find room on a full disk: while anything waits, all is not well.
bool HistoryKeeper::note(const Result<void>& done, WallTime now) {
  if (done) {
    last_failed_ = false;
    settle();
    return true;
  }
  last_failed_ = true;
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
  if (!flush_modes(now) || !flush_decisions(now)) return;
  while (!waiting_.empty()) {
    const Waiting& next = waiting_.front();
    if (!note(history_->put_windows(next.start, next.step, next.endpoints, next.stats), now))
      return;
    waiting_.pop_front();
  }
  settle();
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
  if (!history_ || records.empty()) return;
  const bool others_wait =
      !decisions_.empty();  // until flush: a full disk is not asked each second
  decisions_.insert(decisions_.end(), records.begin(), records.end());
  if (!others_wait) flush_decisions(now);
  if (decisions_.size() <= kMostDecisionsWaiting) return;
  const std::size_t lost = decisions_.size() - kMostDecisionsWaiting;
  decisions_.erase(decisions_.begin(), decisions_.begin() + static_cast<std::ptrdiff_t>(lost));
  decisions_lost_ += lost;
}

bool HistoryKeeper::flush_decisions(WallTime now) {
  if (decisions_.empty()) return true;
  if (!note(history_->put_decisions(decisions_), now)) return false;
  decisions_.clear();
  settle();
  return true;
}

void HistoryKeeper::modes(const std::vector<ModeRecord>& records, WallTime now) {
  if (!history_ || records.empty()) return;
  modes_.insert(modes_.end(), records.begin(), records.end());
  if (modes_.size() > kMostModesWaiting)
    modes_.erase(modes_.begin(), modes_.end() - static_cast<std::ptrdiff_t>(kMostModesWaiting));
  flush_modes(now);
}

bool HistoryKeeper::flush_modes(WallTime now) {
  if (modes_.empty()) return true;
  if (!note(history_->put_modes(modes_), now)) return false;
  modes_.clear();
  settle();
  return true;
}

void HistoryKeeper::forecasts(const std::vector<forecast::EndpointForecast>& forecasts,
                              WallTime now) {
  if (history_ && !forecasts.empty()) note(history_->put_forecasts(forecasts), now);
}

void HistoryKeeper::settle() {
  if (last_failed_ || waits()) return;
  failing_since_.reset();
  decisions_lost_ = 0;
}

std::string HistoryKeeper::trouble() const {
  if (!failing_since_) return {};
  std::string words = fmt::format("history: {} (since {})", message_, format_time(*failing_since_));
  if (!decisions_.empty())
    words += fmt::format("; {} decisions wait to be written", decisions_.size());
  if (!modes_.empty()) words += fmt::format("; {} modes set by hand wait", modes_.size());
  if (decisions_lost_ > 0) words += fmt::format(", {} are lost", decisions_lost_);
  return words;
}

}  // namespace tidelimit::engine
