// Intervals cover what they promise, and again so soon after traffic has changed.

#include "forecast/intervals.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "forecast/forecaster.hpp"
#include "forecast/model.hpp"
#include "forecast/synthetic.hpp"

namespace tidelimit::forecast {
namespace {

constexpr std::size_t kHorizon = 4;
constexpr std::size_t kDay = 96;
const Spans kSpans = Spans::of(Shape{});
constexpr std::array kPrior{-1.0, -0.5, 0.0, 0.5, 1.0};

struct Coverage {
  double of_80 = 0, of_90 = 0, above_95 = 0;
};

/// Residuals of mean `shift` and deviation `spread` from day 40 on, standard normal before; what
/// the intervals cover from `from` on, `days` long, over ten of chance's seeds.
Coverage coverage(double shift, double spread, std::size_t from, std::size_t days) {
  Coverage covered;
  double n = 0;
  for (std::uint64_t seed = 8; seed < 18; ++seed) {
    Intervals intervals(kSpans, kPrior);
    Random random(seed);
    for (std::size_t t = 0; t < from + days * kDay; t += kHorizon) {
      const double normal = random.normal();
      const double residual = t >= 40 * kDay ? shift + spread * normal : normal;
      if (t >= from) {
        const auto q = intervals.at(t);
        EXPECT_TRUE(std::is_sorted(q.begin(), q.end()));
        covered.of_80 += q[1] <= residual && residual <= q[3] ? 1 : 0;
        covered.of_90 += q[0] <= residual && residual <= q[4] ? 1 : 0;
        covered.above_95 += residual > q[4] ? 1 : 0;
        ++n;
      }
      intervals.add(t, residual);
    }
  }
  return {covered.of_80 / n, covered.of_90 / n, covered.above_95 / n};
}

TEST(Intervals, CoverWhatTheyPromise) {
  const auto quiet = coverage(0, 1, 10 * kDay, 30);
  EXPECT_NEAR(quiet.of_80, 0.80, 0.02);
  EXPECT_NEAR(quiet.of_90, 0.90, 0.02);
}

TEST(Intervals, CoverWhatTheyPromiseWhenLittleIsKnown) {
  // A day after training, whose own last part left forty residuals.
  constexpr int kTrials = 4000;
  Random random(5);
  double of_80 = 0, of_90 = 0;
  for (int trial = 0; trial < kTrials; ++trial) {
    std::array<double, 40> prior{};
    for (double& residual : prior) residual = random.normal();
    Intervals intervals(kSpans, prior);
    for (std::size_t t = 0; t < kDay; t += kHorizon) intervals.add(t, random.normal());
    const auto q = intervals.at(kDay);
    const double next = random.normal();
    of_80 += q[1] <= next && next <= q[3] ? 1 : 0;
    of_90 += q[0] <= next && next <= q[4] ? 1 : 0;
  }
  EXPECT_NEAR(of_80 / kTrials, 0.80, 0.015);
  EXPECT_NEAR(of_90 / kTrials, 0.90, 0.015);
}

TEST(Intervals, CoverAgainADayAfterErrorsHaveGrown) {
  // Errors three times as wide: the quantiles of before would cover 0.42 of them.
  const auto wild = coverage(0, 3, 41 * kDay, 4);
  EXPECT_NEAR(wild.of_80, 0.80, 0.05);
  EXPECT_NEAR(wild.of_90, 0.90, 0.05);
}

TEST(Intervals, CoverAgainADayAfterALevelShift) {
  // All forecasts three deviations too low: nearly all residuals are above the quantile of before.
  const auto shifted = coverage(3, 1, 41 * kDay, 4);
  EXPECT_LT(shifted.above_95, 0.10);
  EXPECT_NEAR(shifted.of_90, 0.90, 0.05);
}

TEST(Intervals, NarrowAgainWhenErrorsHaveShrunk) {
  const auto calm = coverage(0, 0.3, 47 * kDay, 7);
  EXPECT_NEAR(calm.of_80, 0.80, 0.05);
}

TEST(Intervals, AreTheSameWhenEarlierOnesAreNotAskedFor) {
  Intervals all(kSpans, kPrior);
  Intervals late(kSpans, kPrior, 40 * kDay);
  Random random(3);
  for (std::size_t t = 0; t < 42 * kDay; t += kHorizon) {
    const double residual = random.normal();
    if (t >= 40 * kDay) {
      EXPECT_EQ(all.at(t), late.at(t));
    }
    all.add(t, residual);
    late.add(t, residual);
  }
}

TEST(Intervals, KnowOnlyWhatHasComeTrue) {
  Intervals one(kSpans, kPrior);
  Intervals other(kSpans, kPrior);
  Random random(1);
  for (std::size_t t = 0; t < 10 * kDay; t += kHorizon) {
    const double residual = random.normal();
    one.add(t, residual);
    other.add(t, t + kHorizon > 8 * kDay ? 100 : residual);
  }
  EXPECT_EQ(one.at(8 * kDay), other.at(8 * kDay));
  EXPECT_NE(one.at(8 * kDay + kHorizon), other.at(8 * kDay + kHorizon));
}

TEST(Intervals, AnExactForecastIsNeverMissed) {
  Intervals intervals(kSpans, kPrior);
  for (std::size_t t = 0; t < 30 * kDay; t += kHorizon) intervals.add(t, 0);
  const auto q = intervals.at(30 * kDay);
  EXPECT_EQ(q[1], 0);
  EXPECT_EQ(q[3], 0);
}

/// The greatest quantile of 0.95 that is published of an endpoint on the three days after its
/// birth, over the most that came to it in an hour.
double widest_after_birth(double requests_a_window) {
  constexpr std::size_t kBorn = 3 * kDay;
  traffic::WindowGrid grid = rhythm(1, 6, 3);
  auto& stats = grid.stats[0];
  Random random(4);
  double most = 0;
  for (std::size_t i = 0; i < stats.size(); ++i) {
    const double came = i < kBorn ? 0.0 : static_cast<double>(random.poisson(requests_a_window));
    stats[i] = {};
    stats[i].requests = stats[i].responses = came;
    most = std::max(most, came * kHorizon);
  }
  std::vector<std::size_t> origins;
  for (std::size_t t = kBorn + kHorizon; t < stats.size(); t += kHorizon) origins.push_back(t);
  double widest = 0;
  for (const auto& forecasts : predict_many(nullptr, grid, origins, Shape{}))
    widest = std::max(widest, forecasts[0].quantiles[4]);
  return widest / most;
}

TEST(Intervals, StayInSightOfWhatCameAfterAnEndpointsBirth) {
  EXPECT_LT(widest_after_birth(0.2), 10);
  EXPECT_LT(widest_after_birth(50), 10);
}

}  // namespace
}  // namespace tidelimit::forecast
