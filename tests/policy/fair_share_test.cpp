#include "policy/fair_share.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <numeric>

#include "base/random.hpp"

namespace tidelimit::policy::test {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

std::vector<double> shares(double capacity, const std::vector<Claim>& claims) {
  return max_min_shares(capacity, claims);
}

TEST(MaxMinShares, GivesAllThatIsAskedWhereThereIsEnough) {
  EXPECT_THAT(shares(100, {{30, 1, 0}, {70, 1, 0}}), ElementsAre(30, 70));
  EXPECT_THAT(shares(500, {{30, 1, 0}, {70, 8, 0}}), ElementsAre(30, 70));
  EXPECT_THAT(shares(10, {}), ElementsAre());
  EXPECT_THAT(shares(10, {{0, 1, 0}}), ElementsAre(0));
}

TEST(MaxMinShares, LeavesToTheOthersWhatOneDoesNotAsk) {
  EXPECT_THAT(shares(90, {{10, 1, 0}, {80, 1, 0}, {60, 1, 0}}), ElementsAre(10, 40, 40));
  EXPECT_THAT(shares(90, {{100, 2, 0}, {100, 1, 0}}), ElementsAre(DoubleEq(60), DoubleEq(30)));
}

TEST(MaxMinShares, ServesMinimumsFirst) {
  EXPECT_THAT(shares(100, {{90, 8, 0}, {90, 1, 30}}), ElementsAre(DoubleEq(70), DoubleEq(30)));
  EXPECT_THAT(shares(30, {{90, 8, 40}, {90, 1, 20}}), ElementsAre(DoubleEq(20), DoubleEq(10)))
      << "too little even for them: cut alike";
}

/// The definition: all is given away, nobody gets more than asked or less than the minimum, and
/// who gets less than asked and more than the minimum stands at the common level, which nobody
/// above the minimum exceeds.
TEST(MaxMinShares, HoldTheDefinitionOnClaimsOfChance) {
  Random random(7);
  for (int round = 0; round < 2000; ++round) {
    std::vector<Claim> claims;
    double demands = 0, minimums = 0;
    for (std::size_t i = 0; i < 1 + random.below(8); ++i) {
      Claim claim;
      claim.demand = random.below(4) == 0 ? 0.0 : 100 * random.uniform();
      claim.weight = 0.5 + 8 * random.uniform();
      claim.minimum = random.below(2) == 0 ? 0.0 : claim.demand * random.uniform() * 0.5;
      demands += claim.demand;
      minimums += claim.minimum;
      claims.push_back(claim);
    }
    const double capacity = minimums + (demands * 1.2 - minimums) * random.uniform();
    const auto given = shares(capacity, claims);
    EXPECT_NEAR(std::accumulate(given.begin(), given.end(), 0.0), std::min(capacity, demands),
                1e-9);
    double level = 0;
    for (std::size_t i = 0; i < claims.size(); ++i) {
      EXPECT_LE(given[i], claims[i].demand + 1e-9);
      EXPECT_GE(given[i], claims[i].minimum - 1e-9);
      if (given[i] > claims[i].minimum + 1e-9) level = std::max(level, given[i] / claims[i].weight);
    }
    for (std::size_t i = 0; i < claims.size(); ++i) {
      const bool cut = given[i] < claims[i].demand - 1e-9;
      EXPECT_TRUE(!cut || given[i] / claims[i].weight >= level - 1e-9) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace tidelimit::policy::test
