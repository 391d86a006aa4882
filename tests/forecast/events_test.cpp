// Events of the week and jobs of the day: found in the past alone, foreseen, and forgotten when
// they stop.

#include "forecast/events.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "forecast/model.hpp"
#include "synthetic.hpp"

namespace tidelimit::forecast {
namespace {

constexpr std::size_t kDay = 96;
constexpr std::size_t kWeek = 7 * kDay;
/// Wednesday 11:30, for an hour.
constexpr std::size_t kRush = 2 * kDay + 46;
constexpr std::size_t kRushWindows = 4;
constexpr double kHeight = 3.4;
constexpr Shape kShape{};

/// Expected requests in a window on an ordinary day.
double ordinary(std::size_t i) {
  return 60.0 * (1.0 + 0.6 * std::sin(2 * std::numbers::pi * static_cast<double>(i) / 96.0 - 1.5));
}

/// Times how much comes in window i of a week with a rush: ramps of ten minutes at both ends.
double rush(std::size_t i) {
  const std::size_t at = i % kWeek;
  if (at < kRush || at >= kRush + kRushWindows) return 1.0;
  const bool edge = at == kRush || at == kRush + kRushWindows - 1;
  return edge ? 1.0 + (kHeight - 1.0) * 2.0 / 3.0 : kHeight;
}

/// Windows of the rhythm above with Poisson noise and a slow wobble of a twentieth; `weeks` says in
/// which weeks there is a rush.
traffic::WindowGrid shop(std::size_t windows, std::vector<bool> weeks, std::uint64_t seed) {
  traffic::WindowGrid grid;
  grid.start = WallTime{std::chrono::sys_days{std::chrono::year{2026} / 6 / 1}};  // a Monday
  grid.endpoints = {"payment"};
  auto& row = grid.stats.emplace_back(windows);
  Random random(seed);
  double level = 0;
  for (std::size_t i = 0; i < windows; ++i) {
    level = 0.9 * level + 0.05 * std::sqrt(1 - 0.81) * random.normal();
    const std::size_t week = i / kWeek;
    const double factor = week < weeks.size() && weeks[week] ? rush(i) : 1.0;
    row[i].requests = static_cast<double>(random.poisson(ordinary(i) * factor * std::exp(level)));
    row[i].responses = row[i].requests;
  }
  return grid;
}

Series series_of(const traffic::WindowGrid& grid) {
  return {grid.stats.front(), Spans::of(kShape)};
}

std::shared_ptr<const ForecastModel> trained(const traffic::WindowGrid& grid) {
  TrainOptions options;
  options.epochs = 3;
  const auto model = train(grid, options, {});
  EXPECT_TRUE(model) << model.error().message;
  return *model;
}

double expected_hour(std::size_t origin) {
  double sum = 0;
  for (std::size_t i = origin; i < origin + 4; ++i) sum += ordinary(i) * rush(i);
  return sum;
}

double forecast_at(const ForecastModel& model, const traffic::WindowGrid& grid,
                   std::size_t origin) {
  return predict(&model, grid, origin, kShape).front().median();
}

TEST(Events, NothingRecursInRhythmAlone) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const auto grid = shop(5 * kWeek, {}, seed);
    const Events events(series_of(grid));
    EXPECT_FALSE(events.any()) << "seed " << seed;
    EXPECT_EQ(events.on_top_of(1.0, grid.size()), 1.0);
  }
}

TEST(Events, WeekendsAreNoEvents) {
  auto grid = shop(5 * kWeek, {}, 3);
  for (std::size_t i = 0; i < grid.size(); ++i) {
    if (i % kWeek >= 5 * kDay)
      grid.stats[0][i].requests = std::round(grid.stats[0][i].requests / 2);
  }
  EXPECT_FALSE(Events(series_of(grid)).any());
}

TEST(Events, KeepsTheShapeOfARush) {
  const auto grid = shop(4 * kWeek + kRush - 2, {true, true, true, true}, 1);
  const Events events(series_of(grid));
  for (std::size_t i = 4 * kWeek + kRush - 2; i < 4 * kWeek + kRush + 2; ++i) {
    EXPECT_NEAR(events.factor(i), rush(i), 0.15 * rush(i)) << i;
  }
}

TEST(Events, OfThreeWeeksThatAllAgreeAreFoundAmongSurges) {
  constexpr std::size_t kSurges = 9;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    auto grid = shop(3 * kWeek + kRush, {true, true, true}, seed);
    Random random(seed);
    for (std::size_t surge = 0; surge < kSurges; ++surge) {
      const std::size_t at = random.below(3 * kWeek - kRushWindows);
      for (std::size_t i = at; i < at + kRushWindows; ++i)
        if (rush(i) == 1.0) grid.stats[0][i].requests *= kHeight;
    }
    const Events events(series_of(grid));
    EXPECT_NEAR(events.factor(3 * kWeek + kRush + 1), kHeight, 0.2 * kHeight) << seed;
  }
}

