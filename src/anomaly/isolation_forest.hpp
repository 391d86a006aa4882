#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.hpp"

namespace tidelimit::anomaly {

/// Rows of `columns` finite floats, row after row. Borrowed.
struct MatrixView {
  std::span<const float> values;
  std::size_t columns = 0;

  [[nodiscard]] std::size_t rows() const { return columns == 0 ? 0 : values.size() / columns; }
  [[nodiscard]] const float* row(std::size_t i) const { return values.data() + i * columns; }
};

/// c(n), the mean path length of an unsuccessful search in a binary search tree of n values, by
/// which path lengths are normalised (Liu, Ting and Zhou 2008, eq. 1).
[[nodiscard]] double mean_path_length(std::size_t n);

/// How trees choose their cuts.
enum class Setting : std::uint8_t {
  plain,  ///< a random column at a random place (Liu, Ting and Zhou 2008)
};

struct ForestOptions {
  Setting setting = Setting::plain;
  std::size_t trees = 100;
  std::size_t sample = 256;  ///< rows a tree grows from, drawn without replacement
  std::uint64_t seed = 1;
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
      const std::vector<std::vector<Node>>& trees, std::size_t columns, std::size_t sample);
  [[nodiscard]] std::vector<Node> nodes(std::size_t tree) const;

  /// 2^(-E[h] / c(sample)), in (0, 1). `row` holds columns() values.
  [[nodiscard]] double score(const float* row) const;
  /// The same for many rows, several times as fast a row; equal to the last bit.
  void score(MatrixView rows, std::span<double> scores) const;
  [[nodiscard]] double score_of_path_length(double mean) const;

  /// How much each feature's splits shortened the mean path against c(sample): the path-wise
  /// decomposition of tree ensembles (Saabas 2014) over expected path lengths, depth + c(size).
  /// Exactly additive: the sum is c(sample) - E[h].
  [[nodiscard]] std::vector<double> shortening(const float* row) const;

  [[nodiscard]] std::size_t columns() const { return columns_; }
  [[nodiscard]] std::size_t trees() const { return trees_; }
  [[nodiscard]] std::size_t sample() const { return sample_; }

 private:
  friend class TreeGrower;

  void lay_out(std::size_t trees, std::size_t columns, std::size_t sample);
  void settle_leaf(std::size_t tree, std::size_t node, std::size_t depth, std::size_t rows);
  [[nodiscard]] bool is_leaf(std::size_t tree, std::size_t node) const;

  std::size_t trees_ = 0;
  std::size_t columns_ = 0;
  std::size_t sample_ = 0;
  std::size_t height_ = 0;
  std::vector<Split> splits_;
  std::vector<float> leaves_;
  std::vector<std::uint32_t> sizes_;
};

}  // namespace tidelimit::anomaly
