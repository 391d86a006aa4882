#include "forecast/memory.hpp"

#include <algorithm>

namespace tidelimit::forecast {

namespace {

/// Windows at the end of the grid, back to `first`, that were observed and in which nothing came.
std::size_t quiet_since(const traffic::WindowGrid& grid, std::size_t first) {
  const auto quiet = [&](std::size_t i) {
    return std::all_of(grid.stats.begin(), grid.stats.end(),
                       [i](const auto& row) { return row[i].observed && row[i].requests == 0; });
  };
  std::size_t i = grid.size();
  while (i > first && quiet(i - 1)) --i;
  return grid.size() - i;
}

}  // namespace

void EndpointMemory::forget_before(std::size_t origin) {
  members.erase(members.begin(), members.lower_bound(origin));
  points.erase(points.begin(), points.lower_bound(origin));
  for (auto& [source, lane] : lanes) lane.forget_before(origin);
}

void ForecastMemory::follow(const ForecastModel* model, const traffic::WindowGrid& grid) {
  const bool grew = grid.start == start_ && grid.step == step_ && grid.size() >= size_;
  if (model != model_ || !grew) endpoints_.clear();
  const std::size_t known = grew ? size_ : 0;
  const std::size_t quiet = quiet_since(grid, known);
  quiet_ = quiet == grid.size() - known && grew ? quiet_ + quiet : quiet;
  model_ = model;
  start_ = grid.start;
  step_ = grid.step;
  size_ = grid.size();
}

}  // namespace tidelimit::forecast
