#include "anomaly/isolation_forest.hpp"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

#include "base/random.hpp"

namespace tidelimit::anomaly {
namespace {

std::vector<float> cloud(std::size_t rows, std::size_t columns, std::uint64_t seed) {
  Random random(seed);
  std::vector<float> values(rows * columns);
  for (float& value : values) {
    value = static_cast<float>(random.normal());
  }
  return values;
}

class BothSettings : public testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(IsolationForest, BothSettings,
                         testing::Values(Setting::plain, Setting::best));

/// The paper's PathLength (algorithm 3), over linked nodes.
double path_length(const std::vector<IsolationForest::Node>& nodes, const float* row) {
  std::size_t at = 0;
  std::size_t depth = 0;
  while (nodes[at].left >= 0) {
    const auto& node = nodes[at];
    const bool left = row[node.split.feature] < node.split.threshold;
    at = static_cast<std::size_t>(left ? node.left : node.right);
    ++depth;
  }
  return static_cast<double>(depth) + mean_path_length(nodes[at].size);
}

TEST(MeanPathLength, IsThePapersNormaliser) {
  EXPECT_EQ(mean_path_length(0), 0);
  EXPECT_EQ(mean_path_length(1), 0);
  EXPECT_EQ(mean_path_length(2), 1);
  EXPECT_NEAR(mean_path_length(256), 10.2448, 1e-4);
  // The exact mean over harmonic numbers, which the paper approximates by ln + Euler's constant.
  double harmonic = 0;
  for (int i = 1; i < 1000; ++i) {
    harmonic += 1.0 / i;
  }
  EXPECT_NEAR(mean_path_length(1000), 2 * harmonic - 2 * 999.0 / 1000.0, 2e-3);
}

TEST(IsolationForest, ScoresAsTheSlowWalkOverItsNodesDoes) {
  const std::vector<float> values = cloud(3000, 5, 7);
  const MatrixView rows{values, 5};
  const IsolationForest forest =
      IsolationForest::fit(rows, {.setting = Setting::plain, .trees = 50, .sample = 200});
  for (std::size_t i = 0; i < 200; ++i) {
    double sum = 0;
    for (std::size_t tree = 0; tree < forest.trees(); ++tree) {
      sum += path_length(forest.nodes(tree), rows.row(i));
    }
    const double expected = std::exp2(-sum / 50 / mean_path_length(200));
    ASSERT_NEAR(forest.score(rows.row(i)), expected, 1e-6);
  }
}

TEST(IsolationForest, TreesHoldTheirSampleAndNoMoreLevelsThanAllowed) {
  const std::vector<float> values = cloud(1000, 3, 1);
  const IsolationForest forest = IsolationForest::fit({values, 3}, {.trees = 40, .sample = 256});
  ASSERT_EQ(forest.trees(), 20u);
  ASSERT_EQ(forest.distance_trees()->count, 20u);
  for (std::size_t tree = 0; tree < 20; ++tree) {
    const auto nodes = forest.nodes(tree);
    ASSERT_EQ(nodes[0].size, 256u);
    std::size_t leaves = 0;
    std::vector<int> depth(nodes.size(), 0);
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].left < 0) {
        leaves += nodes[i].size;
        continue;
      }
      const auto left = static_cast<std::size_t>(nodes[i].left);
      const auto right = static_cast<std::size_t>(nodes[i].right);
      depth[left] = depth[right] = depth[i] + 1;
      ASSERT_LE(depth[left], 8);
      ASSERT_EQ(nodes[left].size + nodes[right].size, nodes[i].size);
    }
    ASSERT_EQ(leaves, 256u);
  }
}

TEST_P(BothSettings, TheFarPointScoresHighestAndTheMiddleIsUsual) {
  std::vector<float> values = cloud(2000, 4, 3);
  const MatrixView rows{values, 4};
  const IsolationForest forest = IsolationForest::fit(rows, {.setting = GetParam()});
  const float far[] = {9, -9, 9, 9};
  const float middle[] = {0, 0, 0, 0};
  EXPECT_GT(forest.score(far), 0.7);
  EXPECT_LT(forest.score(middle), 0.51);
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const double s = forest.score(rows.row(i));
    ASSERT_GT(s, 0);
    ASSERT_LT(s, 1);
    ASSERT_LE(s, forest.score(far));
  }
}

