#include "forecast/memory.hpp"

namespace tidelimit::forecast {

void EndpointMemory::forget_before(std::size_t origin) {
  members.erase(members.begin(), members.lower_bound(origin));
  points.erase(points.begin(), points.lower_bound(origin));
}

void ForecastMemory::fit(const ForecastModel* model, const traffic::WindowGrid& grid) {
  const bool grew = grid.start == start_ && grid.step == step_ && grid.size() >= size_;
  if (model != model_ || !grew) endpoints_.clear();
  model_ = model;
  start_ = grid.start;
  step_ = grid.step;
  size_ = grid.size();
}

}  // namespace tidelimit::forecast
