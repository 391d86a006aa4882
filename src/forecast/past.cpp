#include "forecast/past.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

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
    const auto* row = grid.row_of(name);
    if (row == nullptr) continue;
    past.endpoints.push_back(name);
    std::transform(row->end() - static_cast<std::ptrdiff_t>(windows), row->end(),
                   std::back_inserter(past.stats.emplace_back()), kept_of);
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
    if (const auto* known = past.row_of(grid.endpoints[e]))
      std::copy_n(known->begin(), std::min(known->size(), before), row.begin());
    row.insert(row.end(), grid.stats[e].begin(), grid.stats[e].end());
  }
  return whole;
}

}  // namespace tidelimit::forecast
