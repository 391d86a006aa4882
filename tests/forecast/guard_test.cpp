// A model that is worse than simple rules does not speak; one that is well does.

#include "forecast/guard.hpp"

#include <gmock/gmock.h>

#include "forecast/members.hpp"
#include "forecast/memory.hpp"
#include "forecast/model.hpp"
#include "forecast/synthetic.hpp"

namespace tidelimit::forecast {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kDay = 96;

/// Two weeks of a rhythm, and the choices of a guard over a model whose forecasts are the truth
/// times what `factor` says of their origin.
class Guarded : public testing::Test {
 protected:
  template <class Factor>
  Guard guard(Factor&& factor) {
    Guard guard(series_.spans());
    for (const std::size_t t : origins_) guard.add(series_, t, series_.horizon_sum(t) * factor(t));
    return guard;
  }
  const traffic::WindowGrid grid_ = rhythm(1, 14, 3);
  const Series series_{grid_.stats[0], Spans::of(Shape{})};
  const std::vector<std::size_t> origins_ = judged_origins(series_, kDay, grid_.size());
};

TEST_F(Guarded, LeavesAGoodModelAlone) {
  const Guard good = guard([](std::size_t) { return 1.02; });
  for (std::size_t t = 0; t <= grid_.size(); ++t) ASSERT_EQ(good.at(t).source, Source::lstm) << t;
  const auto choice = good.at(grid_.size());
  EXPECT_TRUE(choice.judged);
  for (std::size_t c = 1; c < kContenders.size(); ++c)
    EXPECT_LT(choice.errors[0], choice.errors[c]);
  EXPECT_FALSE(good.at(kDay).judged);  // nothing has come true
}

TEST_F(Guarded, ABrokenModelIsReplacedWithinADayAndComesBackWhenItIsWell) {
  constexpr std::size_t kBroken = 8 * kDay;
  constexpr std::size_t kWell = 10 * kDay;
  for (const double wrong : {10.0, 0.1}) {
    const Guard guard_of_it =
        guard([&](std::size_t t) { return t >= kBroken && t < kWell ? wrong : 1.02; });
    EXPECT_EQ(guard_of_it.at(kBroken).source, Source::lstm);
    const auto broken = guard_of_it.at(kBroken + kDay);
    EXPECT_EQ(broken.source, Source::typical);  // days are alike: many tell more than one
    EXPECT_GT(broken.errors[0], 3 * broken.errors[2]);
    EXPECT_EQ(guard_of_it.at(kWell + 3 * kDay).source, Source::lstm);
    // One change there and one back.
    std::size_t changes = 0;
    for (std::size_t t = 1; t <= grid_.size(); ++t) {
      const bool before = guard_of_it.at(t - 1).source == Source::lstm;
      changes += before != (guard_of_it.at(t).source == Source::lstm);
    }
    EXPECT_EQ(changes, 2U);
  }
}

TEST_F(Guarded, TheFutureChangesNoChoice) {
  const std::size_t now = 9 * kDay;
  const Guard one = guard([](std::size_t t) { return t >= 7 * kDay ? 1.3 : 1.0; });
  const Guard other = guard([&](std::size_t t) {
    return t + 4 > now ? 50.0 : t >= 7 * kDay ? 1.3 : 1.0;
  });
  EXPECT_EQ(one.at(now).source, other.at(now).source);
  EXPECT_EQ(one.at(now).errors, other.at(now).errors);
  EXPECT_NE(one.at(now + 4).errors, other.at(now + 4).errors);
}

TEST_F(Guarded, IsTheSameWhenEarlierOnesAreNotAskedFor) {
  Guard all(series_.spans());
  Guard late(series_.spans(), 12 * kDay);
  for (const std::size_t t : origins_) {
    const double point = series_.horizon_sum(t) * (t > 6 * kDay && t < 12 * kDay ? 3.0 : 1.02);
    all.add(series_, t, point);
    late.add(series_, t, point);
  }
  for (std::size_t t = 12 * kDay; t <= grid_.size(); ++t) {
    ASSERT_EQ(all.at(t).source, late.at(t).source) << t;
    ASSERT_EQ(all.at(t).errors, late.at(t).errors) << t;
  }
}

/// Four weeks in which every seventh hour or so has some requests, and the others none.
traffic::WindowGrid rare_clumps(std::uint64_t seed) {
  traffic::WindowGrid grid = rhythm(1, 28, seed);
  Random random(seed);
  for (auto& window : grid.stats[0]) {
    window = {};
    if (random.uniform() < 0.04) window.requests = 1 + std::floor(20 * random.exponential());
  }
  return grid;
}

TEST(PredictGuarded, RareClumpsAreNotCopied) {
  double error = 0;
  double nothing = 0;  // what is missed by who always says 0
  for (const std::uint64_t seed : {1, 2, 3}) {
    const auto grid = rare_clumps(seed);
    const auto known = first_windows(grid, 22 * kDay);
    TrainOptions options;
    options.epochs = 4;
    const auto model = train(known, options, {});
    ASSERT_TRUE(model);
    const Series series(grid.stats[0], Spans::of(Shape{}));
    const auto origins = judged_origins(series, known.size(), grid.size());
    const auto forecasts = predict_many(model->get(), grid, origins, Shape{});
    for (std::size_t k = 0; k < origins.size(); ++k) {
      const double came = series.horizon_sum(origins[k]);
      error += std::fabs(forecasts[k][0].median() - came);
      nothing += came;
    }
  }
  EXPECT_LT(error, 1.1 * nothing);
}

/// A model that says the same always.
std::shared_ptr<const ForecastModel> constant_model(const traffic::WindowGrid& grid) {
  TrainOptions options;
  options.preset = Preset::baseline;
  options.epochs = 1;
  auto parts = to_parts(**train(grid, options, {}));
  for (auto& tensor : parts.tensors) {
    if (tensor.name == "dense_weights") std::fill(tensor.values.begin(), tensor.values.end(), 0.0F);
  }
  return *from_parts(std::move(parts));
}

TEST(PredictGuarded, AConstantModelIsNotPublished) {
  const auto grid = rhythm(1, 10, 5);
  const auto model = constant_model(grid);
  const auto forecast = predict(model.get(), grid, grid.size(), Shape{}).front();
  EXPECT_TRUE(forecast.guarded());
  EXPECT_EQ(forecast.source, Source::typical);
  EXPECT_EQ(forecast.note,
            "the median of these hours of four weeks forecast better than the model lately");
  const Series series(grid.stats[0], Spans::of(Shape{}));
  EXPECT_EQ(forecast.median(), typical(series, grid.size()));
  ASSERT_EQ(forecast.recent_errors.size(), kContenders.size());
  EXPECT_EQ(forecast.recent_errors.front().first, Source::lstm);
  EXPECT_LT(forecast.quantiles.front(), forecast.median());
  EXPECT_GT(forecast.quantiles.back(), forecast.median());
}

TEST(PredictGuarded, WhatStandsInForAModelYieldsToWhoIsCloser) {
  auto grid = rhythm(1, 10, 5);
  const auto known = predict(nullptr, grid, grid.size(), Shape{}).front();
  EXPECT_EQ(known.source, Source::seasonal);
  EXPECT_EQ(known.note, "no model: mean of the same hours");
  // It was there for a week before anybody called it: the mean knows mostly zeros.
  for (std::size_t i = 0; i < 7 * kDay; ++i) grid.stats[0][i] = {.requests = 0};
  const auto young = predict(nullptr, grid, grid.size(), Shape{}).front();
  EXPECT_THAT(young.source, testing::AnyOf(Source::yesterday, Source::last_value));
  EXPECT_THAT(young.note, HasSubstr("mean of the same hours; "));
  EXPECT_NEAR(young.median(), known.median(), 0.3 * known.median());
  EXPECT_FALSE(young.guarded());  // there is no model to hold back
}

TEST(PredictGuarded, AGoodModelSpeaksAsSoonAsItIsThere) {
  const auto grid = rhythm(1, 12, 5);
  const auto broken = constant_model(grid);
  TrainOptions options;
  options.epochs = 4;
  const auto good = train(rhythm(1, 12, 6), options, {});
  ASSERT_TRUE(good);
  ForecastMemory memory;
  EXPECT_TRUE(predict_next(broken.get(), grid, Shape{}, memory).front().guarded());
  EXPECT_EQ(predict_next(good->get(), grid, Shape{}, memory).front().source, Source::lstm);
}

}  // namespace
}  // namespace tidelimit::forecast
