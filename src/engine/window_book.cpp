#include "engine/window_book.hpp"

#include <algorithm>
#include <utility>

namespace tidelimit::engine {
namespace {

using traffic::WindowStats;

constexpr Nanos kKeptAtMost = std::chrono::hours{24 * 76};
constexpr std::size_t kMostWindows = 100'000;  // of short windows
// A window that was listened to for less of it is a gap, not a low count.
constexpr Nanos::rep kMissedPart = 10;  // a tenth

WindowStats gap() {
  WindowStats stats;
  stats.observed = false;
  return stats;
}

}  // namespace

WindowBook::WindowBook(Nanos step, std::vector<std::string> endpoints) : step_(step) {
  closed_.step = step;
  closed_.stats.resize(endpoints.size());
  columns_ = endpoints;
  closed_.endpoints = std::move(endpoints);
}

void WindowBook::begin(traffic::WindowGrid stored, const traffic::OpenWindows& saved, Now now) {
  begun_ = true;
  for (auto& column : closed_.stats) column.clear();
  open_.clear();
  forget_gone(0);
  const bool known = stored.size() > 0 && stored.start <= now.wall;
  // With nothing before, nothing is in grace.
  first_open_ =
      known ? std::max(index_of(stored.start), first_begun(saved, now.wall)) : index_of(now.wall);
  closed_.start = known ? stored.start : start_of(first_open_);
  miss_until(now.wall);
  if (!known) return;
  const WindowIndex first = index_of(stored.start);
  const auto size = static_cast<WindowIndex>(stored.size());
  for (WindowIndex i = first; i < first + size && i <= index_of(now.wall); ++i) {
    std::vector<WindowStats> stats;
    for (const auto& column : stored.stats)
      stats.push_back(column[static_cast<std::size_t>(i - first)]);
    if (i < first_open_) {
      append(std::move(stats));
      continue;
    }
    auto& row = open_[static_cast<std::size_t>(i - first_open_)];
    for (std::size_t e = 0; e < stats.size(); ++e)
      row[e] = {.stats = stats[e], .missed = stats[e].observed ? Nanos{0} : row[e].missed};
  }
  take_up(saved, now.wall);
  append_gaps(first_open_);
  trim();
}

/// The oldest window that was saved open is closed in its turn, unless more have gone by than can
/// be open.
WindowIndex WindowBook::first_begun(const traffic::OpenWindows& saved, WallTime now) const {
  const WindowIndex in_grace = index_of(now - kGrace);
  if (saved.so_far.size() == 0) return in_grace;
  const WindowIndex oldest = index_of(saved.so_far.start);
  const bool fits = index_of(now) + 1 < oldest + static_cast<WindowIndex>(kOpenWindows);
  return fits ? std::min(oldest, in_grace) : in_grace;
}

void WindowBook::take_up(const traffic::OpenWindows& saved, WallTime now) {
  const auto& names = saved.so_far.endpoints;
  for (std::size_t i = 0; i < saved.so_far.size(); ++i) {
    const WindowIndex window = index_of(saved.so_far.time_of(i));
    if (window < first_open_ || window > last_open(now)) continue;
    make_rows(window);
    auto& row = open_[static_cast<std::size_t>(window - first_open_)];
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const auto e = static_cast<std::size_t>(std::find(names.begin(), names.end(), columns_[c]) -
                                              names.begin());
      if (e == names.size()) continue;
      row[c].stats = saved.so_far.stats[e][i];
      row[c].missed = saved.missed[e][i] + overlap(window, saved.as_of, now);
    }
  }
}

void WindowBook::make_rows(WindowIndex last) {
  const auto rows = static_cast<std::size_t>(std::max<WindowIndex>(last - first_open_ + 1, 0));
  if (open_.size() < rows) open_.resize(rows, std::vector<Counted>(columns_.size()));
}

void WindowBook::make_running_rows(WallTime now) {
  make_rows(std::min(index_of(now), last_open(now)));
}

void WindowBook::miss_until(WallTime now) {
  make_running_rows(now);
  for (std::size_t i = 0; i < open_.size(); ++i) {
    const WindowIndex window = first_open_ + static_cast<WindowIndex>(i);
    for (Counted& column : open_[i])
      column.missed = std::max(column.missed, overlap(window, start_of(window), now));
  }
}

