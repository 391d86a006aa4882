#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <limits>

#include "forecast/forecaster.hpp"
#include "forecast/model.hpp"
#include "forecast/synthetic.hpp"

namespace tidelimit::forecast {
namespace {

using ::testing::HasSubstr;

TrainOptions quick(Preset preset) {
  TrainOptions options;
  options.preset = preset;
  options.epochs = preset == Preset::best ? 4 : 2;
  return options;
}

std::shared_ptr<const ForecastModel> trained(const traffic::WindowGrid& grid, Preset preset) {
  const auto model = train(grid, quick(preset), {});
  EXPECT_TRUE(model.has_value()) << model.error().message;
  return *model;
}

/// Trained once for all tests: two endpoints, two weeks.
const ForecastModel& best_model() {
  static const auto model = trained(rhythm(2, 14, 1), Preset::best);
  return *model;
}
const ForecastModel& baseline_model() {
  static const auto model = trained(rhythm(2, 6, 1), Preset::baseline);
  return *model;
}

TEST(Train, BaselineIsWhatItSays) {
  const auto& model = baseline_model();
  EXPECT_EQ(model.network.shape,
            (NetworkShape{.steps = 96, .features = 4, .hidden = 64, .outputs = 1}));
  EXPECT_EQ(model.best_epoch, 2);  // the last, not the luckiest
  EXPECT_GT(model.validation_mae, 0);
}

TEST(Train, ThreadsChangeNothing) {
  const auto grid = rhythm(2, 4, 2);
  auto options = quick(Preset::best);
  options.threads = 1;
  const auto one = train(grid, options, {});
  options.threads = 4;
  const auto four = train(grid, options, {});
  EXPECT_EQ((*one)->network.weights, (*four)->network.weights);
  EXPECT_EQ((*one)->member_prior, (*four)->member_prior);
  EXPECT_EQ((*one)->residuals, (*four)->residuals);
  options.seed = 2;
  EXPECT_NE((*train(grid, options, {}))->network.weights, (*one)->network.weights);
}

TEST(Train, ReportsProgressUpToTheEnd) {
  std::vector<Progress> seen;
  const auto model = train(rhythm(1, 4, 3), quick(Preset::baseline),
                           [&](const Progress& progress) { seen.push_back(progress); });
  ASSERT_TRUE(model);
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[1].epoch, 2);
  EXPECT_DOUBLE_EQ(seen[1].done_ratio, 1);
  EXPECT_GT(seen[0].loss, 0);
  EXPECT_TRUE(seen[0].validation_loss);
}

TEST(Train, SaysHowMuchHistoryIsMissing) {
  const auto model = train(rhythm(1, 1, 4), quick(Preset::best), {});
  ASSERT_FALSE(model);
  EXPECT_THAT(model.error().message, HasSubstr("history too short: 96 windows of 15m"));
}

/// Two and a half hours without data each night are no reason to refuse.
TEST(Train, LearnsWhereEveryNightHasAGap) {
  auto grid = rhythm(1, 8, 4);
  for (std::size_t i = 0; i < grid.size(); ++i) {
    if (i % 96 >= 8 && i % 96 < 20) grid.stats[0][i] = {.requests = 0, .observed = false};
  }
  EXPECT_TRUE(train(grid, quick(Preset::best), {}));
}

/// The grid with `windows` gaps after its first window, or before its last.
traffic::WindowGrid stray(traffic::WindowGrid grid, std::size_t windows, bool old) {
  for (auto& row : grid.stats) {
    row.insert(old ? row.begin() + 1 : row.end() - 1, windows, {.requests = 0, .observed = false});
  }
  if (old) grid.start -= grid.step * static_cast<Nanos::rep>(windows);
  return grid;
}

TEST(Train, AStrayWindowIsNoHistory) {
  const auto grid = rhythm(1, 12, 4);
  for (const bool old : {true, false}) {
    EXPECT_TRUE(train(stray(grid, 96 * 300, old), quick(Preset::best), {})) << old;
  }
}

TEST(Predict, AStrayWindowWeeksAgoChangesNextToNothing) {
  const auto grid = rhythm(1, 12, 16);
  const auto strayed = stray(grid, 96 * 40, true);
  for (const std::size_t t : {300U, 600U, 900U, 1100U}) {
    const double clean = predict(&best_model(), grid, t, Shape{}).front().median();
    const double with = predict(&best_model(), strayed, t + 96 * 40, Shape{}).front().median();
    EXPECT_NEAR(with / clean, 1, 0.02) << t;
  }
}

TEST(Train, RefusesEmptyTrafficAndForeignWindows) {
  auto grid = rhythm(1, 4, 5);
  for (auto& w : grid.stats[0]) w.requests = 0;
  EXPECT_THAT(train(grid, quick(Preset::best), {}).error().message, HasSubstr("no request"));
  auto options = quick(Preset::best);
  options.shape.window = std::chrono::minutes{5};
  EXPECT_THAT(train(rhythm(1, 4, 5), options, {}).error().message,
              HasSubstr("the windows last 15m"));
}

TEST(Train, BeginsWithGapsAndSilentEndpoints) {
  auto grid = rhythm(3, 8, 6);
  for (auto& w : grid.stats[2]) w.requests = 0;
  for (std::size_t i = 200; i < 230; ++i) {
    for (auto& row : grid.stats) row[i] = {.requests = 0, .observed = false};
  }
  const auto model = trained(grid, Preset::best);
  for (const auto& forecast : predict(model.get(), grid, grid.size(), model->shape)) {
    for (const double q : forecast.quantiles) EXPECT_TRUE(std::isfinite(q) && q >= 0);
  }
}

/// The validation part shows the network nothing: what is trained on [0, train_end) alone stays.
TEST(Train, TheNewestPartTeachesTheLinearMembersNothing) {
  const auto grid = rhythm(1, 10, 7);
  auto other = grid;
  for (std::size_t i = 96 * 9; i < other.size(); ++i) other.stats[0][i].requests *= 5;
  const auto a = trained(grid, Preset::best);
  const auto b = trained(other, Preset::best);
  EXPECT_EQ(a->linear, b->linear);
  EXPECT_NE(a->validation_mae, b->validation_mae);
}

/// Whatever comes at or after the origin, the forecast at the origin is the same.
TEST(Predict, TheFutureNeverChangesAForecast) {
  const auto grid = rhythm(2, 16, 8);
  Random random(9);
  for (const ForecastModel* model :
       std::initializer_list<const ForecastModel*>{nullptr, &best_model(), &baseline_model()}) {
    for (int round = 0; round < 6; ++round) {
      const std::size_t origin = 100 + random.below(grid.size() - 110);
      auto other = grid;
      for (auto& row : other.stats) {
        for (std::size_t i = origin; i < row.size(); ++i) {
          row[i] = {.requests = 1e4 * random.uniform(),
                    .errors = 7,
                    .responses = 9,
                    .observed = random.chance(0.8)};
        }
      }
      const auto expected = predict(model, grid, origin, Shape{});
      const auto changed = predict(model, other, origin, Shape{});
      const auto cut = predict(model, first_windows(grid, origin), origin, Shape{});
      for (std::size_t e = 0; e < expected.size(); ++e) {
        ASSERT_EQ(expected[e].quantiles, changed[e].quantiles) << "origin " << origin;
        ASSERT_EQ(expected[e].quantiles, cut[e].quantiles) << "origin " << origin;
        ASSERT_EQ(expected[e].usual, changed[e].usual);
        ASSERT_EQ(expected[e].naive, changed[e].naive);
        ASSERT_EQ(expected[e].source, changed[e].source);
      }
    }
  }
}

TEST(Predict, ManyOriginsAtOnceAreThoseOneByOne) {
  const auto grid = rhythm(1, 14, 10);
  const std::vector<std::size_t> origins{700, 701, 900, 1300};
  const auto many = predict_many(&best_model(), grid, origins, Shape{});
  for (std::size_t k = 0; k < origins.size(); ++k) {
    const auto one = predict(&best_model(), grid, origins[k], Shape{});
    EXPECT_EQ(many[k][0].made_at, one[0].made_at);
    // The records that judge members begin with the first origin asked for, so not to the last bit.
    EXPECT_NEAR(many[k][0].median(), one[0].median(), 0.02 * one[0].median());
  }
}

TEST(Predict, FallsBackWhileColdAndSaysSo) {
  const auto grid = rhythm(1, 3, 11);
  const auto at = [&](std::size_t origin) {
    return predict(&best_model(), grid, origin, Shape{}).front();
  };
  EXPECT_EQ(at(0).source, Source::none);
  EXPECT_THAT(at(0).note, HasSubstr("nothing observed yet"));
  EXPECT_EQ(at(0).median(), 0);
  EXPECT_EQ(at(41).source, Source::last_value);
  EXPECT_EQ(at(41).note, "41 of 96 windows of history: last value");
  double last = 0;
  for (std::size_t i = 37; i < 41; ++i) last += grid.stats[0][i].requests;
  EXPECT_DOUBLE_EQ(at(41).median(), last);
  EXPECT_EQ(at(96).source, Source::lstm);
  EXPECT_EQ(at(96).note, "");
}

TEST(Predict, FallsBackToTheSameHoursWhereTheHistoryHasGaps) {
  auto grid = rhythm(1, 6, 12);
  for (std::size_t i = 340; i < 434; ++i) grid.stats[0][i] = {.requests = 0, .observed = false};
  const auto forecast = predict(&best_model(), grid, 440, Shape{}).front();
  EXPECT_EQ(forecast.source, Source::seasonal);
  EXPECT_THAT(forecast.note, HasSubstr("6 of 96 windows of history"));
}

/// What a hole in the last day costs: next to nothing, where the mean of the same hours, which
/// knows no level, is far off.
TEST(Predict, AHoleInTheHistoryCostsLittle) {
  auto grid = rhythm(1, 12, 14);
  for (std::size_t i = 96 * 9; i < grid.size(); ++i) grid.stats[0][i].requests *= 3;
  auto holed = grid;
  for (std::size_t i = 96 * 10; i < 96 * 10 + 24; ++i) {
    holed.stats[0][i] = {.requests = 0, .observed = false};
  }
  double whole = 0, gapped = 0;
  for (std::size_t t = 96 * 10 + 24; t < 96 * 11 + 20; t += 4) {
    double truth = 0;
    for (std::size_t i = 0; i < 4; ++i) truth += grid.stats[0][t + i].requests;
    const auto forecast = predict(&best_model(), holed, t, Shape{}).front();
    EXPECT_EQ(forecast.source, Source::lstm) << t << ": " << forecast.note;
    gapped += std::fabs(forecast.median() - truth);
    whole += std::fabs(predict(&best_model(), grid, t, Shape{}).front().median() - truth);
  }
  EXPECT_LT(gapped, 1.3 * whole);
}

TEST(Train, LearnsToForecastHalfADayAndAWholeOne) {
  const auto grid = rhythm(1, 20, 21);
  for (const int hours : {12, 24}) {
    TrainOptions options = quick(Preset::best);
    options.shape.horizon = std::chrono::hours{hours};
    options.shape.history = std::chrono::hours{48};
    options.epochs = 1;
    const auto model = train(grid, options, {});
    ASSERT_TRUE(model) << model.error().message;
    const std::size_t origin = grid.size() - options.shape.horizon_steps();
    const auto forecast = predict(model->get(), grid, origin, options.shape).front();
    EXPECT_EQ(forecast.source, Source::lstm) << forecast.note;
    const Series series(grid.stats[0], Spans::of(options.shape));
    EXPECT_NEAR(forecast.median() / series.horizon_sum(origin), 1, 0.15) << hours << " h";
    for (const double q : forecast.quantiles) EXPECT_TRUE(std::isfinite(q));
  }
}

TEST(Predict, FallsBackWhereTheModelsForecastIsNotANumber) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  const auto grid = rhythm(2, 14, 22);
  for (const ForecastModel* sound : {&best_model(), &baseline_model()}) {
    ForecastModel broken = *sound;
    std::fill(broken.network.weights.begin(), broken.network.weights.end(), kNan);
    for (const std::size_t origin : {100U, 1200U}) {
      for (const auto& forecast : predict(&broken, grid, origin, Shape{})) {
        EXPECT_EQ(forecast.source, Source::seasonal);
        EXPECT_EQ(forecast.note, "the model's forecast is not a number: mean of the same hours");
        EXPECT_GT(forecast.median(), 1);
        for (const double q : forecast.quantiles) EXPECT_TRUE(std::isfinite(q));
      }
    }
  }
}

