#include "model/onnx_file.hpp"

#include <charconv>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <optional>

#include "base/text.hpp"

namespace tidelimit::model {

onnx::ModelProto make_onnx_model() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("tidelimit");
  auto* opset = model.add_opset_import();
  opset->set_domain("");
  opset->set_version(13);
  return model;
}

void add_metadata(onnx::ModelProto& model, const std::string& key, const std::string& value) {
  auto* entry = model.add_metadata_props();
  entry->set_key(key);
  entry->set_value(value);
}

void add_constant(onnx::GraphProto& graph, const std::string& name,
                  const std::vector<std::int64_t>& shape, const std::vector<float>& values) {
  auto* tensor = graph.add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::FLOAT);
  for (const auto dim : shape) tensor->add_dims(dim);
  for (const float value : values) tensor->add_float_data(value);
}

void add_double_constant(onnx::GraphProto& graph, const std::string& name,
                         const std::vector<std::int64_t>& shape,
                         const std::vector<double>& values) {
  auto* tensor = graph.add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(onnx::TensorProto::DOUBLE);
  for (const auto dim : shape) tensor->add_dims(dim);
  for (const double value : values) tensor->add_double_data(value);
}

onnx::NodeProto& add_node(onnx::GraphProto& graph, const std::string& op,
                          const std::vector<std::string>& inputs, const std::string& output) {
  auto* node = graph.add_node();
  node->set_op_type(op);
  node->set_name(output);
  for (const std::string& input : inputs) node->add_input(input);
  node->add_output(output);
  return *node;
}

void add_value(onnx::ValueInfoProto& value, const std::string& name,
               const std::vector<std::int64_t>& dims) {
  value.set_name(name);
  auto* type = value.mutable_type()->mutable_tensor_type();
  type->set_elem_type(onnx::TensorProto::FLOAT);
  type->mutable_shape()->add_dim()->set_dim_param("N");
  for (const auto dim : dims) type->mutable_shape()->add_dim()->set_dim_value(dim);
}

OnnxMetadata::OnnxMetadata(const onnx::ModelProto& model) {
  for (const auto& entry : model.metadata_props()) values_[entry.key()] = entry.value();
}

const std::string& OnnxMetadata::text(const std::string& key) {
  const auto found = values_.find(key);
  if (found != values_.end()) return found->second;
  note(key);
  return empty_;
}

double OnnxMetadata::number(const std::string& key, double low, double high) {
  const std::optional<double> value = parse_double(text(key));
  if (value && *value >= low && *value <= high) return *value;
  note(key);
  return low;
}

std::vector<float> OnnxMetadata::floats(const std::string& key) {
  const std::string& written = text(key);
  std::vector<float> out;
  if (written.empty()) return out;
  for (const std::string_view word : split(written, ',')) {
    float value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc{} || end != word.data() + word.size() || !std::isfinite(value)) {
      note(key);
      return {};
    }
    out.push_back(value);
  }
  return out;
}

void OnnxMetadata::note(const std::string& key) {
  if (first_bad_.empty()) first_bad_ = key;
}

std::string floats_text(const std::vector<float>& values) {
  std::string out;
  for (const float value : values) {
    if (!out.empty()) out += ',';
    out += fmt::format("{}", value);
  }
  return out;
}

tl::unexpected<Error> unsound(const std::string& what, const std::string& why) {
  return fail(Code::data_loss, what + " " + why);
}

Result<onnx::ModelProto> parse_onnx(std::string_view bytes, const std::string& what) {
  if (bytes.size() > kMostOnnxBytes) {
    return fail(Code::data_loss, fmt::format("{} has {} bytes; at most {} are read", what,
                                             bytes.size(), kMostOnnxBytes));
  }
  onnx::ModelProto model;
  if (bytes.empty() || !model.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return fail(Code::data_loss, what + " is no ONNX file, or a damaged one");
  }
  return model;
}

Result<void> check_kind(OnnxMetadata& metadata, const std::string& kind, const std::string& version,
                        const std::string& what) {
  const std::string found = metadata.text(kind);
  if (found == version) return {};
  if (found.empty()) {
    return fail(Code::failed_precondition,
                what + " was not made by tidelimit: train one with `tidelimit train`");
  }
  return fail(Code::failed_precondition,
              fmt::format("{} has version {}, this program reads {}: train it anew", what,
                          printable(found), version));
}

Result<void> check_features(OnnxMetadata& metadata, const std::string& known,
                            const std::string& what) {
  const std::string& features = metadata.text("features");
  if (features == known) return {};
  return fail(Code::failed_precondition,
              fmt::format("{} knows the features {}, this program {}: train it anew", what,
                          printable(features), known));
}

Result<void> check_sound(const OnnxMetadata& metadata, const std::string& what) {
  if (metadata.first_bad().empty()) return {};
  return unsound(what, fmt::format("lacks a sound value of '{}'", metadata.first_bad()));
}

}  // namespace tidelimit::model
