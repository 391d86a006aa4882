#include "model/tree_ensemble.hpp"

#include <fmt/format.h>
#include <map>
#include <string>

#include "model/onnx_file.hpp"
#include "traffic/client_profile.hpp"

namespace tidelimit::model {
namespace {

using anomaly::DistanceCurve;
using anomaly::IsolationForest;
using traffic::kFeatures;

constexpr std::size_t kMostTrees = 10000;
constexpr std::size_t kMostSample = 1u << 16;
constexpr int kMostNodes = 1 << 22;

/// The attributes of a TreeEnsembleRegressor by name, each made on first use.
class Attributes {
 public:
  explicit Attributes(onnx::NodeProto& node) : node_(node) {}

  void add(const char* name, std::int64_t value) {
    get(name, onnx::AttributeProto::INTS).add_ints(value);
  }
  void add(const char* name, float value) {
    get(name, onnx::AttributeProto::FLOATS).add_floats(value);
  }
  void add(const char* name, const char* value) {
    get(name, onnx::AttributeProto::STRINGS).add_strings(value);
  }
  void set(const char* name, std::int64_t value) {
    get(name, onnx::AttributeProto::INT).set_i(value);
  }
  void set(const char* name, const char* value) {
    get(name, onnx::AttributeProto::STRING).set_s(value);
  }

 private:
  onnx::AttributeProto& get(const char* name, onnx::AttributeProto::AttributeType type) {
    const auto known = by_name_.find(name);
    if (known != by_name_.end()) {
      return *node_.mutable_attribute(known->second);
    }
    by_name_.emplace(name, node_.attribute_size());
    auto* made = node_.add_attribute();
    made->set_name(name);
    made->set_type(type);
    return *made;
  }

  onnx::NodeProto& node_;
  std::map<std::string, int> by_name_;
};

void set_frame(Attributes& attributes) {
  attributes.set("n_targets", std::int64_t{1});
  attributes.set("aggregate_function", "AVERAGE");
  attributes.set("post_transform", "NONE");
}

/// One node of a tree, in the lists that ONNX wants.
void add_tree_node(Attributes& attributes, std::int64_t tree, std::int64_t id,
                   const IsolationForest::Node& node, float length) {
  const bool leaf = node.left < 0;
  attributes.add("nodes_treeids", tree);
  attributes.add("nodes_nodeids", id);
  attributes.add("nodes_modes", leaf ? "LEAF" : "BRANCH_LT");
  attributes.add("nodes_featureids", static_cast<std::int64_t>(node.split.feature));
  attributes.add("nodes_values", leaf ? 0.0F : node.split.threshold);
  attributes.add("nodes_truenodeids", leaf ? std::int64_t{0} : node.left);
  attributes.add("nodes_falsenodeids", leaf ? std::int64_t{0} : node.right);
  attributes.add("nodes_hitrates", static_cast<float>(node.size));
  if (leaf) {
    attributes.add("target_treeids", tree);
    attributes.add("target_nodeids", id);
    attributes.add("target_ids", std::int64_t{0});
    attributes.add("target_weights", length);
  }
}

void add_tree(Attributes& attributes, const std::vector<IsolationForest::Node>& nodes,
              std::int64_t tree) {
  std::vector<std::int64_t> depth(nodes.size(), 0);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const IsolationForest::Node& node = nodes[i];
    const double length = static_cast<double>(depth[i]) + anomaly::mean_path_length(node.size);
    add_tree_node(attributes, tree, static_cast<std::int64_t>(i), node, static_cast<float>(length));
    if (node.left >= 0) {
      depth[static_cast<std::size_t>(node.left)] = depth[i] + 1;
      depth[static_cast<std::size_t>(node.right)] = depth[i] + 1;
    }
  }
}

const onnx::AttributeProto& get(const onnx::NodeProto& node, const char* name) {
  static const onnx::AttributeProto kNone;
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == name) return attribute;
  }
  return kNone;
}

tl::unexpected<Error> refuse(const std::string& why) {
  return unsound("the anomaly model", why);
}

}  // namespace

void write_forest(onnx::NodeProto& node, const IsolationForest& forest) {
  node.set_domain("ai.onnx.ml");
  Attributes attributes(node);
  set_frame(attributes);
  for (std::size_t tree = 0; tree < forest.trees(); ++tree) {
    add_tree(attributes, forest.nodes(tree), static_cast<std::int64_t>(tree));
  }
}

