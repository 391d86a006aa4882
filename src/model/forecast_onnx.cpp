#include "model/forecast_onnx.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/time.hpp"
#include "forecast/model.hpp"
#include "model/features.hpp"
#include "model/onnx_file.hpp"

namespace tidelimit::model {
namespace {

using forecast::ForecastModel;
using forecast::ModelParts;
using forecast::NetworkShape;
using forecast::Preset;
using forecast::Tensor;

constexpr const char* kKind = "tidelimit.forecast";
constexpr const char* kKindVersion = "1";
constexpr const char* kWhat = "the forecast model";
constexpr std::size_t kMostEndpoints = 10'000;

/// Where ONNX's gates (i o f c) stand in oneDNN's order (i f c o).
constexpr std::array<std::size_t, 4> kGateFrom{0, 3, 1, 2};

const char* preset_name(Preset preset) {
  return preset == Preset::best ? "best" : "baseline";
}

std::string feature_names(Preset preset) {
  std::string names;
  for (const auto& feature : forecast_features(preset)) {
    names += (names.empty() ? "" : ",") + feature.name;
  }
  return names;
}

tl::unexpected<Error> refuse(const std::string& why) {
  return unsound(kWhat, why);
}

// ----------------------------------------------------------------------------------- gates

enum class Way : std::uint8_t { to_onnx, from_onnx };

/// Between [R, 4, H] with gates i f c o, as here, and ONNX's [4 H, R] with gates i o f c.
std::vector<float> permuted(Way way, const std::vector<float>& from, std::size_t rows,
                            std::size_t hidden) {
  std::vector<float> to(from.size());
  for (std::size_t g = 0; g < 4; ++g) {
    for (std::size_t h = 0; h < hidden; ++h) {
      for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t here = (r * 4 + kGateFrom[g]) * hidden + h;
        const std::size_t there = (g * hidden + h) * rows + r;
        if (way == Way::to_onnx) {
          to[there] = from[here];
        } else {
          to[here] = from[there];
        }
      }
    }
  }
  return to;
}

// --------------------------------------------------------------------------------- writing

void add_int(onnx::NodeProto& node, const char* name, std::int64_t value) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->set_i(value);
}

void add_ints(onnx::NodeProto& node, const char* name, std::initializer_list<std::int64_t> values) {
  auto* attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INTS);
  for (const auto value : values) attribute->add_ints(value);
}

/// The computation alone; the same for all models of one shape.
void add_nodes(onnx::GraphProto& graph, const NetworkShape& n) {
  const auto dim = [](std::size_t size) { return static_cast<std::int64_t>(size); };
  add_value(*graph.add_input(), "sequences", {dim(n.steps), dim(n.features)});
  add_ints(add_node(graph, "Transpose", {"sequences"}, "steps"), "perm", {1, 0, 2});
  onnx::NodeProto& lstm = add_node(graph, "LSTM", {"steps", "lstm_w", "lstm_r", "lstm_b"}, "");
  lstm.set_name("lstm");
  lstm.add_output("last_hidden");  // the second output, [1, N, H]; the first is not wanted
  add_int(lstm, "hidden_size", dim(n.hidden));
  add_node(graph, "Squeeze", {"last_hidden", "first_axis"}, "hidden");
  add_node(graph, "Gemm", {"hidden", "dense_w", "dense_b"}, "forecast");
  auto* axis = graph.add_initializer();
  axis->set_name("first_axis");
  axis->set_data_type(onnx::TensorProto::INT64);
  axis->add_dims(1);
  axis->add_int64_data(0);
  add_value(*graph.add_output(), "forecast", {dim(n.outputs)});
}

void add_weights(onnx::GraphProto& graph, const NetworkShape& n,
                 std::map<std::string, std::vector<float>>& tensors) {
  const auto dim = [](std::size_t size) { return static_cast<std::int64_t>(size); };
  const std::int64_t gates = dim(4 * n.hidden);
  add_constant(graph, "lstm_w", {1, gates, dim(n.features)},
               permuted(Way::to_onnx, tensors["input_weights"], n.features, n.hidden));
  add_constant(graph, "lstm_r", {1, gates, dim(n.hidden)},
               permuted(Way::to_onnx, tensors["recurrent_weights"], n.hidden, n.hidden));
  auto bias = permuted(Way::to_onnx, tensors["bias"], 1, n.hidden);
  bias.resize(2 * bias.size(), 0.0F);  // ONNX has a second bias, for the recurrence
  add_constant(graph, "lstm_b", {1, 2 * gates}, bias);
  add_constant(graph, "dense_w", {dim(n.hidden), dim(n.outputs)}, tensors["dense_weights"]);
  add_constant(graph, "dense_b", {dim(n.outputs)}, tensors["dense_bias"]);
}

