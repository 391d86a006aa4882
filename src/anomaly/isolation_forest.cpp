#include "anomaly/isolation_forest.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "base/random.hpp"

namespace tidelimit::anomaly {
namespace {

constexpr float kNoSplit = std::numeric_limits<float>::infinity();
constexpr std::size_t kMostLeaves = std::size_t{1} << 24;  // read from a file
constexpr std::size_t kWalksAtOnce = 16;  // independent walks hide each other's latency

std::size_t height_of(std::size_t sample) {
  return std::max<std::size_t>(std::bit_width(sample - 1), 1);
}

std::uint32_t child(std::uint32_t node, bool left) {
  return 2 * node + 2 - static_cast<std::uint32_t>(left);
}

}  // namespace

double mean_path_length(std::size_t n) {
  if (n <= 1) {
    return 0;
  }
  if (n == 2) {
    return 1;
  }
  const auto x = static_cast<double>(n);
  return 2.0 * (std::log(x - 1.0) + std::numbers::egamma) - 2.0 * (x - 1.0) / x;
}

/// Grows the trees of a forest, one after the other, reusing its scratch.
class TreeGrower {
 public:
  TreeGrower(IsolationForest& forest, MatrixView rows)
      : forest_(forest),
        rows_(rows),
        order_(rows.rows()),
        candidates_(rows.columns),
        drawn_(forest.sample_ * rows.columns),
        members_(forest.sample_) {
    for (std::size_t i = 0; i < order_.size(); ++i) {
      order_[i] = static_cast<std::uint32_t>(i);
    }
  }

  void grow(std::size_t tree, Random random) {
    tree_ = tree;
    draw(random);
    split(0, 0, 0, forest_.sample_, random);
  }

 private:
  /// A subsample without replacement: the head of a Fisher-Yates shuffle, undone afterwards, so
  /// that each tree depends on its own stream alone.
  void draw(Random& random) {
    const std::size_t sample = forest_.sample_;
    swaps_.clear();
    for (std::size_t i = 0; i < sample; ++i) {
      const std::size_t j = i + random.below(order_.size() - i);
      std::swap(order_[i], order_[j]);
      swaps_.push_back(j);
      const float* row = rows_.row(order_[i]);
      for (std::size_t c = 0; c < rows_.columns; ++c) {
        drawn_[c * sample + i] = row[c];
      }
      members_[i] = static_cast<std::uint32_t>(i);
    }
    for (std::size_t i = sample; i-- > 0;) {
      std::swap(order_[i], order_[swaps_[i]]);
    }
  }

  /// Splits members [begin, end) at node, or settles them as a leaf.
  void split(std::size_t node, std::size_t depth, std::size_t begin, std::size_t end,
             Random& random) {
    const std::size_t size = end - begin;
    forest_.sizes_[tree_ * node_count() + node] = static_cast<std::uint32_t>(size);
    if (size <= 1 || depth == forest_.height_) {
      forest_.settle_leaf(tree_, node, depth, size);
      return;
    }
    const IsolationForest::Split cut = choose(begin, end, random);
    if (cut.threshold == kNoSplit) {
      forest_.settle_leaf(tree_, node, depth, size);
      return;
    }
    forest_.splits_[tree_ * split_count() + node] = cut;
    const float* column = drawn_.data() + cut.feature * forest_.sample_;
    const auto middle =
        std::partition(members_.begin() + static_cast<std::ptrdiff_t>(begin),
                       members_.begin() + static_cast<std::ptrdiff_t>(end),
                       [&](std::uint32_t member) { return column[member] < cut.threshold; });
    const auto at = static_cast<std::size_t>(middle - members_.begin());
    split(2 * node + 1, depth + 1, begin, at, random);
    split(2 * node + 2, depth + 1, at, end, random);
  }