Result<std::vector<std::vector<IsolationForest::Node>>> read_forest(const onnx::NodeProto& node) {
  const auto& trees = get(node, "nodes_treeids").ints();
  const auto& ids = get(node, "nodes_nodeids").ints();
  const auto& modes = get(node, "nodes_modes").strings();
  const auto& features = get(node, "nodes_featureids").ints();
  const auto& values = get(node, "nodes_values").floats();
  const auto& left = get(node, "nodes_truenodeids").ints();
  const auto& right = get(node, "nodes_falsenodeids").ints();
  const auto& sizes = get(node, "nodes_hitrates").floats();
  const int count = trees.size();
  if (count == 0 || count > kMostNodes) {
    return refuse(fmt::format("has {} tree nodes, not 1 to {}", count, kMostNodes));
  }
  for (const int length : {ids.size(), modes.size(), features.size(), values.size(), left.size(),
                           right.size(), sizes.size()}) {
    if (length != count) {
      return refuse("has lists of tree nodes of different lengths");
    }
  }
  std::vector<std::vector<IsolationForest::Node>> out;
  for (int i = 0; i < count; ++i) {
    const bool next_tree = trees[i] == static_cast<std::int64_t>(out.size());
    if (next_tree && out.size() < kMostTrees) {
      out.emplace_back();
    }
    if (trees[i] + 1 != static_cast<std::int64_t>(out.size()) ||
        ids[i] != static_cast<std::int64_t>(out.back().size())) {
      return refuse("has tree nodes out of order, or too many trees");
    }
    const bool leaf = modes[i] == "LEAF";
    const bool in_range = features[i] >= 0 && features[i] < static_cast<std::int64_t>(kFeatures) &&
                          sizes[i] >= 1 && sizes[i] <= static_cast<float>(kMostSample);
    if (!in_range || (!leaf && (modes[i] != "BRANCH_LT" || left[i] < 0))) {
      return refuse(fmt::format("has a tree node (the {}th) that no isolation tree has", i));
    }
    out.back().push_back({leaf ? -1 : left[i],
                          leaf ? -1 : right[i],
                          {values[i], static_cast<std::uint32_t>(features[i])},
                          static_cast<std::uint32_t>(sizes[i])});
  }
  return out;
}

void write_curve(onnx::NodeProto& node, const DistanceCurve& curve) {
  node.set_domain("ai.onnx.ml");
  Attributes attributes(node);
  set_frame(attributes);
  // Breadth first: each place in the list is a run of lengths, halved until it is one.
  struct Run {
    std::size_t begin;
    std::size_t end;
  };
  std::vector<Run> runs{{0, curve.lengths().size()}};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto [begin, end] = runs[i];
    IsolationForest::Node tree_node;
    tree_node.size = static_cast<std::uint32_t>(end - begin);
    if (end - begin > 1) {
      const std::size_t middle = begin + (end - begin) / 2;
      tree_node.split = {curve.knots()[middle - 1], 0};
      tree_node.left = static_cast<std::int64_t>(runs.size());
      tree_node.right = tree_node.left + 1;
      runs.push_back({begin, middle});
      runs.push_back({middle, end});
    }
    add_tree_node(attributes, 0, static_cast<std::int64_t>(i), tree_node, curve.lengths()[begin]);
  }
}

Result<DistanceCurve> read_curve(const onnx::NodeProto& node) {
  const auto& modes = get(node, "nodes_modes").strings();
  const auto& values = get(node, "nodes_values").floats();
  const auto& left = get(node, "nodes_truenodeids").ints();
  const auto& right = get(node, "nodes_falsenodeids").ints();
  const auto& leaves = get(node, "target_nodeids").ints();
  const auto& lengths = get(node, "target_weights").floats();
  const int count = modes.size();
  if (count == 0 || count > kMostNodes || values.size() != count || left.size() != count ||
      right.size() != count || leaves.size() != lengths.size()) {
    return refuse("has lists of tree nodes of different lengths");
  }
  std::map<std::int64_t, float> length_of;
  for (int i = 0; i < leaves.size(); ++i) length_of[leaves[i]] = lengths[i];
  // In order, with what is still to do on a stack; a knot is noted between its two sides.
  struct Step {
    std::int64_t node;
    bool knot;
  };
  std::vector<float> knots;
  std::vector<float> steps;
  std::vector<Step> todo{{0, false}};
  while (!todo.empty()) {
    const Step step = todo.back();
    todo.pop_back();
    const int i = static_cast<int>(step.node);
    if (step.knot) {
      knots.push_back(values[i]);
    } else if (modes[i] == "LEAF") {
      const auto found = length_of.find(step.node);
      if (found == length_of.end()) return refuse("has a leaf without a path length");
      steps.push_back(found->second);
    } else {
      // Children after their parents, so that it ends.
      if (modes[i] != "BRANCH_LT" || left[i] <= i || right[i] <= left[i] || right[i] >= count ||
          todo.size() > static_cast<std::size_t>(count) ||
          steps.size() > static_cast<std::size_t>(count)) {
        return refuse("has a curve of path lengths that is no tree");
      }
      todo.push_back({right[i], false});
      todo.push_back({i, true});
      todo.push_back({left[i], false});
    }
  }
  return DistanceCurve(std::move(knots), std::move(steps));
}

}  // namespace tidelimit::model
