#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "anomaly/distance_curve.hpp"
#include "anomaly/ellipsoid.hpp"
#include "anomaly/matrix_view.hpp"
#include "anomaly/path_length.hpp"
#include "anomaly/setting.hpp"
#include "base/error.hpp"

namespace tidelimit::anomaly {

struct ForestOptions {
  Setting setting = Setting::best;
  std::size_t trees = 100;
  std::size_t sample = 256;  ///< rows a tree grows from, drawn without replacement
  std::uint64_t seed = 1;
};

/// The trees that cut the distance from the bulk, as what they are together.
struct DistanceTrees {
  std::size_t count = 0;
  Ellipsoid ellipsoid;
  DistanceCurve curve;
};

/// Isolation Forest (Liu, Ting and Zhou 2008). Immutable once made; any thread may score.
///   Each tree is a full binary tree of `height` = ceil(log2(sample)) levels in heap order (the
///   children of i are 2i+1 and 2i+2), so that scoring follows no pointer and takes no branch:
///     splits [trees, 2^height - 1]: to the left iff x[feature] < threshold
///     leaves [trees, 2^height]:     path length h = depth + c(rows in the leaf)
///     sizes  [trees, 2^(height+1) - 1]: rows of the sample that reached the node
///   A leaf above the last level is carried down by splits at +infinity; all leaves below it hold
///   its path length, so that NaN, too, ends there.
class IsolationForest {
 public:
  struct Split {
    float threshold;
    std::uint32_t feature;
  };

  /// A node of a tree as files name it: inner nodes have children, leaves a path length.
  struct Node {
    std::int64_t left = -1;
    std::int64_t right = -1;
    Split split{};
    std::uint32_t size = 0;
  };

  IsolationForest() = default;

  /// Equal rows and options give equal forests. Needs at least 2 rows and 1 column; of fewer rows
  /// than `sample` each tree takes all.
  [[nodiscard]] static IsolationForest fit(MatrixView rows, const ForestOptions& options);

  /// From trees of linked nodes (root first, children after their parents), as a model file holds
  /// them. Refuses what no fit could have made.
  [[nodiscard]] static Result<IsolationForest> from_nodes(
      const std::vector<std::vector<Node>>& trees, std::size_t columns, std::size_t sample,
      std::optional<DistanceTrees> distance_trees = {});
  [[nodiscard]] std::vector<Node> nodes(std::size_t tree) const;
  [[nodiscard]] const std::optional<DistanceTrees>& distance_trees() const { return distance_; }

  /// 2^(-E[h] / c(sample)), in (0, 1). `row` holds columns() values.
  [[nodiscard]] double score(const float* row) const;
  /// The same for many rows, faster a row; equal to the last bit.
  void score(MatrixView rows, std::span<double> scores) const;
  [[nodiscard]] double score_of_path_length(double mean) const;

  /// How much each feature shortened the mean path against c(sample): the path-wise decomposition
  /// of tree ensembles (Saabas 2014) over expected path lengths, depth + c(size): what a split
  /// changes is its feature's. Trees that cut the distance share theirs out by each feature's part
  /// in the distance. Exactly additive: the sum is c(sample) - E[h].
  [[nodiscard]] std::vector<double> shortening(const float* row) const;

  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] std::size_t trees() const { return trees_; }  ///< those that have nodes
  [[nodiscard]] std::size_t sample() const { return sample_; }

 private:
  friend class ForestSink;

  void lay_out(std::size_t trees, std::size_t columns, std::size_t sample);
  /// `beyond` = c(rows)
  void settle_leaf(std::size_t tree, std::size_t node, std::size_t depth, std::size_t rows,
                   double beyond);
  [[nodiscard]] bool is_leaf(std::size_t tree, std::size_t node) const;
  [[nodiscard]] double score_of_sum(double sum, const float* row) const;

  std::size_t trees_ = 0;
  std::size_t columns_ = 0;
  std::size_t sample_ = 0;
  std::size_t height_ = 0;
  std::vector<Split> splits_;
  std::vector<float> leaves_;
  std::vector<std::uint32_t> sizes_;
  std::optional<DistanceTrees> distance_;
};

}  // namespace tidelimit::anomaly
