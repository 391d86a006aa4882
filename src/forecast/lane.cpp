#include "forecast/lane.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "forecast/members.hpp"
#include "forecast/model.hpp"

namespace tidelimit::forecast {

Lane::Lane(const Series& series, std::size_t asked_from, Options options)
    : taught_until_(options.taught_until),
      intervals_(series.spans(), options.prior, asked_from, options.trained_until) {
  const std::size_t reach = kJudgedAgainDays * series.spans().day;
  next_ = std::max(std::min(series.first_observed(), asked_from) + options.needs,
                   asked_from - std::min(asked_from, reach));
  if (options.guarded) guard_.emplace(series.spans(), asked_from);
}

std::vector<Lane::Quantiles> Lane::forecast(const Series& series,
                                            std::span<const std::size_t> origins,
                                            const Points& points) {
  // Of a lane that was not asked for long only what is still read.
  const std::size_t reach = kJudgedAgainDays * series.spans().day;
  next_ = std::max(next_, origins.front() - std::min(origins.front(), reach));
  const auto past = judged_origins(series, next_, origins.back());
  std::vector<std::size_t> all;
  std::set_union(past.begin(), past.end(), origins.begin(), origins.end(), std::back_inserter(all));
  const auto made = points(all);
  const auto point_at = [&](std::size_t t) {
    return made[static_cast<std::size_t>(std::lower_bound(all.begin(), all.end(), t) -
                                         all.begin())];
  };
  for (const std::size_t t : past) {
    const double point = point_at(t);
    if (t >= taught_until_ && std::isfinite(point))
      intervals_.add(t, residual(series.horizon_sum(t), point, series.scale(t)));
    if (guard_) guard_->add(series, t, point);
    next_ = t + 1;
  }
  std::vector<Quantiles> quantiles;
  for (const std::size_t t : origins) quantiles.push_back(this->quantiles(series, t, point_at(t)));
  return quantiles;
}

Lane::Quantiles Lane::quantiles(const Series& series, std::size_t origin, double point) const {
  if (!std::isfinite(point)) {
    Quantiles none;
    none.fill(point);
    return none;
  }
  const auto residuals = intervals_.at(origin);
  const double unit = spread(point, series.scale(origin));
  Quantiles values{};
  for (std::size_t q = 0; q < values.size(); ++q) {
    const double offset = q < kMedian ? std::min(residuals[q], 0.0) : std::max(residuals[q], 0.0);
    values[q] = q == kMedian ? point : std::max(0.0, point + offset * unit);
  }
  return values;
}

void Lane::forget_before(std::size_t origin) {
  intervals_.forget_before(origin);
  if (guard_) guard_->forget_before(origin);
}

}  // namespace tidelimit::forecast