  /// A feature at random among those that vary here, cut uniformly between its least and its
  /// largest value; kNoSplit where all rows are equal.
  IsolationForest::Split choose(std::size_t begin, std::size_t end, Random& random) {
    std::size_t left = candidates_.size();
    for (std::size_t c = 0; c < left; ++c) {
      candidates_[c] = static_cast<std::uint32_t>(c);
    }
    while (left > 0) {
      const std::size_t pick = random.below(left);
      const std::uint32_t feature = candidates_[pick];
      const float* column = drawn_.data() + feature * forest_.sample_;
      float low = column[members_[begin]];
      float high = low;
      for (std::size_t i = begin + 1; i < end; ++i) {
        const float x = column[members_[i]];
        low = std::min(low, x);
        high = std::max(high, x);
      }
      if (low < high) {
        const double at = low + random.uniform() * (static_cast<double>(high) - low);
        // In (low, high], so that neither side is empty.
        const float threshold = std::clamp(static_cast<float>(at), std::nextafter(low, high), high);
        return {threshold, feature};
      }
      candidates_[pick] = candidates_[--left];
    }
    return {kNoSplit, 0};
  }

  [[nodiscard]] std::size_t split_count() const { return (std::size_t{1} << forest_.height_) - 1; }
  [[nodiscard]] std::size_t node_count() const { return 2 * split_count() + 1; }

  IsolationForest& forest_;
  MatrixView rows_;
  std::size_t tree_ = 0;
  std::vector<std::uint32_t> order_;  // all rows
  std::vector<std::size_t> swaps_;
  std::vector<std::uint32_t> candidates_;  // features not yet found constant
  std::vector<float> drawn_;               // [columns, sample]
  std::vector<std::uint32_t> members_;     // indices into drawn_, grouped by node
};

void IsolationForest::lay_out(std::size_t trees, std::size_t columns, std::size_t sample) {
  trees_ = trees;
  columns_ = columns;
  sample_ = sample;
  height_ = height_of(sample);
  const std::size_t leaves = std::size_t{1} << height_;
  splits_.assign(trees * (leaves - 1), {kNoSplit, 0});
  leaves_.assign(trees * leaves, 0);
  sizes_.assign(trees * (2 * leaves - 1), 0);
}

void IsolationForest::settle_leaf(std::size_t tree, std::size_t node, std::size_t depth,
                                  std::size_t rows) {
  const std::size_t below = height_ - depth;
  const std::size_t leaves = std::size_t{1} << height_;
  // The leftmost descendant on the last level, as a heap index, then as a leaf.
  const std::size_t first = ((node + 1) << below) - 1 - (leaves - 1);
  const auto length = static_cast<float>(static_cast<double>(depth) + mean_path_length(rows));
  std::fill_n(leaves_.begin() + static_cast<std::ptrdiff_t>(tree * leaves + first),
              std::size_t{1} << below, length);
}

IsolationForest IsolationForest::fit(MatrixView rows, const ForestOptions& options) {
  IsolationForest forest;
  forest.lay_out(options.trees, rows.columns, std::min(options.sample, rows.rows()));
  TreeGrower grower(forest, rows);
  const Random root(options.seed);
  for (std::size_t tree = 0; tree < options.trees; ++tree) {
    grower.grow(tree, root.fork(tree));
  }
  return forest;
}

double IsolationForest::score_of_path_length(double mean) const {
  return std::exp2(-mean / mean_path_length(sample_));
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
  return score_of_path_length(sum / static_cast<double>(trees_));
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
      scores[begin + i] = score_of_path_length(sums[i] / static_cast<double>(trees_));
    }
  }
  for (std::size_t i = whole; i < rows.rows(); ++i) {
    scores[i] = score(rows.row(i));
  }
}

bool IsolationForest::is_leaf(std::size_t tree, std::size_t node) const {
  const std::size_t inner = (std::size_t{1} << height_) - 1;
  return node >= inner || splits_[tree * inner + node].threshold == kNoSplit;
}

