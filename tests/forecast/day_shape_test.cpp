// The shape of a day: pooled over days, from the past alone, whatever the level does.

#include "forecast/day_shape.hpp"

#include <array>
#include <cmath>
#include <gtest/gtest.h>

#include "forecast/linear.hpp"
#include "synthetic.hpp"

namespace tidelimit::forecast {
namespace {

constexpr std::size_t kDay = 96;
constexpr std::size_t kHorizon = 4;
const Spans kSpans = Spans::of(Shape{});

/// Of synthetic.hpp's first endpoint.
double true_shape(std::size_t i) {
  return 1.0 + 0.7 * std::sin(2 * std::numbers::pi * static_cast<double>(i) / 96.0);
}

Series series_of(const traffic::WindowGrid& grid) {
  return {grid.stats.front(), kSpans};
}

/// Mean distance from the true shape over the day that begins with window `from`.
double distance(const DayShape& shape, std::size_t from) {
  double sum = 0;
  for (std::size_t i = from; i < from + kDay; ++i)
    sum += std::fabs(shape.mean(i, i + 1) - true_shape(i));
  return sum / static_cast<double>(kDay);
}

TEST(DayShape, IsCloserTheMoreDaysArePooled) {
  const auto grid = rhythm(1, 29, 1);
  const Series series = series_of(grid);
  EXPECT_LT(distance(DayShape(series, 2 * kDay, 3 * kDay), 2 * kDay), 0.12);
  EXPECT_LT(distance(DayShape(series, 28 * kDay, 29 * kDay), 28 * kDay), 0.03);
}

TEST(DayShape, IsOneWhereNothingIsKnown) {
  const auto grid = rhythm(1, 3, 1);
  const DayShape shape(series_of(grid), 0, kDay);
  EXPECT_EQ(shape.mean(0, kHorizon), 1);
  EXPECT_EQ(shape.weekday_mean(0, kHorizon), 1);
}

TEST(DayShape, DoesNotMindTheLevel) {
  auto grid = rhythm(1, 15, 2);
  for (std::size_t i = 7 * kDay; i < 15 * kDay; ++i) grid.stats[0][i].requests *= 5;
  EXPECT_LT(distance(DayShape(series_of(grid), 14 * kDay, 15 * kDay), 14 * kDay), 0.06);
}

TEST(DayShape, HardlyMindsASurge) {
  auto grid = rhythm(1, 15, 2);
  const std::size_t surge = 12 * kDay + 48;
  const auto at_noon = [&] {
    return DayShape(series_of(grid), 14 * kDay, 15 * kDay).mean(14 * kDay + 48, 14 * kDay + 52);
  };
  const double before = at_noon();
  for (std::size_t i = surge; i < surge + 4; ++i) grid.stats[0][i].requests *= 3;
  EXPECT_NEAR(at_noon(), before, 0.12 * before);
}

TEST(DayShape, KnowsWeekdays) {
  auto grid = rhythm(1, 28, 3);
  for (std::size_t i = 0; i < grid.size(); ++i) {  // nobody comes on Sunday afternoons
    if (i / kDay % 7 == 6 && i % kDay >= 48) grid.stats[0][i].requests = 0;
  }
  const std::size_t afternoon = 27 * kDay + 56;
  const DayShape shape(series_of(grid), 27 * kDay, 28 * kDay);
  EXPECT_LT(shape.weekday_mean(afternoon, afternoon + 4),
            0.5 * shape.mean(afternoon, afternoon + 4));
}

TEST(DayShape, KnowsNoWindowLessThanAHorizonBefore) {
  for (const int hours : {1, 12, 18, 24, 7 * 24}) {
    const Nanos horizon = std::chrono::hours{hours};
    const Spans spans = Spans::of({.horizon = horizon});
    const auto grid = rhythm(1, 10, 4);
    auto other = grid;
    const std::size_t origin = 9 * kDay;
    for (std::size_t i = origin; i < other.size(); ++i) other.stats[0][i].requests = 1e6;
    const Series one(grid.stats[0], spans);
    const Series two(other.stats[0], spans);
    std::array<double, kShapeFeatures> known{}, same{};
    const std::size_t end = origin + spans.horizon;
    shape_features(one, DayShape(one, origin - kDay, end), origin, known);
    shape_features(two, DayShape(two, origin - kDay, end), origin, same);
    EXPECT_EQ(known, same);
  }
}

TEST(DayShape, IsAskedForNoMoreThanADayBeforeTheOrigin) {
  const auto grid = rhythm(1, 20, 4);
  const std::size_t origin = 19 * kDay;
  for (const int hours : {1, 6, 12, 24, 7 * 24}) {
    const Spans spans = Spans::of({.horizon = std::chrono::hours{hours}});
    const Series series(grid.stats[0], spans);
    const std::size_t end = origin + spans.horizon;
    std::array<double, kShapeFeatures> of_a_day{}, of_more{};
    shape_features(series, DayShape(series, origin - kDay, end), origin, of_a_day);
    shape_features(series, DayShape(series, 0, end), origin, of_more);
    for (std::size_t i = 0; i < kShapeFeatures; ++i)
      EXPECT_NEAR(of_a_day[i], of_more[i], 1e-9) << "feature " << i << " of " << hours << " h";
  }
}

TEST(ShapeMember, IsCloserThanASingleDayLetsOneBe) {
  const auto grid = rhythm(1, 28, 5);
  const Series series = series_of(grid);
  const LinearRows rows(series, grid.start, grid.step, 0, 27 * kDay);
  const auto forecasts =
      online_linear(series, rows, naive_coefficients(Space::shape), Space::shape);
  double error = 0, yesterday = 0;
  for (std::size_t t = 21 * kDay; t < 27 * kDay; ++t) {
    error += std::fabs(forecasts[t] - series.horizon_sum(t));
    yesterday += std::fabs(series.horizon_sum(t - kDay) - series.horizon_sum(t));
  }
  EXPECT_LT(error, 0.88 * yesterday);  // noise alone leaves 0.71
}

}  // namespace
}  // namespace tidelimit::forecast
