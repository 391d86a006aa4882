#include "forecast/guard.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "forecast/mix.hpp"

namespace tidelimit::forecast {

namespace {

constexpr std::size_t kComparedDays = 2;
constexpr double kHalfLifeDays = 0.5;
constexpr std::size_t kWalkedDays = 7;  ///< from where the question is put anew
constexpr std::size_t kReadDays = kWalkedDays + kComparedDays;
constexpr std::size_t kFewestRows = 6;
// Chosen from 1.15, 1.3 and 1.5 and half-lives of 6, 12 and 24 h on real series (docs/models.md):
// the model is left late, as most of its bad days are bad days of the naive ones a day later.
constexpr double kLeaveRatio = 1.5;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::optional<double> forecast_by(Source source, const Series& series, std::size_t origin) {
  const auto rule = [&](Naive which) {
    return naive_forecasts(series, origin)[static_cast<std::size_t>(which)];
  };
  switch (source) {
    case Source::yesterday:
      return rule(Naive::yesterday);
    case Source::week_ago:
      return rule(Naive::week_ago);
    case Source::typical:
      return typical(series, origin);
    default:
      return rule(Naive::last_hour);
  }
}

/// Who is in charge after `errors`, given who was.
std::size_t next_in_charge(std::size_t before,
                           const std::array<double, kContenders.size()>& errors) {
  const auto best =
      static_cast<std::size_t>(std::min_element(errors.begin() + 1, errors.end()) - errors.begin());
  if (before != 0 && errors[0] <= errors[before]) return 0;
  return errors[before] > kLeaveRatio * errors[best] ? best : before;
}

}  // namespace

Guard::Guard(const Spans& spans, std::size_t asked_from) : spans_(spans), asked_from_(asked_from) {
  const double fade = std::exp2(-1.0 / (kHalfLifeDays * static_cast<double>(spans_.day)));
  for (std::size_t age = 0; age < kComparedDays * spans_.day; ++age)
    weights_.push_back(std::pow(fade, static_cast<double>(age)));
}

void Guard::add(const Series& series, std::size_t origin, double point) {
  assert(rows_.empty() || rows_.back().origin < origin);
  if (origin + kReadDays * spans_.day < asked_from_) return;
  Row& row = rows_.emplace_back(Row{.origin = origin});
  const double truth = series.horizon_sum(origin);
  const double level = series.scale(origin);
  for (std::size_t c = 0; c < kContenders.size(); ++c) {
    const auto own = std::isfinite(point) ? std::optional(point) : std::nullopt;
    const auto said = c == 0 ? own : forecast_by(kContenders[c], series, origin);
    row.error[c] = said ? std::fabs(*said - truth) : kInfinity;
    row.loss[c] = said ? relative_error(*said, truth, level) : kInfinity;
  }
  double total = 0;
  for (std::size_t i = rows_.size(); i-- > 0;) {
    const std::size_t age = origin - rows_[i].origin;
    if (age >= weights_.size()) break;
    total += weights_[age];
    ++row.count;
    for (std::size_t c = 0; c < kContenders.size(); ++c) {
      row.mean_error[c] += weights_[age] * rows_[i].error[c];
      row.mean_loss[c] += weights_[age] * rows_[i].loss[c];
    }
  }
  for (double& error : row.mean_error) error /= total;
  for (double& loss : row.mean_loss) loss /= total;
}

void Guard::forget_before(std::size_t origin) {
  const std::size_t read = kReadDays * spans_.day;
  const auto old = [&](const Row& row) { return row.origin + read < origin; };
  rows_.erase(rows_.begin(), std::find_if_not(rows_.begin(), rows_.end(), old));
}

Guard::Choice Guard::at(std::size_t origin) const {
  Choice choice;
  if (origin < spans_.horizon) return choice;
  const auto before = [](const Row& row, std::size_t t) { return row.origin < t; };
  const std::size_t walked = kWalkedDays * spans_.day;
  const auto first =
      std::lower_bound(rows_.begin(), rows_.end(), origin > walked ? origin - walked : 0, before);
  const auto last = std::lower_bound(first, rows_.end(), origin - spans_.horizon + 1, before);
  std::size_t in_charge = 0;
  for (auto row = first; row != last; ++row) {
    if (row->count < kFewestRows) continue;
    in_charge = next_in_charge(in_charge, row->mean_loss);
    choice.errors = row->mean_error;
    choice.judged = true;
  }
  choice.source = kContenders[in_charge];
  return choice;
}

std::vector<double> naive_points(const Series& series, Source source,
                                 std::span<const std::size_t> origins) {
  std::vector<double> points;
  for (const std::size_t t : origins) {
    const double last = forecast_by(Source::last_value, series, t).value_or(0.0);
    points.push_back(forecast_by(source, series, t).value_or(last));
  }
  return points;
}

const char* in_words(Source source) {
  switch (source) {
    case Source::none:
      return "nothing";
    case Source::last_value:
      return "the last value";
    case Source::seasonal:
      return "the mean of the same hours";
    case Source::lstm:
      return "the model";
    case Source::yesterday:
      return "the same hours yesterday";
    case Source::week_ago:
      return "the same hours a week ago";
    case Source::typical:
      return "the median of these hours of four weeks";
  }
  return "unknown";
}

}  // namespace tidelimit::forecast