TEST(Events, OneWildWeekIsNotRepeated) {
  for (const std::vector<bool>& weeks :
       {std::vector<bool>{false, true}, {false, false, true}, {false, false, false, true}}) {
    const std::size_t origin = weeks.size() * kWeek + kRush - 2;
    const Events events(series_of(shop(origin, weeks, 5)));
    EXPECT_EQ(events.on_top_of(1.0, origin), 1.0) << weeks.size();
  }
}

TEST(Events, AnEventThatStopsIsForgottenAfterTwoWeeks) {
  const std::vector<bool> weeks{true, true, true, true, false, false};
  const std::size_t origin = 6 * kWeek + kRush;
  const Events events(series_of(shop(origin, weeks, 7)));
  EXPECT_EQ(events.on_top_of(1.0, origin), 1.0);
}

TEST(Events, AWeekNobodyWatchedSaysNothing) {
  const std::size_t origin = 4 * kWeek + kRush;
  auto grid = shop(origin, {true, true, true, true}, 2);
  for (std::size_t i = 2 * kWeek; i < 2 * kWeek + 4 * kDay; ++i) {
    grid.stats[0][i] = {};
    grid.stats[0][i].observed = false;
  }
  const Events events(series_of(grid));
  EXPECT_NEAR(events.factor(origin + 1), kHeight, 0.15 * kHeight);
}

TEST(Events, CoarseWindowsHaveNone) {
  Shape coarse;
  coarse.window = std::chrono::hours{2};
  coarse.horizon = std::chrono::hours{4};
  const auto grid = shop(4 * kWeek, {true, true, true, true}, 2);
  const Series series(grid.stats.front(), Spans::of(coarse));
  EXPECT_FALSE(Events(series).any());
}

/// Walks through a growing grid, by one window and by many, as after a pause: whoever remembers
/// must find what others find anew, and there is something to find.
void expect_memory_to_agree(const traffic::WindowGrid& grid) {
  EventsMemory memory;
  bool found = false;
  for (std::size_t size = 40; size < grid.size(); size += size % 7 == 0 ? 1 : 13) {
    const Series series = series_of(first_windows(grid, size));
    const Events remembered(series, memory);
    const Events fresh(series);
    for (std::size_t i = 0; i < size + series.spans().horizon; ++i) {
      ASSERT_EQ(remembered.factor(i), fresh.factor(i)) << i;
      ASSERT_EQ(remembered.job(i), fresh.job(i)) << i;
    }
    found = found || fresh.any();
  }
  EXPECT_TRUE(found);
}

TEST(Events, FoundWindowByWindowAreTheSame) {
  expect_memory_to_agree(shop(5 * kWeek, {true, true, true, true, true}, 9));
}

TEST(Events, KnowNothingFromTheLastDaysBeforeAWindow) {
  const auto grid = shop(5 * kWeek, {true, true, true, true, true}, 9);
  const Events full(series_of(grid));
  for (std::size_t origin = 2 * kWeek; origin <= grid.size(); origin += 29) {
    const Events cut(series_of(first_windows(grid, origin)));
    for (std::size_t i = 0; i < origin + 4; ++i) {
      ASSERT_EQ(cut.factor(i), full.factor(i)) << origin << " " << i;
    }
  }
}

/// 3:15 at night, 30,000 requests; `days` says on which of them.
constexpr std::size_t kNight = 13;
constexpr double kJob = 30'000;

traffic::WindowGrid with_job(std::size_t windows, const std::vector<bool>& days,
                             std::uint64_t seed) {
  auto grid = shop(windows, {}, seed);
  Random random(seed + 100);
  for (std::size_t day = 0; day < days.size() && day * kDay + kNight < windows; ++day) {
    if (!days[day]) continue;
    auto& window = grid.stats[0][day * kDay + kNight];
    window.requests += static_cast<double>(random.poisson(kJob));
    window.responses = window.requests;
  }
  return grid;
}

/// The nights of `days` in this order: how many with the job, then how many without, and so on.
std::vector<bool> nights(std::initializer_list<std::size_t> runs) {
  std::vector<bool> days;
  bool job = true;
  for (const std::size_t run : runs) {
    days.insert(days.end(), run, job);
    job = !job;
  }
  return days;
}

/// What the job of the night that follows `days` is taken for, two hours before.
double job_after(const std::vector<bool>& days) {
  const std::size_t origin = days.size() * kDay + kNight - 8;
  const Events events(series_of(with_job(origin, days, 3)));
  double job = 0;
  for (std::size_t i = origin; i < origin + 4; ++i) job += events.job(i);
  const Events near(series_of(with_job(origin + 6, days, 3)));
  for (std::size_t i = origin + 4; i < origin + 10; ++i) job += near.job(i);
  return job;
}

