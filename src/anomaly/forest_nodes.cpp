#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <string>

#include "anomaly/isolation_forest.hpp"

namespace tidelimit::anomaly {
namespace {

constexpr std::size_t kMostLeaves = std::size_t{1} << 24;  // read from a file

Result<void> check(const DistanceTrees& trees, std::size_t columns, std::size_t sample) {
  const auto refuse = [](const char* what) {
    return fail(Code::data_loss, std::string("the isolation forest's distance ") + what);
  };
  const auto finite = [](const auto& values) {
    return std::all_of(values.begin(), values.end(), [](auto x) { return std::isfinite(x); });
  };
  const Ellipsoid& ellipsoid = trees.ellipsoid;
  if (trees.count == 0 || ellipsoid.columns() != columns ||
      ellipsoid.whitening().size() != columns * columns) {
    return refuse("is not one over its columns");
  }
  if (!finite(ellipsoid.centre()) || !finite(ellipsoid.whitening())) {
    return refuse("is not finite");
  }
  const auto& knots = trees.curve.knots();
  const auto& lengths = trees.curve.lengths();
  if (lengths.size() != knots.size() + 1 || !finite(knots) || !finite(lengths) ||
      std::adjacent_find(knots.begin(), knots.end(), std::greater_equal<>()) != knots.end()) {
    return refuse("has no sound curve of path lengths");
  }
  const double longest = static_cast<double>(tree_height(sample)) + mean_path_length(sample);
  if (!std::all_of(lengths.begin(), lengths.end(),
                   [&](float h) { return h > 0 && static_cast<double>(h) <= longest; })) {
    return refuse("has path lengths that no tree has");
  }
  return {};
}

/// What is wrong with an inner node, after the name of its tree; null: nothing.
const char* fault_of(const std::vector<IsolationForest::Node>& nodes, std::int64_t at,
                     std::size_t columns) {
  const auto& node = nodes[static_cast<std::size_t>(at)];
  const auto count = static_cast<std::int64_t>(nodes.size());
  if (node.left <= at || node.right <= node.left || node.right >= count)
    return "has children out of order";
  if (node.split.feature >= columns || !std::isfinite(node.split.threshold))
    return "splits on a feature or at a value that does not exist";
  const auto& left = nodes[static_cast<std::size_t>(node.left)];
  const auto& right = nodes[static_cast<std::size_t>(node.right)];
  if (left.size == 0 || right.size == 0 || std::uint64_t{left.size} + right.size != node.size)
    return "has children whose sizes do not add up";
  return nullptr;
}

}  // namespace

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
                                                    std::size_t columns, std::size_t sample,
                                                    std::optional<DistanceTrees> distance_trees) {
  if (trees.empty() || columns == 0 || sample < 2) {
    return fail(Code::data_loss, "the isolation forest is empty");
  }
  if (trees.size() * std::bit_ceil(sample) > kMostLeaves) {
    return fail(Code::data_loss, "the isolation forest is too large");
  }
  IsolationForest forest;
  if (distance_trees) {
    if (auto sound = check(*distance_trees, columns, sample); !sound) {
      return tl::unexpected(sound.error());
    }
    forest.distance_ = std::move(distance_trees);
  }
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
        forest.settle_leaf(tree, place.heap, place.depth, node.size, mean_path_length(node.size));
        continue;
      }
      if (place.depth == forest.height_) return refuse("is deeper than its sample allows");
      if (const char* fault = fault_of(nodes, place.node, columns)) return refuse(fault);
      forest.splits_[tree * inner + place.heap] = node.split;
      places.push_back({node.left, 2 * place.heap + 1, place.depth + 1});
      places.push_back({node.right, 2 * place.heap + 2, place.depth + 1});
    }
  }
  return forest;
}

}  // namespace tidelimit::anomaly
