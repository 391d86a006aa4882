#include "forecast/mix.hpp"

#include <gmock/gmock.h>
#include <numeric>

#include "forecast/memory.hpp"
#include "forecast/synthetic.hpp"

namespace tidelimit::forecast {
namespace {

/// `rows` rows of three members whose forecasts miss a truth of 1 by these.
Record record_of(std::size_t rows, std::array<double, 3> misses) {
  Record record{3, {}, {}};
  for (std::size_t row = 0; row < rows; ++row) {
    for (const double miss : misses) record.forecasts.push_back(1 + (row % 2 == 0 ? miss : -miss));
    record.truths.push_back(1);
  }
  return record;
}

const std::vector<double> kPrior{0.1, 0.6, 0.3};

TEST(MixWeights, JoinMembersWhoseErrorsCancel) {
  EXPECT_EQ(mix_weights(record_of(0, {}), kPrior), kPrior);
  const auto weights = mix_weights(record_of(200, {0.3, -0.3, 0.3}), {{0.05, 0.9, 0.05}});
  EXPECT_NEAR(weights[1], 0.5, 0.06);  // steps of a finite length
  EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1.0, 1e-12);
}

TEST(MixWeights, MoveTowardsWhoWasRight) {
  const auto weights = mix_weights(record_of(1, {0.1, 0.0, 0.1}), kPrior);
  EXPECT_GT(weights[1], kPrior[1]);
}

TEST(RecentWeights, AreThePriorsWhereNothingSpeaksAgainstIt) {
  EXPECT_EQ(recent_weights(record_of(0, {}), kPrior), kPrior);
  const auto weights = recent_weights(record_of(36, {0.2, 0.2, 0.2}), kPrior);
  for (std::size_t m = 0; m < 3; ++m) EXPECT_NEAR(weights[m], kPrior[m], 1e-12);
}

TEST(RecentWeights, LeanTowardsWhoWasCloser) {
  const auto weights = recent_weights(record_of(36, {0.10, 0.12, 0.12}), kPrior);
  EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0), 1, 1e-12);
  EXPECT_GT(weights[0], 2 * kPrior[0] * 0.8);
  EXPECT_LT(weights[0], 0.5);  // a fifth closer is no proof
  EXPECT_NEAR(weights[1] / weights[2], 2, 1e-9);
}

TEST(RecentWeights, ChangeWithinTwoRowsWhereALevelShifts) {
  Record record = record_of(34, {0.3, 0.1, 0.1});
  const auto before = recent_weights(record, kPrior);
  EXPECT_LT(before[0], 0.02);
  for (int row = 0; row < 2; ++row) {  // the level is four times what two of them know
    for (const double f : {0.9, 0.25, 0.25}) record.forecasts.push_back(f);
    record.truths.push_back(1);
  }
  EXPECT_GT(recent_weights(record, kPrior)[0], 0.5);
}

TEST(ChangeMember, KnowsNoLevel) {
  TrainOptions options;
  options.epochs = 1;
  const auto model = *train(rhythm(2, 14, 1), options, {});
  for (const double factor : {4.0, 0.1}) {
    auto grid = rhythm(1, 12, 14);
    for (std::size_t i = 96 * 10; i < grid.size(); ++i) grid.stats[0][i].requests *= factor;
    const Series series(grid.stats[0], Spans::of(Shape{}));
    std::vector<std::size_t> origins;  // from two hours after the shift to the end of that day
    for (std::size_t t = 96 * 10 + 8; t < 96 * 11; ++t) origins.push_back(t);
    EndpointMemory memory;
    (void)best_points(*model, grid, 0, series, origins, memory);
    const auto error = [&](std::size_t member) {
      double sum = 0;
      for (const std::size_t t : origins)
        sum += std::fabs(memory.members.at(t)[member] - series.horizon_sum(t));
      return sum;
    };
    EXPECT_LT(error(linear_member(Space::change)), 0.7 * error(linear_member(Space::log)))
        << factor;
    double came = 0;
    for (const std::size_t t : origins) came += series.horizon_sum(t);
    EXPECT_LT(error(linear_member(Space::change)), 0.1 * came) << factor;
  }
}

}  // namespace
}  // namespace tidelimit::forecast
