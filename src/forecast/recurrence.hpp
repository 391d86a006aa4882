#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "forecast/series.hpp"

namespace tidelimit::forecast {

/// Logarithm of a window's excess, and its standard error. NaN where unknown.
struct Excess {
  double log = std::numeric_limits<double>::quiet_NaN();
  double sigma = std::numeric_limits<double>::quiet_NaN();
};

/// What the periods before say together of one window.
struct Evidence {
  double log = 0;               ///< centre of the occurrences that agree
  double sigmas = 0;            ///< how far from nothing the weakest of the majority stands; signed
  double sigma = 1;             ///< standard error of `log`
  double weakest = 0;           ///< that one's logarithm; signed
  std::size_t occurrences = 0;  ///< known
  bool core = false;            ///< clear by itself, and beyond what chance brings
};

/// What is looked for: by which period it recurs, and what it stands out from.
struct Rhythm {
  std::size_t period = 0;      ///< in windows
  bool beside_days = false;    ///< its excess is over the same time on the days around, too
  bool newest_agrees = false;  ///< one that was missed ends it, and two make it
  double rise = 0;             ///< least logarithm of an excess that counts
  double fall = 0;             ///< and of a lack; infinity: none does
};

/// Reorders `values`; not empty.
[[nodiscard]] double median(std::span<double> values);

/// Windows after one that have a say in its excess.
[[nodiscard]] std::size_t surroundings(const Spans& spans, const Rhythm& rhythm);

/// What was found in a series, for the same one when it has grown at its end: medians over days and
/// hours around every window cost more than all else of a forecast.
struct RecurrenceMemory {
  std::vector<Excess> excess;      ///< of windows whose surroundings have passed
  std::vector<Evidence> evidence;  ///< a little beyond the series' end: it knows the periods before
};

/// Adds evidence on windows up to `end`, at most a period less surroundings beyond the series. A
/// window's excess is its count over the median of the hours around; it recurs where at least two
/// of the last four periods, and all but one, agree far beyond the noise and beyond what chance
/// makes of spikes that don't recur.
void extend(RecurrenceMemory& memory, const Series& series, const Rhythm& rhythm, std::size_t end);

/// Which of the windows belong to something that recurs: the clear ones, and their neighbours
/// within a horizon as far as they rise or fall with them.
[[nodiscard]] std::vector<bool> recurring(const std::vector<Evidence>& evidence,
                                          std::size_t horizon);

}  // namespace tidelimit::forecast
