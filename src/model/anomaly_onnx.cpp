#include "model/anomaly_onnx.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <onnx/onnx_pb.h>
#include <optional>
#include <vector>

#include "anomaly/detector_model.hpp"
#include "base/text.hpp"
#include "model/onnx_file.hpp"

namespace tidelimit::model {
namespace {

using anomaly::DetectorParts;
using anomaly::IsolationForest;
using traffic::Feature;
using traffic::kFeatures;

constexpr const char* kKind = "tidelimit.anomaly";
constexpr const char* kKindVersion = "1";
constexpr const char* kWhat = "the anomaly model";
constexpr std::size_t kMostTrees = 10000;
constexpr std::size_t kMostSample = 1u << 16;
constexpr int kMostNodes = 1 << 22;

// ---------------------------------------------------------------------------------- writing

std::string feature_key(std::size_t feature, const char* what) {
  return fmt::format("usual.{}.{}", traffic::to_string(static_cast<Feature>(feature)), what);
}

std::string feature_names() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kFeatures; ++i) {
    names.emplace_back(traffic::to_string(static_cast<Feature>(i)));
  }
  return fmt::format("{}", fmt::join(names, ","));
}

void add_all_metadata(onnx::ModelProto& model, const DetectorParts& parts) {
  const auto add = [&model](const std::string& key, double value) {
    add_metadata(model, key, fmt::format("{}", value));
  };
  add_metadata(model, kKind, kKindVersion);
  add_metadata(model, "features", feature_names());
  add("sample", static_cast<double>(parts.forest.sample()));
  add("threshold", parts.threshold);
  add("harm.error_ratio", parts.harm.error_ratio);
  add("harm.requests_per_minute", parts.harm.requests_per_minute);
  add("contamination", parts.contamination);
  add("false_alarms", parts.false_alarms);
  add("rows", static_cast<double>(parts.rows));
  add("rows_aside", static_cast<double>(parts.rows_aside));
  for (std::size_t i = 0; i < kFeatures; ++i) {
    add(feature_key(i, "low"), parts.usual[i].low);
    add(feature_key(i, "high"), parts.usual[i].high);
  }
}

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

void add_tree(Attributes& attributes, const std::vector<IsolationForest::Node>& nodes,
              std::int64_t tree) {
  std::vector<std::int64_t> depth(nodes.size(), 0);
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const IsolationForest::Node& node = nodes[i];
    const bool leaf = node.left < 0;
    attributes.add("nodes_treeids", tree);
    attributes.add("nodes_nodeids", static_cast<std::int64_t>(i));
    attributes.add("nodes_modes", leaf ? "LEAF" : "BRANCH_LT");
    attributes.add("nodes_featureids", static_cast<std::int64_t>(node.split.feature));
    attributes.add("nodes_values", leaf ? 0.0F : node.split.threshold);
    attributes.add("nodes_truenodeids", leaf ? std::int64_t{0} : node.left);
    attributes.add("nodes_falsenodeids", leaf ? std::int64_t{0} : node.right);
    attributes.add("nodes_hitrates", static_cast<float>(node.size));
    if (leaf) {
      attributes.add("target_treeids", tree);
      attributes.add("target_nodeids", static_cast<std::int64_t>(i));
      attributes.add("target_ids", std::int64_t{0});
      attributes.add("target_weights", static_cast<float>(static_cast<double>(depth[i]) +
                                                          anomaly::mean_path_length(node.size)));
    } else {
      depth[static_cast<std::size_t>(node.left)] = depth[i] + 1;
      depth[static_cast<std::size_t>(node.right)] = depth[i] + 1;
    }
  }
}

/// transform(): log(1 + max(x, 0)) where the mask is set, x elsewhere, NaN as 0.
void add_transform(onnx::GraphProto& graph) {
  traffic::ClientFeatures probe;
  probe.values.fill(3.0F);
  const anomaly::ForestRow seen = anomaly::transform(probe);
  std::vector<float> is_log;
  for (const float x : seen) {
    is_log.push_back(x == 3.0F ? 0.0F : 1.0F);
  }
  add_constant(graph, "is_log", {static_cast<std::int64_t>(kFeatures)}, is_log);
  add_constant(graph, "zero", {1}, {0.0F});
  add_constant(graph, "one", {1}, {1.0F});
  add_node(graph, "IsNaN", {"features"}, "missing");
  add_node(graph, "Where", {"missing", "zero", "features"}, "known");
  add_node(graph, "Max", {"known", "zero"}, "positive");
  add_node(graph, "Add", {"positive", "one"}, "plus_one");
  add_node(graph, "Log", {"plus_one"}, "logarithm");
  add_node(graph, "Greater", {"is_log", "zero"}, "log_columns");
  add_node(graph, "Where", {"log_columns", "logarithm", "known"}, "scaled");
}

// ---------------------------------------------------------------------------------- reading

tl::unexpected<Error> refuse(const std::string& why) {
  return fail(Code::data_loss, std::string(kWhat) + " " + why);
}

