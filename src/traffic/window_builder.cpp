#include "traffic/window_builder.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tidelimit::traffic {
namespace {

// An end of the log that lies so close to the end of a window fills it.
constexpr int kEdgeParts = 20;  // one twentieth of the window

WindowStats counts_of(const Request& request, bool premium) {
  WindowStats counts;
  counts.requests = 1;
  counts.premium = premium ? 1 : 0;
  const std::uint16_t status = answered_status(request);
  counts.responses = status != 0 ? 1 : 0;
  counts.errors = is_error(status) ? 1 : 0;
  if (status != 0 && std::isfinite(request.latency_ms))
    counts.latency_ms_sum = static_cast<double>(request.latency_ms);
  return counts;
}

double requests_of(const std::vector<WindowStats>& row) {
  double sum = 0;
  for (const auto& stats : row) sum += stats.requests + stats.malicious;
  return sum;
}

/// Runs of empty windows, as [first, last) of each.
std::vector<std::pair<std::size_t, std::size_t>> empty_runs(const std::vector<double>& all) {
  std::vector<std::pair<std::size_t, std::size_t>> runs;
  for (std::size_t i = 0; i < all.size();) {
    std::size_t end = i;
    while (end < all.size() && all[end] == 0) ++end;
    if (end > i) runs.emplace_back(i, end);
    i = end + 1;
  }
  return runs;
}

/// A log that falls silent again and again, as one of a job that runs once an hour, does so for no
/// gap: the length that its silences usually have. 0: it has too few to say.
std::size_t usual_silence(const std::vector<std::pair<std::size_t, std::size_t>>& runs) {
  constexpr std::size_t kFewest = 8;
  if (runs.size() < kFewest) return 0;
  std::vector<std::size_t> lengths;
  for (const auto& [first, last] : runs) lengths.push_back(last - first);
  const auto middle = lengths.begin() + static_cast<std::ptrdiff_t>(lengths.size() / 2);
  std::nth_element(lengths.begin(), middle, lengths.end());
  return *middle;
}

/// Long empty runs become unknown instead of zero.
void mark_gaps(WindowGrid& grid) {
  const std::size_t n = grid.size();
  std::vector<double> all(n, 0.0);
  double total = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (const auto& stats : grid.stats) all[i] += stats[i].requests + stats[i].malicious;
    total += all[i];
  }
  const auto filled = std::count_if(all.begin(), all.end(), [](double v) { return v > 0; });
  if (filled == 0) return;
  const double usual = total / static_cast<double>(filled);
  const auto runs = empty_runs(all);
  const std::size_t silence = usual_silence(runs);
  for (const auto& [first, last] : runs) {
    if (last - first <= 2 * silence) continue;
    if (static_cast<double>(last - first) * usual < WindowBuilder::kExpectedInGap) continue;
    for (auto& stats : grid.stats) {
      for (std::size_t w = first; w < last; ++w) stats[w].observed = false;
    }
  }
}

}  // namespace

WindowBuilder::WindowBuilder(Nanos step, std::vector<std::string> endpoints)
    : step_(step), endpoints_(std::move(endpoints)) {}

WindowBuilder::Row& WindowBuilder::row(Index window) {
  if (row_ == nullptr || row_index_ != window) {
    const auto [found, fresh] = rows_.try_emplace(window);
    if (fresh) found->second.resize(endpoints_.size());
    row_ = &found->second;
    row_index_ = window;
  }
  return *row_;
}

void WindowBuilder::add(const Request& request, std::size_t endpoint, bool premium,
                        bool malicious) {
  if (!meets_limits(request)) return;
  first_ = std::min(first_, request.time);
  last_ = std::max(last_, request.time);
  const Index window = floor_to(request.time, step_).time_since_epoch() / step_;
  WindowStats& stats = row(window)[endpoint];
  if (malicious) {
    stats.malicious += 1;
    ++malicious_;
    return;
  }
  const WindowStats counts = counts_of(request, premium);
  stats += counts;
  remember(request.client, window, endpoint, counts);
}

void WindowBuilder::remember(const ClientId& client, Index window, std::size_t endpoint,
                             const WindowStats& counts) {
  if (window > swept_) forget_old(window);
  std::vector<Part>& parts = recent_[client];
  const auto found = std::find_if(parts.rbegin(), parts.rend(), [&](const Part& part) {
    return part.window == window && part.endpoint == endpoint;
  });
  if (found != parts.rend()) {
    found->counts += counts;
  } else {
    parts.push_back({window, static_cast<std::uint32_t>(endpoint), counts});
  }
}

void WindowBuilder::forget_old(Index window) {
  swept_ = window;
  const Index oldest = window - std::max<Index>(1, kMemory / step_);
  for (auto client = recent_.begin(); client != recent_.end();) {
    std::erase_if(client->second, [&](const Part& part) { return part.window < oldest; });
    client = client->second.empty() ? recent_.erase(client) : std::next(client);
  }
}

void WindowBuilder::take_back(const ClientId& client) {
  const auto found = recent_.find(client);
  if (found == recent_.end()) return;
  for (const Part& part : found->second) {
    WindowStats& stats = row(part.window)[part.endpoint];
    stats -= part.counts;
    stats.malicious += part.counts.requests;
    malicious_ += static_cast<std::uint64_t>(part.counts.requests);
  }
  recent_.erase(found);
}

Result<WindowGrid> WindowBuilder::grid() const {
  WindowGrid grid;
  grid.step = step_;
  grid.endpoints = endpoints_;
  grid.stats.resize(endpoints_.size());
  if (rows_.empty()) return grid;
  const auto edge = step_ / kEdgeParts;
  Index from = rows_.begin()->first;
  Index until = std::prev(rows_.end())->first + 1;
  if (first_ - WallTime{step_ * from} > edge) ++from;
  if (WallTime{step_ * until} - last_ > edge) --until;
  if (from >= until) return grid;
  const auto size = static_cast<std::size_t>(until - from);
  if (size > kCellsMost / endpoints_.size()) {
    return fail(Code::invalid_argument,
                "the requests span from " + format_time(first_) + " to " + format_time(last_) +
                    ": more windows of " + format_duration(step_) +
                    " than can be held; is there a line with a wrong year?");
  }
  grid.start = WallTime{step_ * from};
  for (auto& stats : grid.stats) stats.resize(size);
  for (const auto& [window, row] : rows_) {
    if (window < from || window >= until) continue;
    if (requests_of(row) == 0) continue;
    for (std::size_t e = 0; e < row.size(); ++e) {
      grid.stats[e][static_cast<std::size_t>(window - from)] = row[e];
    }
  }
  mark_gaps(grid);
  return grid;
}

}  // namespace tidelimit::traffic
