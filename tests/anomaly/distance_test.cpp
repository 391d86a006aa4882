#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

#include "anomaly/distance_curve.hpp"
#include "anomaly/ellipsoid.hpp"
#include "anomaly/path_length.hpp"

namespace tidelimit::anomaly {
namespace {

std::vector<float> correlated(std::size_t rows, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values;
  for (std::size_t i = 0; i < rows; ++i) {
    const double x = random.normal();
    values.push_back(static_cast<float>(100 + 10 * x));
    values.push_back(static_cast<float>(-5 + x + 0.3 * random.normal()));
    values.push_back(static_cast<float>(random.normal()));
  }
  return values;
}

TEST(Ellipsoid, DistancesHaveTheMeanOfAChiSquare) {
  const std::vector<float> values = correlated(4000, 1);
  const MatrixView rows{values, 3};
  const Ellipsoid ellipsoid = Ellipsoid::fit(rows);
  double sum = 0;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    sum += static_cast<double>(ellipsoid.distance(rows.row(i)));
  }
  // 3 for the true covariance; that of the nearest three quarters is narrower, a shrunk
  // correlation wider.
  EXPECT_GT(sum / 4000, 3);
  EXPECT_LT(sum / 4000, 6);
}

TEST(Ellipsoid, OutliersDoNotShapeIt) {
  std::vector<float> values = correlated(400, 2);
  const Ellipsoid clean = Ellipsoid::fit({values, 3});
  for (int i = 0; i < 60; ++i) values.insert(values.end(), {170.0F, -25.0F, 9.0F});
  const Ellipsoid soiled = Ellipsoid::fit({values, 3});
  EXPECT_NEAR(soiled.centre()[0], clean.centre()[0], 2);
  const float outlier[] = {170, -25, 9};
  const float ordinary[] = {110, -4, 1};
  EXPECT_GT(soiled.distance(outlier), 20 * soiled.distance(ordinary));
}

TEST(Ellipsoid, PartsAddUpToTheDistance) {
  const std::vector<float> values = correlated(500, 3);
  const Ellipsoid ellipsoid = Ellipsoid::fit({values, 3});
  for (std::size_t i = 0; i < 100; ++i) {
    const float* row = values.data() + 3 * i;
    const std::vector<double> parts = ellipsoid.parts(row);
    const double sum = std::accumulate(parts.begin(), parts.end(), 0.0);
    ASSERT_NEAR(sum, static_cast<double>(ellipsoid.distance(row)), 1e-5 * (1 + sum));
  }
}

TEST(Ellipsoid, ConstantColumnsAndRowsThatAreAllEqualCountNothing) {
  const std::vector<float> values(40, 7.0F);
  const Ellipsoid ellipsoid = Ellipsoid::fit({values, 2});
  const float elsewhere[] = {9, -3};
  EXPECT_EQ(ellipsoid.distance(elsewhere), 0);
}

TEST(Ellipsoid, TheFarthestIsFinite) {
  const std::vector<float> values = correlated(100, 4);
  const float far[] = {3e38F, -3e38F, 3e38F};
  EXPECT_FLOAT_EQ(Ellipsoid::fit({values, 3}).distance(far), 1e30F);
}

TEST(TiedShares, TellContinuousColumnsFromThoseThatHardlyChange) {
  std::vector<float> values;
  for (int i = 0; i < 128; ++i) {
    values.push_back(static_cast<float>(i));
    values.push_back(i % 16 == 0 ? 1.0F : 0.0F);
  }
  const std::vector<double> shares = tied_shares({values, 2});
  EXPECT_EQ(shares[0], 0);
  EXPECT_NEAR(shares[1], 15.0 / 16, 0.01);
}

std::vector<float> distances(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(static_cast<float>(2 * random.exponential()));
  }
  return out;
}

TEST(DistanceCurve, TheFartherTheShorter) {
  const DistanceCurve curve = DistanceCurve::fit(distances(512, 1), 50, 256, Random(3));
  ASSERT_EQ(curve.lengths().size(), curve.knots().size() + 1);
  EXPECT_TRUE(std::is_sorted(curve.knots().begin(), curve.knots().end()));
  EXPECT_GT(curve.at(0.5F), curve.at(8));
  EXPECT_GT(curve.at(8), curve.at(12));
  EXPECT_EQ(curve.at(1e30F), curve.lengths().back());
  EXPECT_EQ(curve.at(-1), curve.lengths().front());
  EXPECT_EQ(curve.at(std::nanf("")), curve.lengths().back());
}

TEST(DistanceCurve, LooksUpWhatASearchWould) {
  const DistanceCurve curve = DistanceCurve::fit(distances(300, 2), 20, 128, Random(4));
  const auto& knots = curve.knots();
  std::vector<float> asked = distances(500, 9);
  asked.insert(asked.end(), knots.begin(), knots.end());
  for (const float d : asked) {
    const auto slow = std::upper_bound(knots.begin(), knots.end(), d) - knots.begin();
    ASSERT_EQ(curve.at(d), curve.lengths()[static_cast<std::size_t>(slow)]);
  }
}

TEST(DistanceCurve, OneTreeHoldsItsRowsAsATreeDoes) {
  // Every row drawn: the mean of 2^-depth over the leaves of a binary tree is 1 (Kraft), so no
  // row's path can be shorter than 1 nor longer than the height and what a leaf's size adds.
  const std::vector<float> all = distances(200, 5);
  const DistanceCurve curve = DistanceCurve::fit(all, 1, 200, Random(6));
  double kraft = 0;
  for (const float length : curve.lengths()) {
    ASSERT_GE(length, 1);
    ASSERT_LE(static_cast<double>(length), 8 + mean_path_length(200));
    kraft += length <= 8 ? std::exp2(-static_cast<double>(length)) : 0;
  }
  EXPECT_LE(kraft, 1 + 1e-6);
}

TEST(DistanceCurve, EqualDistancesAreOneStep) {
  const DistanceCurve curve = DistanceCurve::fit(std::vector<float>(100, 2.5F), 10, 64, Random(1));
  ASSERT_EQ(curve.lengths().size(), 1u);
  EXPECT_FLOAT_EQ(curve.at(2.5F), static_cast<float>(mean_path_length(64)));
}

}  // namespace
}  // namespace tidelimit::anomaly