TEST_P(BothSettings, EqualSeedsGiveEqualForestsAndOtherSeedsOthers) {
  const std::vector<float> values = cloud(1000, 3, 1);
  const MatrixView rows{values, 3};
  const IsolationForest a = IsolationForest::fit(rows, {.setting = GetParam(), .seed = 5});
  const IsolationForest b = IsolationForest::fit(rows, {.setting = GetParam(), .seed = 5});
  const IsolationForest c = IsolationForest::fit(rows, {.setting = GetParam(), .seed = 6});
  EXPECT_EQ(a.score(rows.row(0)), b.score(rows.row(0)));
  EXPECT_NE(a.score(rows.row(0)), c.score(rows.row(0)));
}

TEST_P(BothSettings, BatchesEqualSingleRowsToTheLastBit) {
  const std::vector<float> values = cloud(1003, 7, 2);  // not a multiple of the block
  const MatrixView rows{values, 7};
  const IsolationForest forest = IsolationForest::fit(rows, {.setting = GetParam()});
  std::vector<double> scores(rows.rows());
  forest.score(rows, scores);
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    ASSERT_EQ(scores[i], forest.score(rows.row(i)));
  }
}

TEST_P(BothSettings, RowsThatAreAllEqualAreNeitherUsualNorOdd) {
  const std::vector<float> values(512 * 2, 3.5F);
  const IsolationForest forest = IsolationForest::fit({values, 2}, {.setting = GetParam()});
  EXPECT_NEAR(forest.score(values.data()), 0.5, 1e-6);
}

TEST(IsolationForest, NeighbouringFloatsCanStillBeParted) {
  std::vector<float> values;
  for (int i = 0; i < 300; ++i) {
    values.push_back(i % 2 == 0 ? 1.0F : std::nextafter(1.0F, 2.0F));
  }
  const IsolationForest forest = IsolationForest::fit({values, 1}, {.trees = 10});
  const auto nodes = forest.nodes(0);
  ASSERT_EQ(nodes.size(), 3u);
  EXPECT_GT(nodes[1].size, 0u);
  EXPECT_GT(nodes[2].size, 0u);
}

TEST_P(BothSettings, HugeAndMissingValuesStillEndInALeaf) {
  const std::vector<float> values = cloud(500, 2, 4);
  const IsolationForest forest = IsolationForest::fit({values, 2}, {.setting = GetParam()});
  for (const float x :
       {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
        std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::max()}) {
    const float row[] = {x, x};
    EXPECT_GT(forest.score(row), 0);
    EXPECT_LT(forest.score(row), 1);
  }
}

TEST_P(BothSettings, ShorteningsAddUpToTheScore) {
  const std::vector<float> values = cloud(2000, 4, 9);
  const MatrixView rows{values, 4};
  const IsolationForest forest = IsolationForest::fit(rows, {.setting = GetParam()});
  const double c = mean_path_length(256);
  for (std::size_t i = 0; i < 50; ++i) {
    const std::vector<double> by_feature = forest.shortening(rows.row(i));
    const double total = std::accumulate(by_feature.begin(), by_feature.end(), 0.0);
    ASSERT_NEAR(forest.score_of_path_length(c - total), forest.score(rows.row(i)), 1e-6);
  }
}

TEST_P(BothSettings, TheFeatureThatIsOddCarriesTheShortening) {
  const std::vector<float> values = cloud(2000, 4, 9);
  const IsolationForest forest = IsolationForest::fit({values, 4}, {.setting = GetParam()});
  const float row[] = {0, 0, 12, 0};
  const std::vector<double> by_feature = forest.shortening(row);
  for (const std::size_t other : {0u, 1u, 3u}) {
    EXPECT_GT(by_feature[2], 2 * std::abs(by_feature[other]));
  }
}

