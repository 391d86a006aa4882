#include "forecast/past.hpp"

#include <algorithm>
#include <chrono>

namespace tidelimit::forecast {

namespace {

using traffic::WindowGrid;
using traffic::WindowStats;

double as_float(double number) {
  return static_cast<double>(static_cast<float>(number));
}

WindowStats kept_of(const WindowStats& window) {
  WindowStats kept;
  kept.observed = window.observed;
  if (!window.observed) return kept;
  kept.requests = as_float(window.requests);
  kept.premium = as_float(window.premium);
  kept.errors = as_float(window.errors);
  kept.responses = as_float(window.responses);
  return kept;
}

}  // namespace

WindowGrid newest_past(const WindowGrid& grid, const std::vector<std::string>& endpoints) {
  WindowGrid past{grid.start, grid.step, {}, {}};
  const auto days = static_cast<std::size_t>(std::chrono::days{kPastDays} / grid.step);
  const std::size_t most =
      std::min(days, kMostPastWindows / std::max<std::size_t>(1, endpoints.size()));
  const std::size_t windows = std::min(grid.size(), most);
  past.start = grid.time_of(grid.size() - windows);
  for (const std::string& name : endpoints) {
    const auto found = std::find(grid.endpoints.begin(), grid.endpoints.end(), name);
    if (found == grid.endpoints.end()) continue;
    const auto& row = grid.stats[static_cast<std::size_t>(found - grid.endpoints.begin())];
    past.endpoints.push_back(name);
    auto& kept = past.stats.emplace_back();
    for (std::size_t i = row.size() - windows; i < row.size(); ++i) kept.push_back(kept_of(row[i]));
  }
  return past;
}

WindowGrid with_past(const WindowGrid& past, const WindowGrid& grid) {
  const Nanos ahead = grid.start - past.start;
  const bool fits = past.step == grid.step && past.size() > 0 && ahead > Nanos{0} &&
                    ahead % grid.step == Nanos{0} &&
                    grid.start - past.time_of(past.size()) <= std::chrono::days{kPastDays};
  if (!fits) return grid;
  const auto before = static_cast<std::size_t>(ahead / grid.step);
  WindowStats gap;
  gap.observed = false;
  WindowGrid whole{past.start, grid.step, grid.endpoints, {}};
  for (std::size_t e = 0; e < grid.endpoints.size(); ++e) {
    auto& row = whole.stats.emplace_back(before, gap);
    const auto found = std::find(past.endpoints.begin(), past.endpoints.end(), grid.endpoints[e]);
    if (found != past.endpoints.end()) {
      const auto& known = past.stats[static_cast<std::size_t>(found - past.endpoints.begin())];
      std::copy_n(known.begin(), std::min(known.size(), before), row.begin());
    }
    row.insert(row.end(), grid.stats[e].begin(), grid.stats[e].end());
  }
  return whole;
}

}  // namespace tidelimit::forecast
