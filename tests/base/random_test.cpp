#include "base/random.hpp"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>

namespace tidelimit {
namespace {

struct Moments {
  double mean;
  double variance;
};
Moments moments(const std::function<double()>& draw) {
  constexpr int kDraws = 200'000;
  double sum = 0;
  double squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = draw();
    sum += x;
    squares += x * x;
  }
  const double mean = sum / kDraws;
  return {mean, squares / kDraws - mean * mean};
}

// splitmix64(0) begins e220a8397b1dcdaf, 6e789e6aa1b965f4, 06c45d188009454f, f88bb8a8724c81ec
// (its authors' test values); the first output of xoshiro256++ on these is
// rotl(s0 + s3, 23) + s0.
TEST(Random, IsXoshiroSeededBySplitmix) {
  constexpr std::uint64_t s0 = 0xe220a8397b1dcdafULL;
  constexpr std::uint64_t s3 = 0xf88bb8a8724c81ecULL;
  constexpr std::uint64_t sum = s0 + s3;
  EXPECT_EQ(Random(0).next(), (sum << 23 | sum >> 41) + s0);
}

TEST(Random, RepeatsItselfByItsSeed) {
  Random a(42);
  Random b(42);
  Random c(43);
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto x = a.next();
    ASSERT_EQ(x, b.next());
    equal += x == c.next();
  }
  EXPECT_EQ(equal, 0);
  const Random parent(42);
  EXPECT_EQ(parent.fork(1).fork(2).next(), parent.fork(1).fork(2).next());
  EXPECT_NE(parent.fork(1).next(), parent.fork(2).next());
}

TEST(Random, StaysBelowAndReachesEverything) {
  Random random(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 70'000; ++i) ++seen[random.below(7)];
  for (const int count : seen) EXPECT_NEAR(count, 10'000, 500);
  EXPECT_EQ(random.below(1), 0U);
}

TEST(Random, HasTheMomentsOfItsLaws) {
  Random random(2);
  const auto uniform = moments([&] { return random.uniform(); });
  EXPECT_NEAR(uniform.mean, 0.5, 0.005);
  EXPECT_NEAR(uniform.variance, 1.0 / 12, 0.002);
  const auto normal = moments([&] { return random.normal(); });
  EXPECT_NEAR(normal.mean, 0, 0.015);
  EXPECT_NEAR(normal.variance, 1, 0.02);
  const auto exponential = moments([&] { return random.exponential(); });
  EXPECT_NEAR(exponential.mean, 1, 0.015);
  EXPECT_NEAR(exponential.variance, 1, 0.04);
  for (const double mean : {0.3, 4.0, 9.9, 10.1, 300.0}) {
    const auto poisson = moments([&] { return static_cast<double>(random.poisson(mean)); });
    EXPECT_NEAR(poisson.mean, mean, 6 * std::sqrt(mean / 200'000)) << mean;
    EXPECT_NEAR(poisson.variance / mean, 1, 0.03) << mean;
  }
  EXPECT_EQ(random.poisson(0), 0U);
}

}  // namespace
}  // namespace tidelimit