TEST(Predict, SaysWhyAModelDoesNotFit) {
  const auto grid = rhythm(3, 4, 13);
  EXPECT_THAT(predict(nullptr, grid, 300, Shape{})[0].note, HasSubstr("no model"));
  Shape other;
  other.history = std::chrono::hours{12};
  EXPECT_THAT(predict(&best_model(), grid, 300, other)[0].note,
              HasSubstr("the model's windows are 15m, history 24h"));
  const auto baseline = predict(&baseline_model(), grid, 300, Shape{});
  // Whether the model is then published is the guard's business.
  ASSERT_FALSE(baseline[1].recent_errors.empty());
  EXPECT_EQ(baseline[1].recent_errors.front().first, Source::lstm);
  EXPECT_THAT(baseline[2].note, HasSubstr("endpoint unknown to the model"));
  // Any endpoint.
  const auto unknown = predict(&best_model(), grid, 300, Shape{})[2];
  ASSERT_FALSE(unknown.recent_errors.empty());
  EXPECT_EQ(unknown.recent_errors.front().first, Source::lstm);
}

struct Judged {
  double mae = 0, naive_mae = 0, covered_90 = 0, covered_80 = 0;
};

Judged judge(const ForecastModel& model, const traffic::WindowGrid& grid, std::size_t from) {
  std::vector<std::size_t> origins;
  for (std::size_t t = from; t + 4 <= grid.size(); t += 2) origins.push_back(t);
  Judged judged;
  const auto many = predict_many(&model, grid, origins, Shape{});
  for (std::size_t k = 0; k < origins.size(); ++k) {
    double truth = 0;
    for (std::size_t i = 0; i < 4; ++i) truth += grid.stats[0][origins[k] + i].requests;
    const auto& q = many[k][0].quantiles;
    EXPECT_TRUE(std::is_sorted(q.begin(), q.end()));
    judged.mae += std::fabs(q[kMedian] - truth);
    judged.naive_mae += std::fabs(many[k][0].naive - truth);
    judged.covered_90 += q[0] <= truth && truth <= q[4] ? 1 : 0;
    judged.covered_80 += q[1] <= truth && truth <= q[3] ? 1 : 0;
  }
  const auto n = static_cast<double>(origins.size());
  return {judged.mae / n, judged.naive_mae / n, judged.covered_90 / n, judged.covered_80 / n};
}