void WindowBook::go_back(WallTime now) {
  first_open_ = index_of(now);
  open_.clear();
  forget_gone(0);
  const auto kept =
      static_cast<std::size_t>(std::max<WindowIndex>(first_open_ - index_of(closed_.start), 0));
  if (kept < closed_.size() && first_open_ >= index_of(closed_.start)) {
    auto& row = open_.emplace_back();
    for (const auto& column : closed_.stats) row.push_back({.stats = column[kept]});
  }
  for (auto& column : closed_.stats) column.resize(std::min(column.size(), kept));
  if (kept == 0) closed_.start = start_of(first_open_);
}

bool WindowBook::skip_to(WindowIndex target) {
  if (target <= first_open_) return true;
  open_.clear();
  forget_gone(0);
  const bool kept = static_cast<std::size_t>(target - first_open_) <= most_kept(kKept);
  first_open_ = target;
  if (kept) {
    append_gaps(target);
    trim();
    return true;
  }
  for (auto& column : closed_.stats) column.clear();
  closed_.start = start_of(target);
  return false;
}

WindowIndex WindowBook::last_open(WallTime now) const {
  return std::min(index_of(now) + 1, first_open_ + static_cast<WindowIndex>(kOpenWindows) - 1);
}

void WindowBook::add(WindowIndex window, std::size_t column, const WindowCounts& counts) {
  make_rows(window);
  WindowStats& to = open_[static_cast<std::size_t>(window - first_open_)][column].stats;
  to.requests += static_cast<double>(counts.requests);
  to.premium += static_cast<double>(counts.premium);
  to.errors += static_cast<double>(counts.errors);
  to.responses += static_cast<double>(counts.responses);
  to.latency_ms_sum += static_cast<double>(counts.latency_us) / 1e3;
  to.malicious += static_cast<double>(counts.malicious);
  to.late += static_cast<double>(counts.late);
}

Nanos WindowBook::missed(WindowIndex window, std::size_t column, WallTime until) const {
  const auto place = static_cast<std::size_t>(window - first_open_);
  const Nanos counted = place < open_.size() ? open_[place][column].missed : Nanos{0};
  if (!is_gone(column)) return counted;
  return counted + overlap(window, gone_since_[column - endpoints().size()], until);
}

std::vector<WindowStats> WindowBook::open(WindowIndex window) const {
  const auto place = static_cast<std::size_t>(window - first_open_);
  std::vector<WindowStats> stats(columns_.size());
  for (std::size_t c = 0; c < stats.size(); ++c) {
    if (place < open_.size()) stats[c] = open_[place][c].stats;
    stats[c].observed = missed(window, c, start_of(window + 1)) <= step_ / kMissedPart;
  }
  return stats;
}

traffic::OpenWindows WindowBook::open_so_far(WallTime now) const {
  traffic::OpenWindows so_far{
      now, {start_of(first_open_), step_, columns_, {}}, std::vector<std::vector<Nanos>>()};
  const auto running = static_cast<std::size_t>(
      std::max<WindowIndex>(std::min(index_of(now), last_open(now)) - first_open_ + 1, 0));
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    auto& stats = so_far.so_far.stats.emplace_back();
    auto& missed = so_far.missed.emplace_back();
    for (std::size_t i = 0; i < std::max(running, open_.size()); ++i) {
      stats.push_back(i < open_.size() ? open_[i][c].stats : WindowStats{});
      missed.push_back(this->missed(first_open_ + static_cast<WindowIndex>(i), c, now));
    }
  }
  return so_far;
}

double WindowBook::open_requests(std::size_t endpoint, WallTime now) const {
  const auto place = static_cast<std::size_t>(index_of(now) - first_open_);
  return place < open_.size() ? open_[place][endpoint].stats.requests : 0.0;
}

std::vector<WindowStats> WindowBook::close_first() {
  std::vector<WindowStats> stats = open(first_open_);
  append(stats);
  if (!open_.empty()) open_.pop_front();
  ++first_open_;
  const auto outlived = std::find_if(gone_since_.begin(), gone_since_.end(),
                                     [&](WallTime since) { return since > start_of(first_open_); });
  forget_gone(static_cast<std::size_t>(gone_since_.end() - outlived));
  trim();
  return stats;
}

/// All but the `kept` that went last.
void WindowBook::forget_gone(std::size_t kept) {
  const std::size_t forgotten = gone_since_.size() - kept;
  const auto erase_from = [&](auto& columns, std::size_t first) {
    const auto begin = columns.begin() + static_cast<std::ptrdiff_t>(first);
    columns.erase(begin, begin + static_cast<std::ptrdiff_t>(forgotten));
  };
  erase_from(columns_, endpoints().size());
  erase_from(gone_since_, 0);
  for (auto& row : open_) erase_from(row, endpoints().size());
}

