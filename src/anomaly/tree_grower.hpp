#pragma once

#include <cstdint>
#include <vector>

#include "anomaly/matrix_view.hpp"
#include "anomaly/row_draw.hpp"
#include "base/random.hpp"

namespace tidelimit::anomaly {

/// How a tree chooses its cuts; the defaults are the plain forest's.
struct GrowthOptions {
  std::size_t sample = 256;  ///< rows a tree grows from, at most all
  double guided = 0;         ///< share of the cuts that are placed where they gain most
  std::vector<double> column_weights = {};  ///< chance of each column, not normalised; empty: equal
};

/// Where a tree's growth is written: a cut at a node, or a leaf. Nodes in heap order.
class TreeSink {
 public:
  virtual ~TreeSink() = default;
  virtual void cut(std::size_t node, std::size_t rows, std::uint32_t column, float threshold) = 0;
  virtual void leaf(std::size_t node, std::size_t depth, std::size_t rows) = 0;
};

/// Grows isolation trees, one after the other, reusing its scratch. Each node is cut
///   plainly: a column at random among those that vary there, cut uniformly between its least and
///   greatest value (Liu, Ting and Zhou 2008, algorithm 2);
///   or guided: the cut of such a column with the greatest pooled gain (fair-cut forest, Cortes
///   2021, arXiv 2110.13402), 1 - (n_l s_l + n_r s_r) / (n s) with the deviations s of both sides,
///   sought among kBins equal parts of the range: it parts clusters where a random cut would have
///   to hit the gap, so that small clusters of outliers end up alone.
class TreeGrower {
 public:
  /// Rows and options are borrowed and must outlive it.
  TreeGrower(MatrixView rows, const GrowthOptions& options);

  /// Depends on rows, options and the random stream alone, not on the trees before.
  void grow(Random random, TreeSink& sink);

 private:
  struct Cut {
    std::uint32_t column = 0;
    float threshold = 0;
    bool found = false;
  };

  void take_sample();
  void split(std::size_t node, std::size_t depth, std::size_t begin, std::size_t end);
  [[nodiscard]] Cut choose(std::size_t begin, std::size_t end);
  [[nodiscard]] std::size_t pick(std::size_t left);
  [[nodiscard]] float guided_threshold(const float* column, std::size_t begin, std::size_t end,
                                       float low, float high);
  [[nodiscard]] std::size_t partition(const float* column, float threshold, std::size_t begin,
                                      std::size_t end);

  MatrixView rows_;
  const GrowthOptions& options_;
  std::size_t sample_;
  std::size_t height_;
  double all_weights_ = 0;
  Random random_{0};
  TreeSink* sink_ = nullptr;
  RowDraw draw_;
  std::vector<std::uint32_t> candidates_;  // columns not yet found constant at a node
  std::vector<float> drawn_;               // [columns, sample]
  std::vector<std::uint32_t> members_;     // indices into drawn_, grouped by node
  std::vector<std::uint32_t> right_;       // of a partition
};

}  // namespace tidelimit::anomaly