std::vector<double> IsolationForest::shortening(const float* row) const {
  const std::size_t inner = (std::size_t{1} << height_) - 1;
  std::vector<double> by_feature(columns_, 0.0);
  for (std::size_t tree = 0; tree < trees_; ++tree) {
    const std::uint32_t* sizes = sizes_.data() + tree * (2 * inner + 1);
    std::size_t node = 0;
    double expected = mean_path_length(sizes[0]);
    for (std::size_t depth = 1; !is_leaf(tree, node); ++depth) {
      const Split split = splits_[tree * inner + node];
      node = 2 * node + 2 - static_cast<std::size_t>(row[split.feature] < split.threshold);
      const double then = static_cast<double>(depth) + mean_path_length(sizes[node]);
      by_feature[split.feature] += (expected - then) / static_cast<double>(trees_);
      expected = then;
    }
  }
  return by_feature;
}

std::vector<IsolationForest::Node> IsolationForest::nodes(std::size_t tree) const {
  const std::size_t inner = (std::size_t{1} << height_) - 1;
  std::vector<Node> out;
  std::vector<std::size_t> heap{0};  // heap[i] is the heap index of out[i]
  for (std::size_t i = 0; i < heap.size(); ++i) {
    Node node;
    node.size = sizes_[tree * (2 * inner + 1) + heap[i]];
    if (!is_leaf(tree, heap[i])) {
      node.split = splits_[tree * inner + heap[i]];
      node.left = static_cast<std::int64_t>(heap.size());
      node.right = node.left + 1;
      heap.push_back(2 * heap[i] + 1);
      heap.push_back(2 * heap[i] + 2);
    }
    out.push_back(node);
  }
  return out;
}

Result<IsolationForest> IsolationForest::from_nodes(const std::vector<std::vector<Node>>& trees,
                                                    std::size_t columns, std::size_t sample) {
  if (trees.empty() || columns == 0 || sample < 2) {
    return fail(Code::data_loss, "the isolation forest is empty");
  }
  if (trees.size() * std::bit_ceil(sample) > kMostLeaves) {
    return fail(Code::data_loss, "the isolation forest is too large");
  }
  IsolationForest forest;
  forest.lay_out(trees.size(), columns, sample);
  const std::size_t inner = (std::size_t{1} << forest.height_) - 1;
  for (std::size_t tree = 0; tree < trees.size(); ++tree) {
    const auto refuse = [tree](const char* what) {
      return fail(Code::data_loss,
                  "tree " + std::to_string(tree) + " of the isolation forest " + what);
    };
    const std::vector<Node>& nodes = trees[tree];
    struct Place {
      std::int64_t node;
      std::size_t heap;
      std::size_t depth;
    };
    std::vector<Place> places{{0, 0, 0}};
    if (nodes.empty() || nodes[0].size != sample) {
      return refuse("has a root of another size than the sample");
    }
    for (std::size_t i = 0; i < places.size(); ++i) {
      const Place place = places[i];
      const Node& node = nodes[static_cast<std::size_t>(place.node)];
      forest.sizes_[tree * (2 * inner + 1) + place.heap] = node.size;
      if (node.left < 0) {
        forest.settle_leaf(tree, place.heap, place.depth, node.size);
        continue;
      }
      const auto count = static_cast<std::int64_t>(nodes.size());
      if (place.depth == forest.height_) {
        return refuse("is deeper than its sample allows");
      }
      if (node.left <= place.node || node.right <= node.left || node.right >= count) {
        return refuse("has children out of order");
      }
      if (node.split.feature >= columns || !std::isfinite(node.split.threshold)) {
        return refuse("splits on a feature or at a value that does not exist");
      }
      const Node& left = nodes[static_cast<std::size_t>(node.left)];
      const Node& right = nodes[static_cast<std::size_t>(node.right)];
      if (left.size == 0 || right.size == 0 || std::uint64_t{left.size} + right.size != node.size) {
        return refuse("has children whose sizes do not add up");
      }
      forest.splits_[tree * inner + place.heap] = node.split;
      places.push_back({node.left, 2 * place.heap + 1, place.depth + 1});
      places.push_back({node.right, 2 * place.heap + 2, place.depth + 1});
    }
  }
  return forest;
}

}  // namespace tidelimit::anomaly