TEST(IsolationForest, SurvivesTheWayThroughItsNodes) {
  const std::vector<float> values = cloud(900, 3, 12);
  const MatrixView rows{values, 3};
  const IsolationForest forest = IsolationForest::fit(rows, {.trees = 30, .sample = 100});
  std::vector<std::vector<IsolationForest::Node>> trees;
  for (std::size_t tree = 0; tree < forest.trees(); ++tree) {
    trees.push_back(forest.nodes(tree));
  }
  const auto back = IsolationForest::from_nodes(trees, 3, 100, forest.distance_trees());
  ASSERT_TRUE(back.has_value()) << back.error().message;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    ASSERT_EQ(back->score(rows.row(i)), forest.score(rows.row(i)));
    ASSERT_EQ(back->shortening(rows.row(i)), forest.shortening(rows.row(i)));
  }
}

TEST(IsolationForest, RefusesTreesNoTrainingMakes) {
  const std::vector<float> values = cloud(300, 2, 1);
  const IsolationForest forest = IsolationForest::fit({values, 2}, {.trees = 4, .sample = 64});
  const std::vector<std::vector<IsolationForest::Node>> sound{forest.nodes(0), forest.nodes(1)};
  ASSERT_TRUE(IsolationForest::from_nodes(sound, 2, 64).has_value());

  const auto refused = [&](auto&& damage) {
    auto trees = sound;
    damage(trees[1]);
    return !IsolationForest::from_nodes(trees, 2, 64).has_value();
  };
  EXPECT_TRUE(refused([](auto& tree) { tree[0].left = 0; })) << "a loop";
  EXPECT_TRUE(refused([](auto& tree) { tree[0].right = 1'000'000; })) << "out of range";
  EXPECT_TRUE(refused([](auto& tree) { tree[0].split.feature = 2; }));
  EXPECT_TRUE(refused([](auto& tree) { tree[0].split.threshold = std::nanf(""); }));
  EXPECT_TRUE(refused([](auto& tree) { tree[1].size += 1; }));
  EXPECT_TRUE(refused([](auto& tree) { tree.clear(); }));
  EXPECT_FALSE(IsolationForest::from_nodes(sound, 2, 65).has_value()) << "another sample";
  EXPECT_FALSE(IsolationForest::from_nodes({}, 2, 64).has_value());

  const auto distance_refused = [&](auto&& damage) {
    DistanceTrees trees = *forest.distance_trees();
    damage(trees);
    return !IsolationForest::from_nodes(sound, 2, 64, trees).has_value();
  };
  EXPECT_FALSE(distance_refused([](auto&) {}));
  EXPECT_TRUE(distance_refused([](auto& trees) { trees.count = 0; }));
  EXPECT_TRUE(distance_refused([](auto& trees) { trees.ellipsoid = {{0.0}, {1.0}}; }));
  EXPECT_TRUE(distance_refused([](auto& trees) { trees.curve = {{1, 1}, {3, 4, 5}}; }));
  EXPECT_TRUE(distance_refused([](auto& trees) { trees.curve = {{1}, {3}}; }));
}

TEST(IsolationForest, SeesWhatIsOddOnlyInHowColumnsGoTogether) {
  Random random(5);
  std::vector<float> values;
  for (int i = 0; i < 3000; ++i) {
    const double x = random.normal();
    values.push_back(static_cast<float>(x));
    values.push_back(static_cast<float>(x + 0.1 * random.normal()));
  }
  const MatrixView rows{values, 2};
  const float against[] = {1.5F, -1.5F};  // each value by itself is ordinary
  const auto rank = [&](Setting setting) {
    const IsolationForest forest = IsolationForest::fit(rows, {.setting = setting});
    std::vector<double> scores(rows.rows());
    forest.score(rows, scores);
    return std::count_if(scores.begin(), scores.end(),
                         [&](double s) { return s >= forest.score(against); });
  };
  EXPECT_LT(rank(Setting::best), 60) << "of 3000";
  EXPECT_GT(rank(Setting::plain), 2 * rank(Setting::best));
}

TEST(IsolationForest, ASingleTreeOrColumnOrAFewRowsWillDo) {
  const std::vector<float> values = cloud(3, 1, 4);
  for (const std::size_t trees : {1u, 2u, 3u}) {
    const IsolationForest forest = IsolationForest::fit({values, 1}, {.trees = trees});
    for (const float x : values) {
      EXPECT_GT(forest.score(&x), 0);
      EXPECT_LT(forest.score(&x), 1);
    }
  }
}

}  // namespace
}  // namespace tidelimit::anomaly
