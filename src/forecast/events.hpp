#pragma once

#include <cstddef>
#include <vector>

#include "forecast/recurrence.hpp"
#include "forecast/series.hpp"

namespace tidelimit::forecast {

/// What was found in a series, for the same one when it has grown at its end.
struct EventsMemory {
  RecurrenceMemory weekly;
  RecurrenceMemory daily;
};

/// What recurs in one endpoint's traffic and is rare (a few windows among hundreds), so that it
/// weighs next to nothing in members that learn from all windows alike. The members work on the
/// calm series, without it, and it comes on top of their forecast again:
///   - events of the week, such as a rush every Wednesday or a sale on Friday evening, as a factor
///     per window: they grow and fall with the level;
///   - jobs of the day, such as a partner's nightly batch, as more requests per window: their size
///     has nothing to do with the others' traffic.
///
/// An event's excess is over the same time on the days around and over the hours around:
/// differences between weekdays as a whole are no excess. Its factor leans towards 1 by what noise
/// is left. A job's excess is over the hours around, and at least threefold: what a day's rhythm is
/// otherwise, the members know. It is what was above the level on the days that agree. Two days
/// make it, one without it ends it.
///
/// Causal: window i's event and job know only windows more than a horizon before i. The calm series
/// is the series itself, exactly, where nothing recurs.
class Events {
 public:
  explicit Events(const Series& series);
  /// The same with what `memory` holds of the series' beginning; adds to it.
  Events(const Series& series, EventsMemory& memory);

  /// Whether anything recurs.
  [[nodiscard]] bool any() const { return weekly_.any || daily_.any; }
  /// Usual times how much comes in window i < series.size() + horizon by an event of the week;
  /// positive.
  [[nodiscard]] double factor(std::size_t i) const { return weekly_.divisor[i]; }
  /// Requests that come besides in window i < series.size() + horizon by a job of the day.
  [[nodiscard]] double job(std::size_t i) const { return jobs_[i] * weekly_.divisor[i]; }
  /// The forecast over the horizon that starts at `origin` <= series.size(), from that of the calm
  /// series.
  [[nodiscard]] double on_top_of(double calm, std::size_t origin) const;
  /// The series as it would have been without. `series` is the one given at construction.
  [[nodiscard]] Series calm(const Series& series) const;

 private:
  /// By what a series is divided to be calm.
  struct Divisors {
    std::vector<double> divisor;                    ///< series.size() + horizon
    std::vector<std::vector<double>> in_hindsight;  ///< known one and two periods on
    bool any = false;
  };
  [[nodiscard]] static Divisors divisors(const Series& series, const Rhythm& rhythm,
                                         RecurrenceMemory& memory);
  void find_jobs(const Series& series, const RecurrenceMemory& memory);

  std::size_t horizon_;
  std::size_t day_;
  std::size_t week_;
  Divisors weekly_;
  Divisors daily_;            ///< of the series without events of the week
  std::vector<double> jobs_;  ///< likewise
};

}  // namespace tidelimit::forecast
