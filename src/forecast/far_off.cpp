#include "forecast/far_off.hpp"

#include <algorithm>
#include <chrono>
#include <vector>

#include "forecast/past.hpp"

namespace tidelimit::forecast {

namespace {

/// Observed windows with no long pause between them: [first, last], `count` of them.
struct Stretch {
  std::size_t first = 0;
  std::size_t last = 0;
  std::size_t count = 0;
};

std::vector<Stretch> stretches_of(const traffic::WindowGrid& grid) {
  const auto pause = static_cast<std::size_t>(std::chrono::days{kPastDays} / grid.step);
  std::vector<Stretch> stretches;
  for (std::size_t i = 0; i < grid.size(); ++i) {
    if (!grid.observed_anywhere(i)) continue;
    if (stretches.empty() || i - stretches.back().last > pause) stretches.push_back({i, i, 0});
    stretches.back().last = i;
    ++stretches.back().count;
  }
  return stretches;
}

}  // namespace

FarOff cut_far_off(traffic::WindowGrid& grid) {
  const auto stretches = stretches_of(grid);
  const auto day = static_cast<std::size_t>(std::chrono::days{1} / grid.step);
  const auto long_enough = [day](const Stretch& one) { return one.count >= day; };
  const auto first = std::find_if(stretches.begin(), stretches.end(), long_enough);
  if (first == stretches.end()) return {};  // nothing for the others to be far from
  const auto last = std::find_if(stretches.rbegin(), stretches.rend(), long_enough).base();
  FarOff cut;
  for (auto one = stretches.begin(); one != stretches.end(); ++one) {
    if (one >= first && one < last) continue;
    if (cut.windows == 0) cut.first = grid.time_of(one->first);
    cut.windows += one->count;
  }
  if (cut.windows == 0) return cut;
  const std::size_t begin = first->first;
  const std::size_t end = (last - 1)->last + 1;
  for (auto& row : grid.stats) {
    row.resize(end);
    row.shrink_to_fit();  // a row of 2099 had made it three million windows
    row.erase(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(begin));
  }
  grid.start = grid.time_of(begin);
  return cut;
}

}  // namespace tidelimit::forecast
