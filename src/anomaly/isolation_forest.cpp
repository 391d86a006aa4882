#include "anomaly/isolation_forest.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "anomaly/tree_grower.hpp"
#include "base/random.hpp"

namespace tidelimit::anomaly {
namespace {

constexpr float kNoSplit = std::numeric_limits<float>::infinity();

// The best setting's.
constexpr double kGuided = 1.0 / 3;
constexpr std::size_t kPool = 512;  // rows that tell where the bulk lies and how columns are spread

/// So many rows at random, or all.
std::vector<float> draw_rows(MatrixView rows, std::size_t count, Random random) {
  count = std::min(count, rows.rows());
  std::vector<float> out;
  out.reserve(count * rows.columns);
  // Floyd's choice would need a set; a row in every stretch of equal length is as random for rows
  // in any order, and more even for rows in the order of time.
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t from = i * rows.rows() / count;
    const std::size_t until = (i + 1) * rows.rows() / count;
    const float* row = rows.row(from + random.below(until - from));
    out.insert(out.end(), row, row + rows.columns);
  }
  return out;
}

/// The cube root of each column's kurtosis, which a column with rare far values has in plenty; a
/// column that hardly ever changes has it, too, without meaning it, so ties count against it.
std::vector<double> tail_weights(MatrixView rows) {
  std::vector<double> weights = tied_shares(rows);
  const auto n = static_cast<double>(rows.rows());
  for (std::size_t c = 0; c < rows.columns; ++c) {
    double sum = 0;
    for (std::size_t i = 0; i < rows.rows(); ++i) sum += static_cast<double>(rows.row(i)[c]);
    double squares = 0;
    double fourths = 0;
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      const double x = static_cast<double>(rows.row(i)[c]) - sum / n;
      squares += x * x;
      fourths += x * x * x * x;
    }
    const double kurtosis = squares > 0 ? n * fourths / (squares * squares) : 0;
    weights[c] = std::cbrt(kurtosis * std::sqrt(1 - weights[c]));
  }
  const double most = *std::max_element(weights.begin(), weights.end());
  // Constant here, perhaps not in all rows: such a column may still be cut, seldom.
  for (double& weight : weights) weight = std::max(weight, most > 0 ? 0.01 * most : 1.0);
  return weights;
}

}  // namespace

/// Writes what a grower grows into the arrays of one tree.
class ForestSink final : public TreeSink {
 public:
  explicit ForestSink(IsolationForest& forest) : forest_(forest) {
    for (std::size_t n = 0; n <= forest.sample_; ++n) mean_lengths_.push_back(mean_path_length(n));
  }

  void begin(std::size_t tree) { tree_ = tree; }

  void cut(std::size_t node, std::size_t rows, std::uint32_t column, float threshold) override {
    const std::size_t inner = (std::size_t{1} << forest_.height_) - 1;
    forest_.splits_[tree_ * inner + node] = {threshold, column};
    forest_.sizes_[tree_ * (2 * inner + 1) + node] = static_cast<std::uint32_t>(rows);
  }
  void leaf(std::size_t node, std::size_t depth, std::size_t rows) override {
    forest_.settle_leaf(tree_, node, depth, rows, mean_lengths_[rows]);
  }

 private:
  IsolationForest& forest_;
  std::size_t tree_ = 0;
  std::vector<double> mean_lengths_;  ///< c(n), whose logarithms would cost more than the growth
};

void IsolationForest::lay_out(std::size_t trees, std::size_t columns, std::size_t sample) {
  trees_ = trees;
  columns_ = columns;
  sample_ = sample;
  height_ = tree_height(sample);
  const std::size_t leaves = std::size_t{1} << height_;
  splits_.assign(trees * (leaves - 1), {kNoSplit, 0});
  leaves_.assign(trees * leaves, 0);
  sizes_.assign(trees * (2 * leaves - 1), 0);
}

void IsolationForest::settle_leaf(std::size_t tree, std::size_t node, std::size_t depth,
                                  std::size_t rows, double beyond) {
  const std::size_t below = height_ - depth;
  const std::size_t leaves = std::size_t{1} << height_;
  sizes_[tree * (2 * leaves - 1) + node] = static_cast<std::uint32_t>(rows);
  // The leftmost descendant on the last level, as a heap index, then as a leaf.
  const std::size_t first = ((node + 1) << below) - 1 - (leaves - 1);
  const auto length = static_cast<float>(static_cast<double>(depth) + beyond);
  std::fill_n(leaves_.begin() + static_cast<std::ptrdiff_t>(tree * leaves + first),
              std::size_t{1} << below, length);
}

bool IsolationForest::is_leaf(std::size_t tree, std::size_t node) const {
  const std::size_t inner = (std::size_t{1} << height_) - 1;
  return node >= inner || splits_[tree * inner + node].threshold == kNoSplit;
}

IsolationForest IsolationForest::fit(MatrixView rows, const ForestOptions& options) {
  const Random root(options.seed);
  const bool plain = options.setting == Setting::plain;
  GrowthOptions growth{.sample = std::min(options.sample, rows.rows())};
  IsolationForest forest;
  const std::size_t by_distance = plain ? 0 : options.trees / 2;
  if (!plain) {
    const std::vector<float> values = draw_rows(rows, kPool, root.fork(options.trees));
    const MatrixView pool{values, rows.columns};
    growth.guided = kGuided;
    growth.column_weights = tail_weights(pool);
    if (by_distance > 0) {
      DistanceTrees trees{by_distance, Ellipsoid::fit(pool), {}};
      std::vector<float> distances(pool.rows());
      for (std::size_t i = 0; i < pool.rows(); ++i) {
        distances[i] = trees.ellipsoid.distance(pool.row(i));
      }
      trees.curve = DistanceCurve::fit(std::move(distances), by_distance, growth.sample,
                                       root.fork(options.trees + 1));
      forest.distance_ = std::move(trees);
    }
  }
  forest.lay_out(options.trees - by_distance, rows.columns, growth.sample);
  TreeGrower grower(rows, growth);
  ForestSink sink(forest);
  for (std::size_t tree = 0; tree < forest.trees_; ++tree) {
    sink.begin(tree);
    grower.grow(root.fork(tree), sink);
  }
  return forest;
}

}  // namespace tidelimit::anomaly