TEST(Jobs, OfTwoNightsAreExpectedInTheThird) {
  EXPECT_NEAR(job_after(nights({10})), kJob, 0.02 * kJob);
  EXPECT_NEAR(job_after(nights({0, 10, 2})), kJob, 0.02 * kJob);
  EXPECT_EQ(job_after(nights({0, 10, 1})), 0);
}

TEST(Jobs, ThatStopAreForgottenAfterOneNight) {
  EXPECT_EQ(job_after(nights({10, 1})), 0);
  EXPECT_EQ(job_after(nights({10, 2})), 0);
}

TEST(Jobs, ThatMissedOneNightAreBackAfterTheNext) {
  EXPECT_NEAR(job_after(nights({10, 1, 1})), kJob, 0.02 * kJob);
}

TEST(Jobs, AreAsLargeWhateverTheLevel) {
  auto grid = with_job(10 * kDay + kNight - 2, nights({10}), 3);
  for (std::size_t i = 9 * kDay + kNight + 1; i < grid.size(); ++i)
    grid.stats[0][i].requests = std::round(grid.stats[0][i].requests / 4);
  const Events events(series_of(grid));
  EXPECT_NEAR(events.on_top_of(40, grid.size()), kJob + 40, 0.02 * kJob);
}

TEST(Jobs, LeaveTheCalmSeriesAsItWouldHaveBeen) {
  const std::size_t size = 10 * kDay + kNight - 2;
  const Series raw = series_of(with_job(size, nights({10}), 3));
  const Series calm = Events(raw).calm(raw);
  const Series never = series_of(shop(size, {}, 3));
  // The same hours of yesterday, and of the first night, in hindsight.
  for (const std::size_t from : {9 * kDay + kNight - 2, kNight - 2})
    EXPECT_NEAR(calm.horizon_sum_seen(from, size), never.horizon_sum(from),
                0.5 * never.horizon_sum(from));
}

TEST(Jobs, KnowNothingFromTheLastHoursBeforeAWindow) {
  const auto grid = with_job(12 * kDay, nights({4, 2, 6}), 9);
  const Events full(series_of(grid));
  for (std::size_t origin = 2 * kDay; origin <= grid.size(); origin += 5) {
    const Events cut(series_of(first_windows(grid, origin)));
    for (std::size_t i = 0; i < origin + 4; ++i) ASSERT_EQ(cut.job(i), full.job(i)) << origin;
  }
}

TEST(Jobs, AreFoundWindowByWindowTheSame) {
  expect_memory_to_agree(with_job(12 * kDay, nights({4, 2, 6}), 9));
}

TEST(Jobs, AreForecastByTheModel) {
  const auto grid = with_job(14 * kDay, nights({14}), 5);
  const auto model = trained(first_windows(grid, 12 * kDay));
  const std::size_t origin = 13 * kDay + kNight - 2;
  EXPECT_NEAR(forecast_at(*model, first_windows(grid, origin), origin), kJob, 0.02 * kJob);
  const std::size_t after = 13 * kDay + kNight + 1;
  EXPECT_LT(forecast_at(*model, first_windows(grid, after), after), 2 * expected_hour(after));
}

class Foreseen : public testing::TestWithParam<std::size_t> {};

TEST_P(Foreseen, TheRushHalfAnHourAhead) {
  const std::size_t occurrences = GetParam();
  const std::size_t windows = (occurrences + 1) * kWeek;
  const auto grid = shop(windows, std::vector<bool>(occurrences + 1, true), 11 + occurrences);
  const auto model = trained(first_windows(grid, occurrences * kWeek));
  const std::size_t start = occurrences * kWeek + kRush;

  const double before = forecast_at(*model, first_windows(grid, start - 2), start - 2);
  EXPECT_NEAR(before, expected_hour(start - 2), 0.15 * expected_hour(start - 2));
  const double at = forecast_at(*model, first_windows(grid, start), start);
  EXPECT_NEAR(at, expected_hour(start), 0.15 * expected_hour(start));
  // The hour after is ordinary again, and forecast so from the midst of the rush's end.
  const std::size_t after = start + kRushWindows;
  EXPECT_LT(forecast_at(*model, first_windows(grid, after), after), 1.2 * expected_hour(after));

  // What comes after an origin changes nothing, whether it is there or not.
  auto other = grid;
  for (std::size_t i = start - 2; i < windows; ++i) other.stats[0][i].requests *= 7;
  EXPECT_EQ(forecast_at(*model, other, start - 2), before);
}

INSTANTIATE_TEST_SUITE_P(PastRushes, Foreseen, testing::Values(3, 4));

}  // namespace
}  // namespace tidelimit::forecast
