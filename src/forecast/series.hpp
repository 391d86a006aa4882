#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "forecast/forecaster.hpp"

namespace tidelimit::forecast {

/// How a shape's durations count in windows of the grid; every field is at least 1.
struct Spans {
  std::size_t horizon = 4;
  std::size_t history = 96;
  std::size_t day = 96;
  std::size_t week = 672;

  [[nodiscard]] static Spans of(const Shape& shape);
};

/// Of Series::scale(): added to a count before its logarithm or root is taken, as zeros are common.
inline constexpr double kScaleFloor = 0.02;
/// Of Series::scale(): no more of a count is learned from. One wild window must not own a fit.
inline constexpr double kRatioLimit = 50.0;
/// The logarithm of a count in units of the scale; 0 at the scale itself.
[[nodiscard]] inline double log_ratio(double ratio) {
  return std::log((ratio + kScaleFloor) / (1 + kScaleFloor));
}

/// What later knowledge makes of a series, see Series::divided_by.
struct Hindsight {
  std::size_t age = 0;          ///< known of windows that many before the origin
  std::vector<double> divisor;  ///< positive
};

/// One endpoint's counts as the forecasters read them. Gaps are filled from the past alone, so that
/// a feature at window i never knows more than windows [0, i]: by the same window a day before,
/// times what the last horizon before the gap was of the same a day before (less and less so, the
/// longer the gap); where there is no such day, by the window before. A gap is filled for a day,
/// and for as long as it lasts where half of the day before it was observed: a day's shape is worth
/// repeating, a stray window is not. Else what is further from anything observed is unknown: it
/// counts as 0 in sums and not at all in means. All sums are O(1).
class Series {
 public:
  Series(const std::vector<traffic::WindowStats>& stats, const Spans& spans);

  /// The same windows observed, value i divided by now[i] > 0; and, seen from an origin so late
  /// that it has the age of a hindsight, by that one's. `later` by age, ascending.
  [[nodiscard]] Series divided_by(const std::vector<double>& now,
                                  const std::vector<Hindsight>& later) const;

  [[nodiscard]] const Spans& spans() const { return spans_; }
  [[nodiscard]] std::size_t size() const { return value_.size(); }
  [[nodiscard]] double at(std::size_t i) const { return value_[i]; }
  /// Observed, or filled from what was.
  [[nodiscard]] bool known(std::size_t i) const { return known_[i + 1] > known_[i]; }
  /// Requests in windows [from, to).
  [[nodiscard]] double sum(std::size_t from, std::size_t to) const { return sum_[to] - sum_[from]; }
  /// Requests over the horizon that starts at `from`.
  [[nodiscard]] double horizon_sum(std::size_t from) const {
    return sum(from, from + spans_.horizon);
  }
  /// The same as seen from `origin`: in the light of what was learned since (see divided_by).
  [[nodiscard]] double horizon_sum_seen(std::size_t from, std::size_t origin) const;
  /// Mean requests per horizon over the known windows of [from, to); 0 where there is none.
  [[nodiscard]] double mean(std::size_t from, std::size_t to) const;
  /// Windows of [from, to) that were observed.
  [[nodiscard]] std::size_t observed(std::size_t from, std::size_t to) const {
    return observed_[to] - observed_[from];
  }
  [[nodiscard]] bool all_observed(std::size_t from, std::size_t to) const {
    return observed(from, to) == to - from;
  }
  /// The first observed window, or size() when there is none.
  [[nodiscard]] std::size_t first_observed() const { return first_observed_; }

  /// Whether a model can speak at `origin`, and learn from it: a history lies between the first
  /// observed window and the origin, and so much of the last one was observed.
  [[nodiscard]] bool enough_history(std::size_t origin) const;

  /// What a forecast at `origin` is measured in: the mean requests per horizon of the last day,
  /// kept from vanishing by a share of the last week's and of everything's mean. Positive.
  [[nodiscard]] double scale(std::size_t origin) const;

 private:
  /// Prefix sums in a hindsight.
  struct Seen {
    std::size_t age = 0;
    std::vector<double> sums;
  };
  /// What stands for window i of a gap that begins at `gap`; all before i is there.
  [[nodiscard]] double filled(std::size_t i, std::size_t gap) const;

  Spans spans_;
  std::vector<double> value_;
  std::vector<double> sum_;            // prefix sums, size() + 1
  std::vector<Seen> later_;            // by age, ascending; mostly empty
  std::vector<std::size_t> observed_;  // prefix counts, size() + 1
  std::vector<std::size_t> known_;     // the same
  std::size_t first_observed_ = 0;
};

}  // namespace tidelimit::forecast
