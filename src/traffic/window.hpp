#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace tidelimit::traffic {

/// One endpoint's traffic in one window. Counts of demand: denied requests included, malicious
/// clients' left out.
struct WindowStats {
  double requests = 0;
  double premium = 0;    ///< of those, by the most important tier
  double errors = 0;     ///< responses with status >= 400 (tidelimit's own denials are none)
  double responses = 0;  ///< responses with a known status: errors / responses is the error ratio
  double latency_ms_sum = 0;
  double malicious = 0;  ///< requests of malicious clients, counted apart
  double late = 0;       ///< came after the window closed; not in `requests`
  bool observed = true;  ///< false: a gap (nothing listened); its numbers are not zeros but unknown

  /// Adds and takes away counts; what was observed stays so.
  WindowStats& operator+=(const WindowStats& counts) { return add(counts, 1); }
  WindowStats& operator-=(const WindowStats& counts) { return add(counts, -1); }

  [[nodiscard]] double premium_ratio() const { return requests > 0 ? premium / requests : 0.0; }
  [[nodiscard]] double error_ratio() const { return responses > 0 ? errors / responses : 0.0; }

 private:
  WindowStats& add(const WindowStats& counts, double times) {
    requests += times * counts.requests;
    premium += times * counts.premium;
    errors += times * counts.errors;
    responses += times * counts.responses;
    latency_ms_sum += times * counts.latency_ms_sum;
    malicious += times * counts.malicious;
    late += times * counts.late;
    return *this;
  }
};

/// The windows of all endpoints on one regular grid: `start + i * step` is the start of window i.
/// stats[e][i] belongs to endpoints[e]; every row has the same length.
struct WindowGrid {
  WallTime start{};
  Nanos step{std::chrono::minutes{15}};
  std::vector<std::string> endpoints;
  std::vector<std::vector<WindowStats>> stats;

  [[nodiscard]] std::size_t size() const { return stats.empty() ? 0 : stats.front().size(); }
  [[nodiscard]] WallTime time_of(std::size_t i) const {
    return start + step * static_cast<Nanos::rep>(i);
  }
  /// The first window that begins at `time` or later, of the grid or of what would follow it.
  [[nodiscard]] std::size_t index_from(WallTime time) const {
    if (time <= start) return 0;
    const Nanos after = time - start;
    return static_cast<std::size_t>(after / step) + (after % step > Nanos{0} ? 1 : 0);
  }
  /// Whether window i was observed at any endpoint.
  [[nodiscard]] bool observed_anywhere(std::size_t i) const {
    return std::any_of(stats.begin(), stats.end(),
                       [i](const auto& row) { return row[i].observed; });
  }
  /// An endpoint's windows; null: it is none of the grid's.
  [[nodiscard]] const std::vector<WindowStats>* row_of(std::string_view endpoint) const {
    const auto found = std::find(endpoints.begin(), endpoints.end(), endpoint);
    if (found == endpoints.end()) return nullptr;
    return &stats[static_cast<std::size_t>(found - endpoints.begin())];
  }
};

/// Windows that are not closed yet, as they stand at a time.
struct OpenWindows {
  WallTime as_of{};
  WindowGrid so_far;  ///< counted up to then; whether they count as `observed` is told at their end
  std::vector<std::vector<Nanos>> missed;  ///< as so_far.stats: for so long nobody listened
};

}  // namespace tidelimit::traffic