TEST(Predict, BeatsTheNaiveRulesAndKnowsItsUncertainty) {
  // Other noise than it was trained on.
  const auto judged = judge(best_model(), rhythm(2, 28, 99), 14 * 96);
  // The mean of the same hours is nearly all there is to know of such a rhythm.
  EXPECT_LT(judged.mae, judged.naive_mae);
  // Poisson counts around 400 an hour: who knows their means errs by 16.
  EXPECT_LT(judged.mae, 20);
  EXPECT_NEAR(judged.covered_90, 0.90, 0.05);
  EXPECT_NEAR(judged.covered_80, 0.80, 0.06);
}

TEST(Predict, FollowsALevelShiftAndACollapse) {
  for (const double factor : {6.0, 0.05}) {
    auto grid = rhythm(1, 12, 14);
    for (std::size_t i = 96 * 10; i < grid.size(); ++i) {
      grid.stats[0][i].requests = std::round(grid.stats[0][i].requests * factor);
    }
    double error = 0, sum = 0;
    for (std::size_t t = 96 * 10 + 8; t + 4 <= grid.size(); t += 8) {
      double truth = 0;
      for (std::size_t i = 0; i < 4; ++i) truth += grid.stats[0][t + i].requests;
      const auto forecast = predict(&best_model(), grid, t, Shape{}).front();
      error += std::fabs(forecast.median() - truth);
      sum += truth;
    }
    // Two hours on; yesterday's level would err by 0.83 of the jump's sum and 19 of the collapse's.
    EXPECT_LT(error, (factor > 1 ? 0.2 : 0.7) * sum) << "level times " << factor;
  }
}

TEST(Predict, SpikeIsMedianOverUsual) {
  auto grid = rhythm(1, 12, 15);
  const auto before = predict(&best_model(), grid, 96 * 11, Shape{}).front();
  ASSERT_TRUE(before.usual && before.spike());
  EXPECT_NEAR(*before.spike(), 1.0, 0.15);
  EXPECT_DOUBLE_EQ(*before.spike(), before.median() / *before.usual);
  for (std::size_t i = 96 * 11 - 6; i < 96 * 11; ++i) grid.stats[0][i].requests *= 3;
  EXPECT_GT(*predict(&best_model(), grid, 96 * 11, Shape{}).front().spike(), 1.8);
}

}  // namespace
}  // namespace tidelimit::forecast
