#include "engine/history_keeper.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tidelimit::engine {

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
  auto& waiting = windows_.waiting;
  waiting.push_back({start, step, std::move(endpoints), std::move(stats)});
  flush(now);
  if (waiting.size() <= windows_.most) return;
  waiting.pop_front();
  ++windows_.lost;
}

void HistoryKeeper::drop_windows(WallTime from, WallTime until, WallTime now) {
  if (!history_ || from >= until) return;
  std::erase_if(windows_.waiting,
                [&](const Window& w) { return from <= w.start && w.start < until; });
  drops_.push_back({from, until});
  flush(now);
}

void HistoryKeeper::look_after(WallTime now) {
  if (!history_) return;
  const auto kept = history_->look_after();
  if (!kept || out_of_place_) note(kept, now);
  out_of_place_ = !kept;
}

void HistoryKeeper::begin_anew(const InForce& known, WallTime now) {
  const auto begun = history_->begin_anew(known);
  note(begun, now);
  out_of_place_ = !begun;
}

void HistoryKeeper::flush(WallTime now) {
  if (!write(modes_, now) || !write(verdicts_, now) || !write(plan_changes_, now) ||
      !write(decisions_, now))
    return;
  for (; !drops_.empty(); drops_.pop_front())
    if (!note(history_->drop_windows(drops_.front().from, drops_.front().until), now)) return;
  while (!windows_.waiting.empty()) {
    const Window& next = windows_.waiting.front();
    if (!note(history_->put_windows(next.start, next.step, next.endpoints, next.stats), now))
      return;
    windows_.waiting.pop_front();
  }
  settle();
}

// What others of its kind wait for waits with them until flush: a full disk is not asked each time.
template <class Record>
void HistoryKeeper::keep(Backlog<Record>& backlog, const std::vector<Record>& records,
                         WallTime now) {
  if (!history_ || records.empty()) return;
  auto& waiting = backlog.waiting;
  const bool others_wait = !waiting.empty();
  waiting.insert(waiting.end(), records.begin(), records.end());
  if (!others_wait) write(backlog, now);
  if (waiting.size() <= backlog.most) return;
  const std::size_t lost = waiting.size() - backlog.most;
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(lost));
  backlog.lost += lost;
}

template <class Record>
bool HistoryKeeper::write(Backlog<Record>& backlog, WallTime now) {
  if (backlog.waiting.empty()) return true;
  if (!note(((*history_).*backlog.put)(backlog.waiting), now)) return false;
  backlog.waiting.clear();
  settle();
  return true;
}

void HistoryKeeper::open_windows(const traffic::OpenWindows& open, WallTime now) {
  if (history_) note(history_->put_open_windows(open), now);
}

void HistoryKeeper::verdicts(const std::vector<policy::VerdictRecord>& records, WallTime now) {
  keep(verdicts_, records, now);
}

void HistoryKeeper::plan_changes(const std::vector<policy::PlanChange>& changes, WallTime now) {
  keep(plan_changes_, changes, now);
}

void HistoryKeeper::decisions(const std::vector<DecisionRecord>& records, WallTime now) {
  keep(decisions_, records, now);
}

void HistoryKeeper::modes(const std::vector<ModeRecord>& records, WallTime now) {
  keep(modes_, records, now);
}

void HistoryKeeper::forecasts(const std::vector<forecast::EndpointForecast>& forecasts,
                              WallTime now) {
  if (history_ && !forecasts.empty()) note(history_->put_forecasts(forecasts), now);
}

void HistoryKeeper::settle() {
  if (last_failed_ || waits()) return;
  failing_since_.reset();
  windows_.lost = decisions_.lost = verdicts_.lost = plan_changes_.lost = modes_.lost = 0;
}

std::optional<Degradation> HistoryKeeper::trouble() const {
  if (!failing_since_) {
    std::string notice = history_ ? history_->notice() : std::string();
    if (notice.empty()) return std::nullopt;
    return Degradation{std::move(notice)};
  }
  std::vector<std::string> parts;
  const auto add = [&parts](const auto& backlog) {
    const auto count = [&](std::size_t n, const char* is, const char* are) {
      if (n > 0)
        parts.push_back(
            fmt::format("{} {} {}", n, n == 1 ? backlog.one : backlog.many, n == 1 ? is : are));
    };
    count(backlog.waiting.size(), "waits to be written", "wait to be written");
    count(backlog.lost, "is lost", "are lost");
  };
  add(decisions_);
  add(verdicts_);
  add(plan_changes_);
  add(modes_);
  add(windows_);
  return Degradation{fmt::format("history: {} (since {})", message_, format_time(*failing_since_)),
                     fmt::format("{}", fmt::join(parts, ", "))};
}

}  // namespace tidelimit::engine
