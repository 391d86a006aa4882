#include "anomaly/tail.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "base/random.hpp"

namespace tidelimit::anomaly {
namespace {

TEST(Quantile, InterpolatesBetweenOrderStatistics) {
  const std::vector<double> values{1, 2, 3, 5};
  EXPECT_DOUBLE_EQ(quantile(values, 0), 1);
  EXPECT_DOUBLE_EQ(quantile(values, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(quantile(values, 1), 5);
}

TEST(TailLevel, FindsTheRareLevelOfALawItKnowsNothingAbout) {
  Random random(3);
  std::vector<double> exponential;
  std::vector<double> uniform;
  for (int i = 0; i < 20'000; ++i) {
    exponential.push_back(random.exponential());
    uniform.push_back(random.uniform());
  }
  const TailLevel light(exponential);
  EXPECT_NEAR(light.shape(), 0, 0.12);
  // Exceeded once in 100,000 though only 20,000 were seen: ln(1e5) = 11.5.
  EXPECT_NEAR(light.exceeded_with(1e-5), std::log(1e5), 2.5);

  const TailLevel bounded(uniform);
  EXPECT_LT(bounded.shape(), -0.3);
  EXPECT_GT(bounded.exceeded_with(1e-5), 0.999);
  EXPECT_LT(bounded.exceeded_with(1e-5), 1.06);
}

TEST(TailLevel, KeepsItsPromiseOnFreshValues) {
  Random random(11);
  std::vector<double> seen;
  for (int i = 0; i < 20'000; ++i) {
    seen.push_back(std::exp(0.5 * random.normal()));
  }
  const double level = TailLevel(seen).exceeded_with(1e-4);
  int exceeded = 0;
  for (int i = 0; i < 500'000; ++i) {
    exceeded += std::exp(0.5 * random.normal()) > level ? 1 : 0;
  }
  EXPECT_LT(exceeded, 150) << "50 were promised";
  EXPECT_GT(exceeded, 5) << "a level out of reach keeps any promise";
}

TEST(TailLevel, FewOrEqualValuesFallBackToThePlainQuantile) {
  EXPECT_DOUBLE_EQ(TailLevel({1, 2, 3}).exceeded_with(1e-5), 3 - 1e-5 * 2);
  EXPECT_DOUBLE_EQ(TailLevel(std::vector<double>(1000, 4.0)).exceeded_with(1e-5), 4);
}

}  // namespace
}  // namespace tidelimit::anomaly