Nanos WindowBook::overlap(WindowIndex window, WallTime from, WallTime until) const {
  const Nanos span = std::min(until, start_of(window + 1)) - std::max(from, start_of(window));
  return std::max(span, Nanos{0});
}

void WindowBook::append(std::vector<WindowStats> stats) {
  for (std::size_t e = 0; e < closed_.stats.size(); ++e) closed_.stats[e].push_back(stats[e]);
}

void WindowBook::append_gaps(WindowIndex until) {
  const auto size =
      static_cast<std::size_t>(std::max<WindowIndex>(until - index_of(closed_.start), 0));
  for (auto& column : closed_.stats) column.resize(std::max(column.size(), size), gap());
}

std::size_t WindowBook::most_kept(Nanos span) const {
  return std::min(static_cast<std::size_t>(span / step_), kMostWindows);
}

void WindowBook::trim() {
  if (closed_.size() <= most_kept(kKeptAtMost)) return;
  const std::size_t surplus = closed_.size() - std::min(most_kept(kKept), closed_.size());
  for (auto& column : closed_.stats)
    column.erase(column.begin(), column.begin() + static_cast<std::ptrdiff_t>(surplus));
  closed_.start += step_ * static_cast<Nanos::rep>(surplus);
}

void WindowBook::rename(std::vector<std::string> endpoints, const traffic::WindowGrid* stored,
                        WallTime now) {
  rename_open(endpoints, now);
  const traffic::WindowGrid before = std::exchange(closed_, {});
  closed_.start = before.start;
  closed_.step = step_;
  closed_.endpoints = std::move(endpoints);
  for (std::size_t e = 0; e < closed_.endpoints.size(); ++e) {
    auto& column = closed_.stats.emplace_back();
    const auto old =
        std::find(before.endpoints.begin(), before.endpoints.end(), closed_.endpoints[e]);
    if (old != before.endpoints.end()) {
      column = before.stats[static_cast<std::size_t>(old - before.endpoints.begin())];
      continue;
    }
    column.resize(before.size(), gap());
    if (stored == nullptr || e >= stored->stats.size()) continue;
    for (std::size_t i = 0; i < column.size(); ++i) {
      const auto at = (closed_.start + step_ * static_cast<Nanos::rep>(i) - stored->start) / step_;
      if (at >= 0 && static_cast<std::size_t>(at) < stored->size())
        column[i] = stored->stats[e][static_cast<std::size_t>(at)];
    }
  }
}

/// The columns of open windows: the new endpoints first, then those that are gone, in the order in
/// which they went.
void WindowBook::rename_open(const std::vector<std::string>& endpoints, WallTime now) {
  const auto position_in = [](const std::vector<std::string>& names, const std::string& name) {
    return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
  };
  // An endpoint that comes late into a window that runs must be known for it.
  if (begun_) make_running_rows(now);
  const std::size_t endpoints_before = this->endpoints().size();
  const std::vector<std::string> names_before = std::exchange(columns_, endpoints);
  const std::vector<WallTime> gone_before = std::exchange(gone_since_, {});
  const auto keep_gone = [&](std::size_t column, WallTime since) {
    if (position_in(endpoints, names_before[column]) < endpoints.size()) return;
    columns_.push_back(names_before[column]);
    gone_since_.push_back(since);
  };
  for (std::size_t g = 0; g < gone_before.size(); ++g)
    keep_gone(endpoints_before + g, gone_before[g]);
  for (std::size_t e = 0; e < endpoints_before; ++e) keep_gone(e, now);

  for (std::size_t i = 0; i < open_.size(); ++i) {
    const std::vector<Counted> before = std::exchange(open_[i], {});
    const WindowIndex window = first_open_ + static_cast<WindowIndex>(i);
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      const std::size_t old = position_in(names_before, columns_[c]);
      Counted& column = open_[i].emplace_back(old < before.size() ? before[old] : Counted{});
      if (c >= endpoints.size()) continue;
      if (old >= before.size()) {
        column.missed = overlap(window, start_of(window), now);
      } else if (old >= endpoints_before) {
        column.missed += overlap(window, gone_before[old - endpoints_before], now);
      }
    }
  }
}

}  // namespace tidelimit::engine