const onnx::AttributeProto* find(const onnx::NodeProto& node, const std::string& name) {
  for (const auto& attribute : node.attribute()) {
    if (attribute.name() == name) {
      return &attribute;
    }
  }
  return nullptr;
}

Result<std::vector<std::vector<IsolationForest::Node>>> read_trees(const onnx::NodeProto& node) {
  static const onnx::AttributeProto kNone;
  const auto get = [&node](const char* name) -> const onnx::AttributeProto& {
    const auto* found = find(node, name);
    return found != nullptr ? *found : kNone;
  };
  const auto& trees = get("nodes_treeids").ints();
  const auto& ids = get("nodes_nodeids").ints();
  const auto& modes = get("nodes_modes").strings();
  const auto& features = get("nodes_featureids").ints();
  const auto& values = get("nodes_values").floats();
  const auto& left = get("nodes_truenodeids").ints();
  const auto& right = get("nodes_falsenodeids").ints();
  const auto& sizes = get("nodes_hitrates").floats();
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

}  // namespace

std::string anomaly_to_onnx(const anomaly::Detector& detector) {
  const DetectorParts& parts = detector.parts();
  onnx::ModelProto model = make_onnx_model();
  auto* ml = model.add_opset_import();
  ml->set_domain("ai.onnx.ml");
  ml->set_version(1);
  add_all_metadata(model, parts);

  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("anomaly");
  add_value(*graph.add_input(), "features", {static_cast<std::int64_t>(kFeatures)});
  add_transform(graph);
  onnx::NodeProto& ensemble =
      add_node(graph, "TreeEnsembleRegressor", {"scaled"}, "mean_path_length");
  ensemble.set_domain("ai.onnx.ml");
  Attributes attributes(ensemble);
  attributes.set("n_targets", std::int64_t{1});
  attributes.set("aggregate_function", "AVERAGE");
  attributes.set("post_transform", "NONE");
  for (std::size_t tree = 0; tree < parts.forest.trees(); ++tree) {
    add_tree(attributes, parts.forest.nodes(tree), static_cast<std::int64_t>(tree));
  }
  const double c = anomaly::mean_path_length(parts.forest.sample());
  add_constant(graph, "minus_log2_over_c", {1}, {static_cast<float>(-std::log(2.0) / c)});
  add_node(graph, "Mul", {"mean_path_length", "minus_log2_over_c"}, "exponent");
  add_node(graph, "Exp", {"exponent"}, "score");
  add_value(*graph.add_output(), "score", {1});
  return model.SerializeAsString();
}

Result<std::shared_ptr<const anomaly::Detector>> anomaly_from_onnx(std::string_view bytes) {
  const auto parsed = parse_onnx(bytes, kWhat);
  if (!parsed) return tl::unexpected(parsed.error());
  const onnx::ModelProto& model = *parsed;
  OnnxMetadata metadata(model);
  if (auto ours = check_kind(metadata, kKind, kKindVersion, kWhat); !ours) {
    return tl::unexpected(ours.error());
  }
  if (metadata.text("features") != feature_names()) {
    return fail(Code::failed_precondition,
                fmt::format("the anomaly model knows the features {}, this program {}: train it "
                            "anew",
                            printable(metadata.text("features")), feature_names()));
  }

  DetectorParts parts;
  constexpr double kLarge = 1e15;
  const auto sample = metadata.number("sample", 2, kMostSample);
  parts.threshold = metadata.number("threshold", 0, 1);
  parts.harm.error_ratio = metadata.number("harm.error_ratio", 0, 1);
  parts.harm.requests_per_minute = metadata.number("harm.requests_per_minute", 0, kLarge);
  parts.contamination = metadata.number("contamination", 0, 1);
  parts.false_alarms = metadata.number("false_alarms", 0, 1);
  parts.rows = static_cast<std::uint64_t>(metadata.number("rows", 0, kLarge));
  parts.rows_aside = static_cast<std::uint64_t>(metadata.number("rows_aside", 0, kLarge));
  for (std::size_t i = 0; i < kFeatures; ++i) {
    parts.usual[i] = {metadata.number(feature_key(i, "low"), -kLarge, kLarge),
                      metadata.number(feature_key(i, "high"), -kLarge, kLarge)};
  }
  if (!metadata.first_bad().empty()) {
    return refuse(fmt::format("lacks a sound value of '{}'", metadata.first_bad()));
  }

  const auto& nodes = model.graph().node();
  const auto ensemble = std::find_if(nodes.begin(), nodes.end(), [](const auto& node) {
    return node.op_type() == "TreeEnsembleRegressor";
  });
  if (ensemble == nodes.end()) {
    return refuse("holds no trees");
  }
  auto trees = read_trees(*ensemble);
  if (!trees) {
    return tl::unexpected<Error>(trees.error());
  }
  auto forest = IsolationForest::from_nodes(*trees, kFeatures, static_cast<std::size_t>(sample));
  if (!forest) {
    return fail_in("the anomaly model", forest.error());
  }
  parts.forest = std::move(*forest);
  return std::make_shared<const anomaly::Detector>(std::move(parts));
}

}  // namespace tidelimit::model
