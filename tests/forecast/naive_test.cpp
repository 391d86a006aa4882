#include "forecast/naive.hpp"

#include <gtest/gtest.h>

#include "forecast/synthetic.hpp"

namespace tidelimit::forecast {
namespace {

/// Windows of six hours and a horizon of one window: a day is 4 windows, a week 28.
Shape coarse() {
  return {.window = std::chrono::hours{6},
          .history = std::chrono::hours{24},
          .horizon = std::chrono::hours{6}};
}

std::vector<traffic::WindowStats> counts(const std::vector<double>& values) {
  std::vector<traffic::WindowStats> stats(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    stats[i].requests = values[i];
    stats[i].observed = values[i] >= 0;  // a negative count stands for a gap
  }
  return stats;
}

Series series_of(const std::vector<double>& values) {
  return {counts(values), Spans::of(coarse())};
}

std::vector<double> squares(std::size_t n) {
  std::vector<double> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<double>(i * i);
  return values;
}

TEST(Naive, RulesAreWhatTheirNamesSay) {
  const auto series = series_of(squares(120));
  const auto rules = naive_forecasts(series, 116);
  EXPECT_EQ(rules[static_cast<std::size_t>(Naive::last_hour)], 115.0 * 115);
  EXPECT_EQ(rules[static_cast<std::size_t>(Naive::yesterday)], 112.0 * 112);
  EXPECT_EQ(rules[static_cast<std::size_t>(Naive::week_ago)], 88.0 * 88);
  EXPECT_EQ(rules[static_cast<std::size_t>(Naive::slot_mean)],
            (88.0 * 88 + 60.0 * 60 + 32.0 * 32 + 4.0 * 4) / 4);
  EXPECT_EQ(rules[static_cast<std::size_t>(Naive::last_plus_yesterday)],
            115.0 * 115 + 112.0 * 112 - 111.0 * 111);
}

TEST(Naive, TypicalIsTheMedianOfTheseHoursAndTheirNeighbours) {
  // Four windows a day; the third is the busy one, and once somebody came at night.
  std::vector<double> days;
  for (int day = 0; day < 6; ++day) {
    for (const double came : {0.0, 10.0 + day, 50.0, 20.0}) days.push_back(came);
  }
  days[8] = 900;
  const auto series = series_of(days);
  EXPECT_EQ(typical(series, 22), 20);  // 10 to 14 before each, five times 50, 20 after each
  EXPECT_EQ(typical(series, 24), 13);  // 0 and 900, 20 before each but one, 10 to 15 after each
  EXPECT_FALSE(typical(series, 8));
  EXPECT_TRUE(typical(series, 12));
}

TEST(Naive, TypicalOfRareClumpsIsNothing) {
  std::vector<double> clumps(120);
  for (std::size_t i = 0; i < clumps.size(); i += 7) clumps[i] = 100;
  const auto series = series_of(clumps);
  for (std::size_t t = 12; t < clumps.size(); ++t) EXPECT_EQ(typical(series, t), 0) << t;
}

TEST(Naive, RulesWithoutTheirPastSayNothing) {
  const auto series = series_of(squares(40));
  EXPECT_FALSE(naive_forecasts(series, 0)[0]);
  const auto first = naive_forecasts(series, 1);
  EXPECT_EQ(first[0], 0.0);
  EXPECT_FALSE(first[1]);
  const auto day = naive_forecasts(series, 4);
  EXPECT_EQ(day[1], 0.0);
  EXPECT_FALSE(day[4]);  // needs the horizon before yesterday's too
  EXPECT_FALSE(day[2]);
  EXPECT_TRUE(naive_forecasts(series, 28)[2]);
}

TEST(Naive, NeverForecastsLessThanNothing) {
  const auto series = series_of({50, 0, 0, 0, 1, 0, 0, 0});
  EXPECT_EQ(naive_forecasts(series, 5)[4], 0.0);  // 1 + 0 - 50
}

TEST(Naive, TheBestRuleIsTheOneThatWasRight) {
  std::vector<double> daily;
  for (int i = 0; i < 80; ++i) daily.push_back(i % 4 == 0 ? 100 : 10 * (i % 4));
  EXPECT_EQ(best_naive(series_of(daily), 80), Naive::yesterday);
  std::vector<double> walk;
  Random random(3);
  double level = 1000;
  for (int i = 0; i < 80; ++i) walk.push_back(level += 10 * random.normal());
  EXPECT_EQ(best_naive(series_of(walk), 80), Naive::last_hour);
}

TEST(Series, FillsGapsFromThePastAlone) {
  const auto series = series_of({1, 2, 3, 4, 1, -1, -1, 4, 1, -1});
  EXPECT_EQ(series.at(5), 2);  // the same window yesterday
  EXPECT_EQ(series.at(6), 3);
  EXPECT_EQ(series.at(9), 2);  // through a gap of yesterday
  EXPECT_EQ(series.observed(0, 9), 7U);
  EXPECT_FALSE(series.all_observed(3, 6));
  const auto late = series_of({-1, -1, 7, -1});
  EXPECT_EQ(late.first_observed(), 2U);
  EXPECT_EQ(late.at(0), 0);
  EXPECT_EQ(late.at(3), 7);
}

TEST(Series, FillsGapsAtTheLevelBeforeThem) {
  const auto series = series_of({10, 20, 30, 40, 20, 40, -1, -1});
  const double steady = 0.25 * (30 + 40 + 20 + 40) / 4;
  EXPECT_DOUBLE_EQ(series.at(6), 30 * (40 + steady) / (20 + steady));
  EXPECT_GT(series.at(7), 40);  // six hours on, less sure of it
  EXPECT_LT(series.at(7), 50);
}

TEST(Series, RepeatsADayThroughAPauseButNoStrayWindow) {
  EXPECT_EQ(series_of({1, 2, 3, 4, -1, -1, -1, -1, -1, 9}).at(8), 1);
  const auto series = series_of({-1, -1, -1, 4, -1, -1, -1, -1, -1, -1, 8, 9});
  EXPECT_TRUE(series.known(7));
  EXPECT_FALSE(series.known(8));
  EXPECT_EQ(series.sum(8, 11), 8);
  EXPECT_EQ(series.mean(8, 12), 8.5);
  EXPECT_EQ(series.mean(8, 10), 0);
  EXPECT_FALSE(naive_forecasts(series, 12)[static_cast<std::size_t>(Naive::yesterday)]);
}

TEST(Usual, IsTheMedianOfTheSameTimeOfDay) {
  traffic::WindowGrid grid;
  grid.step = coarse().window;
  grid.endpoints = {"payment"};
  std::vector<double> values(4 * 10, 1.0);
  for (std::size_t day = 0; day < 10; ++day) values[4 * day + 2] = 10.0 * static_cast<double>(day);
  grid.stats = {counts(values)};
  // Days 0..9 at the third window: 0, 10, .. 90; known before day 10's: all ten.
  auto padded = values;
  padded.insert(padded.end(), {1, 1, 1, 1});
  grid.stats = {counts(padded)};
  EXPECT_EQ(usual(grid, 0, 42, coarse()), 45.0);
  EXPECT_EQ(usual(grid, 0, 30, coarse()), 30.0);  // seven days: 0..60
  EXPECT_FALSE(usual(grid, 0, 26, coarse()));     // six
  padded[2] = -1;                                 // a gap is no day
  grid.stats = {counts(padded)};
  EXPECT_FALSE(usual(grid, 0, 30, coarse()));
}

TEST(Usual, ForgetsWhatIsOlderThanFourWeeks) {
  traffic::WindowGrid grid;
  grid.step = coarse().window;
  grid.endpoints = {"payment"};
  std::vector<double> values(4 * 60, 1000.0);
  std::fill(values.begin() + 4 * 32, values.end(), 1.0);
  grid.stats = {counts(values)};
  EXPECT_EQ(usual(grid, 0, 4 * 60, coarse()), 1.0);
}

/// From this day on users live by a clock that was set: they come `windows` windows earlier, or
/// later where that is negative.
constexpr std::size_t kChangeDay = 35;
traffic::WindowGrid moved(traffic::WindowGrid grid, std::ptrdiff_t windows) {
  const auto before = grid.stats;
  for (std::size_t e = 0; e < before.size(); ++e) {
    for (std::size_t i = kChangeDay * 96; i + 4 < before[e].size(); ++i)
      grid.stats[e][i] =
          before[e][static_cast<std::size_t>(static_cast<std::ptrdiff_t>(i) + windows)];
  }
  return grid;
}

/// What comes in each hour of some days over what is usual then: the largest.
double worst_spike(const traffic::WindowGrid& grid, std::size_t first_day, std::size_t last_day) {
  const Shape shape;
  double worst = 0;
  for (std::size_t origin = first_day * 96; origin < last_day * 96; ++origin) {
    double came = 0;
    for (std::size_t i = origin; i < origin + 4; ++i) came += grid.stats[0][i].requests;
    worst = std::max(worst, came / *usual(grid, 0, origin, shape));
  }
  return worst;
}

TEST(Usual, FollowsUsersWhoseClocksWereChanged) {
  const auto grid = rhythm(1, 60, 7);
  const std::size_t first = kChangeDay + 1, last = first + 10;
  const double ordinary = worst_spike(grid, first, last);
  EXPECT_LT(ordinary, 1.3);
  for (const std::ptrdiff_t windows : {4, -4})  // without this: 1.50 and 1.47
    EXPECT_LT(worst_spike(moved(grid, windows), first, last), ordinary + 0.1) << windows;
}

TEST(Usual, IsNotMovedByASpike) {
  const auto grid = rhythm(1, 40, 7);
  auto spiked = grid;
  for (std::size_t i = 36 * 96 + 40; i < 36 * 96 + 44; ++i) spiked.stats[0][i].requests *= 5;
  for (std::size_t origin = 36 * 96 + 40; origin < 37 * 96; ++origin)
    EXPECT_EQ(usual(spiked, 0, origin, {}), usual(grid, 0, origin, {})) << origin;
  EXPECT_GT(worst_spike(spiked, 36, 37), 4);
}

}  // namespace
}  // namespace tidelimit::forecast
