#include "model/anomaly_onnx.hpp"

#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <onnx/onnx_pb.h>
#include <optional>
#include <vector>

#include "anomaly/detector_model.hpp"
#include "model/onnx_file.hpp"
#include "model/tree_ensemble.hpp"

namespace tidelimit::model {
namespace {

using anomaly::DetectorParts;
using anomaly::DistanceTrees;
using anomaly::IsolationForest;
using traffic::Feature;
using traffic::kFeatures;

constexpr const char* kKind = "tidelimit.anomaly";
constexpr const char* kKindVersion = "1";          // trees over the features alone
constexpr const char* kWithDistanceVersion = "2";  // and over the distance from the bulk
constexpr const char* kWhat = "the anomaly model";
constexpr std::size_t kMostSample = 1u << 16;
constexpr double kMostDistanceTrees = 10000;
constexpr double kLarge = 1e15;
constexpr const char* kPlainRate = "harm.plain_requests_per_minute";
constexpr const char* kFailedPaths = "harm.failed_paths";
constexpr std::size_t kMostTiers = 256;

// ---------------------------------------------------------------------------------- writing

std::string feature_key(std::size_t feature, const char* what) {
  return fmt::format("usual.{}.{}", traffic::to_string(static_cast<Feature>(feature)), what);
}

/// Of the ranges of the tier at this place: "tier.0" has its name, "tier.0.usual..." what is usual.
std::string tier_key(std::size_t tier) {
  return fmt::format("tier.{}", tier);
}

void add_ranges(onnx::ModelProto& model, const std::string& prefix,
                const anomaly::UsualRanges& usual) {
  for (std::size_t i = 0; i < kFeatures; ++i) {
    add_metadata(model, prefix + feature_key(i, "low"), fmt::format("{}", usual[i].low));
    add_metadata(model, prefix + feature_key(i, "high"), fmt::format("{}", usual[i].high));
  }
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
  const auto& distance = parts.forest.distance_trees();
  add_metadata(model, kKind, distance ? kWithDistanceVersion : kKindVersion);
  if (distance) add("distance_trees", static_cast<double>(distance->count));
  add_metadata(model, "features", feature_names());
  add("sample", static_cast<double>(parts.forest.sample()));
  add("threshold", parts.threshold);
  add("harm.error_ratio", parts.harm.error_ratio);
  add("harm.requests_per_minute", parts.harm.requests_per_minute);
  if (std::isfinite(parts.harm.plain_requests_per_minute))
    add(kPlainRate, parts.harm.plain_requests_per_minute);
  if (std::isfinite(parts.harm.failed_paths)) add(kFailedPaths, parts.harm.failed_paths);
  add("contamination", parts.contamination);
  add("false_alarms", parts.false_alarms);
  add("rows", static_cast<double>(parts.rows));
  add("rows_aside", static_cast<double>(parts.rows_aside));
  add_ranges(model, "", parts.usual);
  for (std::size_t i = 0; i < parts.tiers.size(); ++i) {
    add_metadata(model, tier_key(i), parts.tiers[i].tier);
    add_ranges(model, tier_key(i) + ".", parts.tiers[i].usual);
  }
}

void add_cast(onnx::GraphProto& graph, const char* from, onnx::TensorProto::DataType type,
              const char* to) {
  auto* attribute = add_node(graph, "Cast", {from}, to).add_attribute();
  attribute->set_name("to");
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->set_i(type);
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
  add_double_constant(graph, "one", {1}, {1.0});
  add_node(graph, "IsNaN", {"features"}, "missing");
  add_node(graph, "Where", {"missing", "zero", "features"}, "known");
  add_node(graph, "Max", {"known", "zero"}, "positive");
  add_cast(graph, "positive", onnx::TensorProto::DOUBLE, "positive_double");
  add_node(graph, "Add", {"positive_double", "one"}, "plus_one");
  add_node(graph, "Log", {"plus_one"}, "logarithm_double");
  add_cast(graph, "logarithm_double", onnx::TensorProto::FLOAT, "logarithm");
  add_node(graph, "Greater", {"is_log", "zero"}, "log_columns");
  add_node(graph, "Where", {"log_columns", "logarithm", "known"}, "scaled");
}

/// The squared distance from the bulk, in double as anomaly/ellipsoid.hpp has it, and what the
/// trees over it say; then the mean over all trees.
void add_distance(onnx::GraphProto& graph, const DistanceTrees& distance, std::size_t trees) {
  const auto f = static_cast<std::int64_t>(kFeatures);
  std::vector<double> transposed(kFeatures * kFeatures);
  for (std::size_t a = 0; a < kFeatures; ++a) {
    for (std::size_t b = 0; b < kFeatures; ++b) {
      transposed[b * kFeatures + a] = distance.ellipsoid.whitening()[a * kFeatures + b];
    }
  }
  add_double_constant(graph, "centre", {f}, distance.ellipsoid.centre());
  add_double_constant(graph, "whitening", {f, f}, transposed);
  add_double_constant(graph, "farthest", {1}, {anomaly::Ellipsoid::kFarthest});
  add_cast(graph, "scaled", onnx::TensorProto::DOUBLE, "scaled_double");
  add_node(graph, "Sub", {"scaled_double", "centre"}, "centred");
  add_node(graph, "MatMul", {"centred", "whitening"}, "whitened");
  auto& sum = add_node(graph, "ReduceSumSquare", {"whitened"}, "distance_double");
  auto* axes = sum.add_attribute();
  axes->set_name("axes");
  axes->set_type(onnx::AttributeProto::INTS);
  axes->add_ints(1);
  add_node(graph, "Min", {"distance_double", "farthest"}, "near_enough");
  add_cast(graph, "near_enough", onnx::TensorProto::FLOAT, "distance");
  write_curve(add_node(graph, "TreeEnsembleRegressor", {"distance"}, "distance_length"),
              distance.curve);
  const auto all = static_cast<double>(trees + distance.count);
  add_constant(graph, "grown_share", {1}, {static_cast<float>(static_cast<double>(trees) / all)});
  add_constant(graph, "distance_share", {1},
               {static_cast<float>(static_cast<double>(distance.count) / all)});
  add_node(graph, "Mul", {"grown_length", "grown_share"}, "grown_part");
  add_node(graph, "Mul", {"distance_length", "distance_share"}, "distance_part");
  add_node(graph, "Add", {"grown_part", "distance_part"}, "mean_path_length");
}

// ---------------------------------------------------------------------------------- reading

tl::unexpected<Error> refuse(const std::string& why) {
  return unsound(kWhat, why);
}

/// The ensemble whose output is so called; null if there is none.
const onnx::NodeProto* find_node(const onnx::ModelProto& model, const char* output) {
  for (const auto& node : model.graph().node()) {
    if (node.op_type() == "TreeEnsembleRegressor" && node.output_size() == 1 &&
        node.output(0) == output) {
      return &node;
    }
  }
  return nullptr;
}

std::vector<double> doubles(const onnx::ModelProto& model, const char* name) {
  for (const auto& tensor : model.graph().initializer()) {
    if (tensor.name() == name) return {tensor.double_data().begin(), tensor.double_data().end()};
  }
  return {};
}

anomaly::UsualRanges read_ranges(OnnxMetadata& metadata, const std::string& prefix) {
  anomaly::UsualRanges usual;
  for (std::size_t i = 0; i < kFeatures; ++i) {
    usual[i] = {metadata.number(prefix + feature_key(i, "low"), -kLarge, kLarge),
                metadata.number(prefix + feature_key(i, "high"), -kLarge, kLarge)};
  }
  return usual;
}

/// `count`: of the trees over the distance from the bulk; 0: the model knows none.
Result<std::optional<DistanceTrees>> read_distance(const onnx::ModelProto& model,
                                                   std::size_t count) {
  if (count == 0) return std::nullopt;
  const onnx::NodeProto* ensemble = find_node(model, "distance_length");
  if (ensemble == nullptr) return refuse("holds no trees over the distance");
  auto curve = read_curve(*ensemble);
  if (!curve) return tl::unexpected(curve.error());
  const std::vector<double> transposed = doubles(model, "whitening");
  std::vector<double> centre = doubles(model, "centre");
  if (centre.size() != kFeatures || transposed.size() != kFeatures * kFeatures) {
    return refuse("has a distance over other features");
  }
  std::vector<double> whitening(transposed.size());
  for (std::size_t a = 0; a < kFeatures; ++a) {
    for (std::size_t b = 0; b < kFeatures; ++b) {
      whitening[a * kFeatures + b] = transposed[b * kFeatures + a];
    }
  }
  return DistanceTrees{count, {std::move(centre), std::move(whitening)}, std::move(*curve)};
}

DetectorParts read_all_but_forest(OnnxMetadata& metadata) {
  DetectorParts parts;
  parts.threshold = metadata.number("threshold", 0, 1);
  parts.harm.error_ratio = metadata.number("harm.error_ratio", 0, 1);
  parts.harm.requests_per_minute = metadata.number("harm.requests_per_minute", 0, kLarge);
  // Bundles of earlier versions know neither.
  if (metadata.has(kPlainRate))
    parts.harm.plain_requests_per_minute = metadata.number(kPlainRate, 0, kLarge);
  if (metadata.has(kFailedPaths))
    parts.harm.failed_paths = metadata.number(kFailedPaths, 0, kLarge);
  parts.contamination = metadata.number("contamination", 0, 1);
  parts.false_alarms = metadata.number("false_alarms", 0, 1);
  parts.rows = static_cast<std::uint64_t>(metadata.number("rows", 0, kLarge));
  parts.rows_aside = static_cast<std::uint64_t>(metadata.number("rows_aside", 0, kLarge));
  parts.usual = read_ranges(metadata, "");
  // Bundles of earlier versions know no tiers.
  for (std::size_t i = 0; i < kMostTiers && metadata.has(tier_key(i)); ++i)
    parts.tiers.push_back({metadata.text(tier_key(i)), read_ranges(metadata, tier_key(i) + ".")});
  return parts;
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
  const auto& distance = parts.forest.distance_trees();
  write_forest(add_node(graph, "TreeEnsembleRegressor", {"scaled"},
                        distance ? "grown_length" : "mean_path_length"),
               parts.forest);
  if (distance) add_distance(graph, *distance, parts.forest.trees());
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
  const bool with_distance = metadata.text(kKind) == kWithDistanceVersion;
  const char* version = with_distance ? kWithDistanceVersion : kKindVersion;
  if (auto ours = check_kind(metadata, kKind, version, kWhat); !ours) {
    return tl::unexpected(ours.error());
  }
  if (auto same = check_features(metadata, feature_names(), kWhat); !same)
    return tl::unexpected(same.error());

  const double sample = metadata.number("sample", 2, kMostSample);
  DetectorParts parts = read_all_but_forest(metadata);
  const double distance_trees =
      with_distance ? metadata.number("distance_trees", 1, kMostDistanceTrees) : 0;
  if (auto sound = check_sound(metadata, kWhat); !sound) return tl::unexpected(sound.error());
  const onnx::NodeProto* ensemble =
      find_node(model, with_distance ? "grown_length" : "mean_path_length");
  if (ensemble == nullptr) return refuse("holds no trees");
  auto trees = read_forest(*ensemble);
  if (!trees) return tl::unexpected(trees.error());
  auto distance = read_distance(model, static_cast<std::size_t>(distance_trees));
  if (!distance) return tl::unexpected(distance.error());
  auto forest = IsolationForest::from_nodes(*trees, kFeatures, static_cast<std::size_t>(sample),
                                            std::move(*distance));
  if (!forest) return fail_in(kWhat, forest.error());
  parts.forest = std::move(*forest);
  return std::make_shared<const anomaly::Detector>(std::move(parts));
}

}  // namespace tidelimit::model
