#include "forecast/lags.hpp"

#include <algorithm>
#include <cassert>
#include <optional>

namespace tidelimit::forecast {

namespace {

// Where the groups of lags begin, in this order.
constexpr std::size_t kLastHoursAt = kLastHorizon;   // and windows
constexpr std::size_t kPastDaysAt = kYesterdayNext;  // pairs: what came, and what it followed
constexpr std::size_t kNeighboursAt = 28;            // two of yesterday, two of last week
constexpr std::size_t kPastWeeksAt = 32;             // pairs again
constexpr std::size_t kMeansAt = 40;
constexpr std::size_t kLastWeekLast = kPastDaysAt + 2 * 6 + 1;

/// A group of lags, written one after another to its end.
class Group {
 public:
  Group(std::span<double> lags, std::size_t from, std::size_t to)
      : out_(lags.subspan(from, to - from)) {}
  ~Group() { assert(written_ == out_.size()); }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  void put(double value) {
    assert(written_ < out_.size());
    out_[written_++] = value;
  }

 private:
  std::span<double> out_;
  std::size_t written_ = 0;
};

/// Reads the lags of one origin, in requests per horizon.
class Lags {
 public:
  Lags(const Series& series, std::size_t origin)
      : series_(series),
        spans_(series.spans()),
        origin_(origin),
        horizon_(static_cast<std::ptrdiff_t>(spans_.horizon)),
        day_mean_(series.mean(back(spans_.day), origin)),
        week_mean_(series.mean(back(spans_.week), origin)),
        slot_next_(day_mean_),
        slot_last_(day_mean_) {
    read_slots();
  }

  void read(std::span<double> out) const {
    last_hours({out, kLastHoursAt, kPastDaysAt});
    past_days({out, kPastDaysAt, kNeighboursAt});
    neighbours({out, kNeighboursAt, kPastWeeksAt});
    past_weeks({out, kPastWeeksAt, kMeansAt});
    means({out, kMeansAt, kLagFeatures});
  }

 private:
  [[nodiscard]] std::size_t back(std::size_t span) const {
    return origin_ - std::min(span, origin_);
  }

  /// Horizon sum that starts `lag` windows before the origin, shifted by `shift` windows; when its
  /// past is unknown or reaches into the future: nothing.
  [[nodiscard]] std::optional<double> lagged(std::size_t lag, std::ptrdiff_t shift) const {
    const auto first =
        static_cast<std::ptrdiff_t>(origin_) - static_cast<std::ptrdiff_t>(lag) + shift;
    if (first < 0 || first + horizon_ > static_cast<std::ptrdiff_t>(origin_) ||
        !series_.known(static_cast<std::size_t>(first))) {
      return {};
    }
    return series_.horizon_sum_seen(static_cast<std::size_t>(first), origin_);
  }

  /// The mean of the same hours of the last week's days, and of the hours before them.
  void read_slots() {
    double next_sum = 0;
    double last_sum = 0;
    double days = 0;
    for (std::size_t k = 1; k <= 7; ++k) {
      const auto next = lagged(k * spans_.day, 0);
      const auto last = lagged(k * spans_.day, -horizon_);
      if (!next || !last) continue;
      next_sum += *next;
      last_sum += *last;
      days += 1;
    }
    if (days == 0) return;
    slot_next_ = next_sum / days;
    slot_last_ = last_sum / days;
  }

  /// The last hours, and the last windows by themselves.
  void last_hours(Group out) const {
    for (const std::size_t k : {1U, 2U, 3U, 4U, 6U, 12U}) {
      out.put(lagged(k * spans_.horizon, 0).value_or(day_mean_));
    }
    for (std::size_t k = 1; k <= 6; ++k) {
      const bool known = origin_ >= k && series_.known(origin_ - k);
      out.put(known ? series_.at(origin_ - k) * static_cast<double>(spans_.horizon) : day_mean_);
    }
  }

  /// The same hours of past days, and the hours before them: what followed a level like this one.
  void past_days(Group out) const {
    for (std::size_t k = 1; k <= 7; ++k) {
      out.put(lagged(k * spans_.day, 0).value_or(slot_next_));
      out.put(lagged(k * spans_.day, -horizon_).value_or(slot_last_));
    }
    out.put(slot_next_);
    out.put(slot_last_);
  }

  /// Around yesterday's and last week's hours: their neighbours one horizon on and one back.
  void neighbours(Group out) const {
    for (const std::size_t lag : {spans_.day, spans_.week}) {
      out.put(lagged(lag, horizon_).value_or(slot_next_));
      out.put(lagged(lag, -2 * horizon_).value_or(slot_last_));
    }
  }

  /// The same hours of weeks past; those of last week are among the past days.
  void past_weeks(Group out) const {
    double next_weeks = lagged(spans_.week, 0).value_or(slot_next_);
    double last_weeks = lagged(spans_.week, -horizon_).value_or(slot_last_);
    for (std::size_t k = 2; k <= 4; ++k) {
      const auto known = static_cast<double>(k - 1);
      const double next = lagged(k * spans_.week, 0).value_or(next_weeks / known);
      const double last = lagged(k * spans_.week, -horizon_).value_or(last_weeks / known);
      out.put(next);
      out.put(last);
      next_weeks += next;
      last_weeks += last;
    }
    out.put(next_weeks / 4);
    out.put(last_weeks / 4);
  }

  void means(Group out) const {
    out.put(day_mean_);
    out.put(week_mean_);
  }

  const Series& series_;
  const Spans& spans_;
  std::size_t origin_;
  std::ptrdiff_t horizon_;
  double day_mean_;
  double week_mean_;
  double slot_next_;
  double slot_last_;
};

}  // namespace

void lag_features(const Series& series, std::size_t origin, std::span<double> out) {
  assert(out.size() == kLagFeatures);
  Lags(series, origin).read(out);
}

void to_changes(std::span<double> lags) {
  for (std::size_t j = kLastHorizon + 1; j < kPastDaysAt; ++j) lags[j] -= lags[kLastHorizon];
  lags[kLastHorizon] = 0;
  for (std::size_t j = kNeighboursAt; j < kPastWeeksAt; ++j)
    lags[j] -= lags[j < kNeighboursAt + 2 ? kYesterdayLast : kLastWeekLast];
  const auto pairs = [&](std::size_t from, std::size_t to) {
    for (std::size_t j = from; j < to; j += 2) {
      lags[j] -= lags[j + 1];
      lags[j + 1] = 0;
    }
  };
  pairs(kPastDaysAt, kNeighboursAt);
  pairs(kPastWeeksAt, kMeansAt);
  std::fill(lags.begin() + kMeansAt, lags.end(), 0.0);
}

}  // namespace tidelimit::forecast