/// Tensors beside the network: metadata.
std::vector<std::string> other_tensors(Preset preset) {
  if (preset == Preset::baseline) return {"scaling", "residuals"};
  return {"scaling",       "residuals",    "linear_plain", "linear_log",
          "linear_change", "linear_shape", "member_prior"};
}

// --------------------------------------------------------------------------------- reading

std::optional<Preset> parse_preset(const std::string& text) {
  for (const Preset preset : {Preset::baseline, Preset::best}) {
    if (text == preset_name(preset)) return preset;
  }
  return {};
}

std::optional<std::vector<std::string>> parse_endpoints(const std::string& text) {
  const auto list = nlohmann::json::parse(text, nullptr, false);
  if (!list.is_array() || list.size() > kMostEndpoints) return {};
  std::vector<std::string> endpoints;
  for (const auto& name : list) {
    if (!name.is_string()) return {};
    endpoints.push_back(name.get<std::string>());
  }
  return endpoints;
}

Nanos duration(OnnxMetadata& metadata, const std::string& key) {
  const auto parsed = parse_duration(metadata.text(key));
  if (parsed) return *parsed;
  metadata.note(key);
  return Nanos{1};
}

/// A constant of the graph of exactly this shape.
Result<std::vector<float>> constant(const onnx::GraphProto& graph, const std::string& name,
                                    const std::vector<std::size_t>& shape) {
  const auto& all = graph.initializer();
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const auto& t) { return t.name() == name; });
  if (found == all.end()) return refuse(fmt::format("lacks the constant '{}'", name));
  std::size_t size = 1;
  bool fits = found->dims_size() == static_cast<int>(shape.size()) &&
              found->data_type() == onnx::TensorProto::FLOAT;
  for (std::size_t d = 0; d < shape.size() && fits; ++d) {
    fits = found->dims(static_cast<int>(d)) == static_cast<std::int64_t>(shape[d]);
    size *= shape[d];
  }
  if (!fits || static_cast<std::size_t>(found->float_data_size()) != size) {
    return refuse(fmt::format("has a constant '{}' of another shape than its {} needs", name,
                              "window, history and horizon"));
  }
  return std::vector<float>(found->float_data().begin(), found->float_data().end());
}

/// The network's weights, gates back in oneDNN's order.
Result<void> read_weights(const onnx::GraphProto& graph, const NetworkShape& n, ModelParts& parts) {
  const std::size_t gates = 4 * n.hidden;
  const auto w = constant(graph, "lstm_w", {1, gates, n.features});
  const auto r = constant(graph, "lstm_r", {1, gates, n.hidden});
  const auto b = constant(graph, "lstm_b", {1, 2 * gates});
  const auto dense_w = constant(graph, "dense_w", {n.hidden, n.outputs});
  const auto dense_b = constant(graph, "dense_b", {n.outputs});
  for (const auto* read : {&w, &r, &b, &dense_w, &dense_b}) {
    if (!*read) return tl::unexpected(read->error());
  }
  std::vector<float> bias(gates);
  for (std::size_t i = 0; i < gates; ++i)
    bias[i] = (*b)[gates + i] == 0 ? (*b)[i] : (*b)[i] + (*b)[gates + i];
  const auto put = [&](const char* name, std::vector<float> values) {
    parts.tensors.push_back({name, {static_cast<std::int64_t>(values.size())}, std::move(values)});
  };
  put("input_weights", permuted(Way::from_onnx, *w, n.features, n.hidden));
  put("recurrent_weights", permuted(Way::from_onnx, *r, n.hidden, n.hidden));
  put("bias", permuted(Way::from_onnx, bias, 1, n.hidden));
  put("dense_weights", *dense_w);
  put("dense_bias", *dense_b);
  return {};
}

