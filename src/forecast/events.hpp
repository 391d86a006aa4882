#pragma once

#include <array>
#include <cstddef>
#include <limits>
#include <vector>

#include "forecast/series.hpp"

namespace tidelimit::forecast {

/// Logarithm of a window's excess, and its standard error. NaN where unknown.
struct Excess {
  double log = std::numeric_limits<double>::quiet_NaN();
  double sigma = std::numeric_limits<double>::quiet_NaN();
};

/// What the weeks before say together of one window.
struct Evidence {
  double log = 0;         ///< centre of the weeks that agree
  double sigmas = 0;      ///< how far from nothing the weakest of the majority stands; signed
  double sigma = 1;       ///< standard error of `log`
  double weakest = 0;     ///< that one's logarithm; signed
  std::size_t weeks = 0;  ///< known
  bool core = false;      ///< clear by itself, and beyond what chance brings
};

/// What was found in a series, for the same one when it has grown at its end: medians over days
/// and hours around every window cost more than all else of a forecast.
struct EventsMemory {
  std::vector<Excess> excess;      ///< of windows whose surroundings have passed
  std::vector<Evidence> evidence;  ///< a little beyond the series' end: it knows the weeks before
};

/// Recurring weekly events of one endpoint: a rush of an hour every Wednesday, a sale on Friday
/// evening. They are rare (a few windows among hundreds) and so weigh next to nothing in members
/// that learn from all windows alike; here they become a factor per window. The members then work
/// on the calm series, value / factor, and their forecast is multiplied back.
///
/// How a factor is found. A window's excess is its count over the median of the same time on the
/// three days before and after, over the median of that ratio in the hours around: differences
/// between weekdays as a whole are no excess. The factor of window i comes from the excess of the
/// same window one to four weeks ago, as far as observed. It differs from 1 only where at least two
/// weeks, and all but one, agree far beyond the noise and beyond what chance makes of spikes that
/// don't recur; it leans towards 1 by what noise is left.
///
/// Causal: the factor of window i knows only windows more than a horizon before i. All ratios are
/// 1, exactly, where nothing recurs.
class Events {
 public:
  explicit Events(const Series& series);
  /// The same with what `memory` holds of the series' beginning; adds to it.
  Events(const Series& series, EventsMemory& memory);

  /// Whether any factor differs from 1.
  [[nodiscard]] bool any() const { return any_; }
  /// Usual times how much comes in window i < series.size() + horizon; positive.
  [[nodiscard]] double factor(std::size_t i) const { return factors_[i]; }
  /// Mean factor over the horizon that starts at `origin` <= series.size().
  [[nodiscard]] double horizon_factor(std::size_t origin) const;
  /// The series as it would have been without events. `series` is the one given at construction.
  [[nodiscard]] Series calm(const Series& series) const;

 private:
  std::size_t horizon_;
  std::vector<double> factors_;               ///< series.size() + horizon
  std::array<std::vector<double>, 2> later_;  ///< known one and two weeks on
  bool any_ = false;
};

}  // namespace tidelimit::forecast
