#include <algorithm>
#include <cmath>
#include <numeric>

#include "anomaly/isolation_forest.hpp"

namespace tidelimit::anomaly {
namespace {

constexpr std::size_t kWalksAtOnce = 16;  // independent walks hide each other's latency

std::uint32_t child(std::uint32_t node, bool left) {
  return 2 * node + 2 - static_cast<std::uint32_t>(left);
}

}  // namespace

double IsolationForest::score_of_path_length(double mean) const {
  return std::exp2(-mean / mean_path_length(sample_));
}

/// `sum` of the path lengths of the trees that have nodes.
double IsolationForest::score_of_sum(double sum, const float* row) const {
  if (!distance_) return score_of_path_length(sum / static_cast<double>(trees_));
  const auto length = static_cast<double>(distance_->curve.at(distance_->ellipsoid.distance(row)));
  const auto count = static_cast<double>(distance_->count);
  return score_of_path_length((sum + count * length) / (static_cast<double>(trees_) + count));
}

double IsolationForest::score(const float* row) const {
  const std::size_t inner = (std::size_t{1} << height_) - 1;
  double sum = 0;
  for (std::size_t begin = 0; begin < trees_; begin += kWalksAtOnce) {
    const std::size_t count = std::min(kWalksAtOnce, trees_ - begin);
    const Split* splits = splits_.data() + begin * inner;
    std::uint32_t nodes[kWalksAtOnce] = {};
    for (std::size_t level = 0; level < height_; ++level) {
      for (std::size_t i = 0; i < count; ++i) {
        const Split split = splits[i * inner + nodes[i]];
        nodes[i] = child(nodes[i], row[split.feature] < split.threshold);
      }
    }
    const float* leaves = leaves_.data() + begin * (inner + 1);
    for (std::size_t i = 0; i < count; ++i) {
      sum += static_cast<double>(leaves[i * (inner + 1) + nodes[i] - inner]);
    }
  }
  return score_of_sum(sum, row);
}

void IsolationForest::score(MatrixView rows, std::span<double> scores) const {
  const std::size_t inner = (std::size_t{1} << height_) - 1;
  const std::size_t whole = rows.rows() - rows.rows() % kWalksAtOnce;
  for (std::size_t begin = 0; begin < whole; begin += kWalksAtOnce) {
    const float* block = rows.row(begin);
    double sums[kWalksAtOnce] = {};
    for (std::size_t tree = 0; tree < trees_; ++tree) {
      const Split* splits = splits_.data() + tree * inner;
      std::uint32_t nodes[kWalksAtOnce] = {};
      for (std::size_t level = 0; level < height_; ++level) {
        for (std::size_t i = 0; i < kWalksAtOnce; ++i) {
          const Split split = splits[nodes[i]];
          nodes[i] = child(nodes[i], block[i * columns_ + split.feature] < split.threshold);
        }
      }
      const float* leaves = leaves_.data() + tree * (inner + 1);
      for (std::size_t i = 0; i < kWalksAtOnce; ++i) {
        sums[i] += static_cast<double>(leaves[nodes[i] - inner]);
      }
    }
    for (std::size_t i = 0; i < kWalksAtOnce; ++i) {
      scores[begin + i] = score_of_sum(sums[i], block + i * columns_);
    }
  }
  for (std::size_t i = whole; i < rows.rows(); ++i) {
    scores[i] = score(rows.row(i));
  }
}

std::vector<double> IsolationForest::shortening(const float* row) const {
  const std::size_t inner = (std::size_t{1} << height_) - 1;
  std::vector<double> by_feature(columns_, 0.0);
  const double all = static_cast<double>(trees_ + (distance_ ? distance_->count : 0));
  for (std::size_t tree = 0; tree < trees_; ++tree) {
    const std::uint32_t* sizes = sizes_.data() + tree * (2 * inner + 1);
    std::size_t node = 0;
    double expected = mean_path_length(sizes[0]);
    for (std::size_t depth = 1; !is_leaf(tree, node); ++depth) {
      const Split split = splits_[tree * inner + node];
      node = 2 * node + 2 - static_cast<std::size_t>(row[split.feature] < split.threshold);
      const double then = static_cast<double>(depth) + mean_path_length(sizes[node]);
      by_feature[split.feature] += (expected - then) / all;
      expected = then;
    }
  }
  if (distance_) {
    const std::vector<double> parts = distance_->ellipsoid.parts(row);
    const double distance = std::accumulate(parts.begin(), parts.end(), 0.0);
    const auto length =
        static_cast<double>(distance_->curve.at(distance_->ellipsoid.distance(row)));
    const double shorter =
        (mean_path_length(sample_) - length) * static_cast<double>(distance_->count) / all;
    for (std::size_t c = 0; c < columns_; ++c) {
      by_feature[c] +=
          distance > 0 ? shorter * parts[c] / distance : shorter / static_cast<double>(columns_);
    }
  }
  return by_feature;
}

}  // namespace tidelimit::anomaly