/// The nodes decide what others compute from this file, so they must be the ones written here.
Result<void> check_nodes(const onnx::GraphProto& graph, const NetworkShape& shape) {
  onnx::GraphProto expected;
  add_nodes(expected, shape);
  bool same = graph.node_size() == expected.node_size();
  for (int i = 0; i < expected.node_size() && same; ++i) {
    same = graph.node(i).SerializeAsString() == expected.node(i).SerializeAsString();
  }
  same = same && graph.input_size() == 1 && graph.output_size() == 1 &&
         graph.input(0).SerializeAsString() == expected.input(0).SerializeAsString() &&
         graph.output(0).SerializeAsString() == expected.output(0).SerializeAsString();
  if (same) return {};
  return refuse("has a graph that this program does not compute: train it anew");
}

}  // namespace

std::string forecast_to_onnx(const ForecastModel& model) {
  const ModelParts parts = to_parts(model);
  std::map<std::string, std::vector<float>> tensors;
  for (const Tensor& tensor : parts.tensors) tensors[tensor.name] = tensor.values;

  onnx::ModelProto file = make_onnx_model();
  add_metadata(file, kKind, kKindVersion);
  add_metadata(file, "preset", preset_name(parts.preset));
  add_metadata(file, "features", feature_names(parts.preset));
  add_metadata(file, "window", format_duration(parts.shape.window));
  add_metadata(file, "history", format_duration(parts.shape.history));
  add_metadata(file, "horizon", format_duration(parts.shape.horizon));
  add_metadata(file, "endpoints",
               nlohmann::json(parts.endpoints)
                   .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  add_metadata(file, "validation_mae", fmt::format("{}", parts.validation_mae));
  add_metadata(file, "best_epoch", fmt::format("{}", parts.best_epoch));
  for (const std::string& name : other_tensors(parts.preset)) {
    add_metadata(file, name, floats_text(tensors[name]));
  }
  if (tensors.count("past") > 0) {
    add_metadata(file, "past_start", format_time(parts.past_start));
    add_metadata(file, "past", floats_text(tensors["past"]));
  }
  onnx::GraphProto& graph = *file.mutable_graph();
  graph.set_name("forecast");
  const NetworkShape shape = network_shape(parts.preset, parts.shape);
  add_nodes(graph, shape);
  add_weights(graph, shape, tensors);
  return file.SerializeAsString();
}

Result<std::shared_ptr<const ForecastModel>> forecast_from_onnx(std::string_view bytes) {
  const auto file = parse_onnx(bytes, kWhat);
  if (!file) return tl::unexpected(file.error());
  OnnxMetadata metadata(*file);
  if (auto ours = check_kind(metadata, kKind, kKindVersion, kWhat); !ours) {
    return tl::unexpected(ours.error());
  }
  const auto preset = parse_preset(metadata.text("preset"));
  if (!preset) return refuse("has an unknown preset: train it anew");
  if (auto same = check_features(metadata, feature_names(*preset), kWhat); !same)
    return tl::unexpected(same.error());

  ModelParts parts;
  parts.preset = *preset;
  parts.shape = {duration(metadata, "window"), duration(metadata, "history"),
                 duration(metadata, "horizon")};
  parts.validation_mae = metadata.number("validation_mae", 0, 1e300);
  parts.best_epoch = static_cast<int>(metadata.number("best_epoch", 0, 1e6));
  for (const std::string& name : other_tensors(*preset)) {
    const bool newer = name == "linear_change" || name == "linear_shape";
    if (newer && !metadata.has(name)) continue;  // not in files of older programs
    auto values = metadata.floats(name);
    parts.tensors.push_back({name, {static_cast<std::int64_t>(values.size())}, std::move(values)});
  }
  if (metadata.has("past")) {  // not in files of older programs
    auto values = metadata.floats("past");
    parts.tensors.push_back(
        {"past", {static_cast<std::int64_t>(values.size())}, std::move(values)});
    const auto start = parse_time(metadata.text("past_start"));
    if (!start) metadata.note("past_start");
    parts.past_start = start.value_or(WallTime{});
  }
  auto endpoints = parse_endpoints(metadata.text("endpoints"));
  if (!endpoints) metadata.note("endpoints");
  if (auto sound = check_sound(metadata, kWhat); !sound) return tl::unexpected(sound.error());
  parts.endpoints = std::move(*endpoints);
  if (auto problem = shape_problem(parts.shape); !problem.empty()) {
    return refuse("does not fit: " + problem);
  }
  const NetworkShape shape = network_shape(*preset, parts.shape);
  if (auto same = check_nodes(file->graph(), shape); !same) return tl::unexpected(same.error());
  if (auto read = read_weights(file->graph(), shape, parts); !read) {
    return tl::unexpected(read.error());
  }
  return from_parts(std::move(parts));
}

}  // namespace tidelimit::model
