// A model trained anew takes over only where it is closer on what neither has seen.

#include "forecast/renewal.hpp"

#include <gmock/gmock.h>

#include "forecast/model.hpp"
#include "forecast/synthetic.hpp"

namespace tidelimit::forecast {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kDay = 96;

TrainOptions quick() {
  TrainOptions how;
  how.preset = Preset::baseline;
  how.epochs = 2;
  how.threads = 1;
  return how;
}

/// Traffic that is `factor` times as much from window `from` on.
traffic::WindowGrid shifted(traffic::WindowGrid grid, std::size_t from, double factor) {
  for (auto& row : grid.stats)
    for (std::size_t i = from; i < row.size(); ++i) row[i].requests *= factor;
  return grid;
}

/// Each day as busy as chance has it, so that past days tell little of the next one.
traffic::WindowGrid with_moods(traffic::WindowGrid grid) {
  Random random(3);
  for (auto& row : grid.stats) {
    double mood = 1;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i % kDay == 0) mood = std::exp(0.6 * random.normal());
      row[i].requests *= mood;
    }
  }
  return grid;
}

std::shared_ptr<const ForecastModel> trained_on(const traffic::WindowGrid& grid) {
  auto model = train(grid, quick(), {});
  EXPECT_TRUE(model) << model.error().message;
  return *model;
}

TEST(Renewal, ANewModelTakesOverWhereTheOldOneIsWorse) {
  // Where days are alike, what stands in for the worse model does as well as a new one.
  const auto grid = with_moods(rhythm(2, 20, 5));
  auto worse = std::make_shared<ForecastModel>(*trained_on(first_windows(grid, 10 * kDay)));
  // As if it had been trained on a tenth of the traffic: it expects too little everywhere.
  for (auto& scaling : worse->endpoints) scaling.mean /= 10;
  const auto renewal = renew(grid, worse.get(), grid.time_of(10 * kDay), quick());
  ASSERT_TRUE(renewal) << renewal.error().message;
  EXPECT_EQ(renewal->trained_from, grid.start);
  EXPECT_EQ(renewal->trained_until, grid.time_of(18 * kDay)) << "two days are held out";
  EXPECT_EQ(renewal->forecasts, 2 * (2 * kDay - 3)) << "every origin whose hour is known";
  EXPECT_LT(renewal->fresh_error, renewal->running_error);
  EXPECT_TRUE(renewal->better());
}

TEST(Renewal, AnEqualModelChangesNothing) {
  const auto grid = rhythm(1, 20, 6);
  const auto same = trained_on(first_windows(grid, 18 * kDay));
  const auto renewal = renew(grid, same.get(), grid.time_of(18 * kDay), quick());
  ASSERT_TRUE(renewal) << renewal.error().message;
  EXPECT_EQ(renewal->fresh_error, renewal->running_error);
  EXPECT_FALSE(renewal->better());
}

TEST(Renewal, NeitherModelIsJudgedByWhatTheRunningOneWasTrainedOn) {
  const auto grid = rhythm(1, 20, 7);
  const auto running = trained_on(first_windows(grid, 18 * kDay + 40));
  const auto until = grid.time_of(18 * kDay + 40);
  const auto renewal = renew(grid, running.get(), until, quick());
  ASSERT_TRUE(renewal) << renewal.error().message;
  EXPECT_EQ(renewal->trained_until, until);
  const auto early = renew(grid, running.get(), grid.time_of(19 * kDay + 1), quick());
  ASSERT_FALSE(early);
  EXPECT_THAT(early.error().message, HasSubstr("95 windows to judge a new model by, of the 100"));
}

TEST(Renewal, IsLeftBetweenAnyTwoStepsOfItsWork) {
  struct Left {};
  const auto grid = rhythm(2, 20, 12);
  for (const Preset preset : {Preset::baseline, Preset::best}) {
    TrainOptions how = quick();
    how.preset = preset;
    how.epochs = 1;
    int steps = 0;
    how.between_steps = [&] { ++steps; };
    ASSERT_TRUE(renew(grid, nullptr, {}, how));
    // Of the best preset: two endpoints' rows, four fits, two lanes and two weighings more.
    ASSERT_EQ(steps, preset == Preset::best ? 15 : 5) << "an epoch, two endpoints, two judgements";
    for (int last = 1; last <= steps; ++last) {
      int step = 0;
      how.between_steps = [&] {
        if (++step == last) throw Left{};
      };
      EXPECT_THROW((void)renew(grid, nullptr, {}, how), Left);
      EXPECT_EQ(step, last);
    }
  }
}

TEST(Renewal, SaysWhatIsMissing) {
  const auto little = renew(rhythm(1, 4, 8), nullptr, {}, quick());
  ASSERT_FALSE(little);
  EXPECT_THAT(little.error().message, HasSubstr("76 windows to judge a new model by, of the 100"));
  auto gaps = rhythm(1, 20, 9);
  for (std::size_t i = 18 * kDay; i < gaps.size(); ++i) gaps.stats[0][i].observed = false;
  const auto blind = renew(gaps, nullptr, {}, quick());
  ASSERT_FALSE(blind);
  EXPECT_THAT(blind.error().message, HasSubstr("gaps everywhere"));
}

TEST(Renewal, EndpointsWithoutTrafficTeachNothing) {
  auto grid = rhythm(2, 20, 10);
  for (auto& window : grid.stats[1]) window.requests = 0;
  grid.endpoints.push_back("other");
  grid.stats.push_back(grid.stats[0]);
  for (auto& window : grid.stats[2]) window.requests = window.requests >= 100 ? 0.4 : 0;
  EXPECT_THAT(worth_forecasting(grid).endpoints, testing::ElementsAre("endpoint0"));
  for (auto& window : grid.stats[2]) window.requests *= 100;
  EXPECT_THAT(worth_forecasting(grid).endpoints, testing::ElementsAre("endpoint0", "other"));
}

TEST(Drift, IsTheModelsOwnErrorOverThatOfItsTraining) {
  const auto grid = rhythm(1, 20, 11);
  const auto model = trained_on(first_windows(grid, 15 * kDay));
  const auto growth = [&](const traffic::WindowGrid& seen) {
    return error_growth(*model, predict(model.get(), seen, seen.size(), Shape{}));
  };
  const auto calm = growth(grid);
  ASSERT_TRUE(calm);
  EXPECT_LT(*calm, kDrift);
  // A guard speaks in the model's place by now; it is the model that drifted.
  const auto drifted = growth(shifted(grid, 18 * kDay, 4));
  ASSERT_TRUE(drifted);
  EXPECT_GT(*drifted, kDrift);
  EXPECT_EQ(growth(first_windows(grid, 2)), std::nullopt) << "nothing is judged yet";
  ForecastModel broken = *model;
  for (float& weight : broken.network.weights) weight = std::numeric_limits<float>::quiet_NaN();
  const auto beyond = error_growth(broken, predict(&broken, grid, grid.size(), Shape{}));
  ASSERT_TRUE(beyond) << "what it says is not a number";
  EXPECT_GT(*beyond, kDrift);
}

}  // namespace
}  // namespace tidelimit::forecast
