#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "forecast/series.hpp"

namespace tidelimit::forecast {

/// The shape of an endpoint's day: how each window usually stands to the level of the day around
/// it, 1 being the level. Pooled over four weeks, each day against its own level, newer ones
/// weighing more: a lag of one day is a sum of few requests, and says little of a shape.
///
/// Causal: window i's shape knows no window less than a horizon before it.
class DayShape {
 public:
  /// Of windows [from, to); to <= series.size() + horizon.
  DayShape(const Series& series, std::size_t from, std::size_t to);

  /// Mean of the shape over [first, last), not empty, within [from, to); 1 where nothing is known.
  [[nodiscard]] double mean(std::size_t first, std::size_t last) const {
    return mean_of(any_day_, first, last);
  }
  /// The same of equal weekdays alone, as far as they are known.
  [[nodiscard]] double weekday_mean(std::size_t first, std::size_t last) const {
    return mean_of(weekday_, first, last);
  }

 private:
  using Sums = std::vector<double>;  // prefix sums from from_ on
  [[nodiscard]] double mean_of(const Sums& sums, std::size_t first, std::size_t last) const;

  std::size_t from_;
  Sums any_day_;
  Sums weekday_;
};

/// What the shape member sees at one origin, logarithms in units of series.scale(origin).
inline constexpr std::size_t kShapeFeatures = 11;

/// Of these features, those with a name of their own.
inline constexpr std::size_t kShapeNext = 0;        ///< the shape of the horizon to come
inline constexpr std::size_t kLevelOfLast = 3;      ///< level of the last horizon,
inline constexpr std::size_t kLevelOfLastFour = 5;  ///< and of the last four; of a day at most

/// Writes kShapeFeatures numbers. `shape` reaches from a day before `origin` to a horizon after it.
void shape_features(const Series& series, const DayShape& shape, std::size_t origin,
                    std::span<double> out);

}  // namespace tidelimit::forecast
