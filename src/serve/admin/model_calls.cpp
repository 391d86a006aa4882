#include <charconv>
#include <fmt/format.h>

#include "anomaly/detector_model.hpp"
#include "base/ascii.hpp"
#include "base/text.hpp"
#include "forecast/model.hpp"
#include "serve/admin/calls.hpp"
#include "serve/admin/json.hpp"
#include "serve/admin/predict_body.hpp"

// TensorFlow Serving's REST for both models: status, metadata, predict; errors as {"error": …}.
namespace tidelimit::serve {
namespace {

using nlohmann::json;

/// The tensors of one model as its callers see them.
struct Servable {
  std::string name;
  std::string version;                   ///< a whole number
  std::vector<std::string_view> inputs;  ///< names of the one input, the documented one first
  std::string output;
  std::vector<std::size_t> input_shape;   ///< of one instance
  std::vector<std::size_t> output_shape;  ///< of one prediction; empty: a plain number
  std::function<Result<std::vector<float>>(std::span<const float>)> run;

  [[nodiscard]] std::size_t prediction_size() const { return product(output_shape); }

 private:
  static std::size_t product(const std::vector<std::size_t>& shape) {
    std::size_t size = 1;
    for (const std::size_t length : shape) size *= length;
    return size;
  }
};

/// A bundle's version, "20261124T101500Z-1a2b3c4d", as the whole number that callers of the
/// original expect: the end of the training and four digits of the digest. A later training's is
/// greater.
std::string version_number(const std::string& version) {
  const std::size_t dash = version.find('-');
  std::string digits;
  for (const char c : version.substr(0, dash))
    if (is_digit(c)) digits += c;
  unsigned long digest = 0;
  if (dash != std::string::npos)
    std::from_chars(version.data() + dash + 1, version.data() + version.size(), digest, 16);
  return fmt::format("{}{:04}", digits, digest % 10'000);
}

Servable traffic_servable(const model::Bundle& bundle) {
  const auto network = bundle.forecast;
  const forecast::NetworkShape& shape = forecast::network_input_shape(*network);
  return {.name = "traffic",
          .version = version_number(bundle.manifest.forecast_version),
          .inputs = {"sequence", "sequences"},  // the latter as traffic.onnx has it
          .output = "forecast",
          .input_shape = {shape.steps, shape.features},
          .output_shape = {shape.outputs},
          .run = [network](std::span<const float> rows) {
            return forecast::run_network(*network, rows);
          }};
}

Servable anomaly_servable(const model::Bundle& bundle) {
  const auto detector = bundle.anomaly;
  return {.name = "anomaly",
          .version = version_number(bundle.manifest.anomaly_version),
          .inputs = {"features"},
          .output = "score",
          .input_shape = {traffic::kFeatures},
          .output_shape = {},
          .run = [detector](std::span<const float> rows) -> Result<std::vector<float>> {
            std::vector<float> scores;
            for (; !rows.empty(); rows = rows.subspan(traffic::kFeatures)) {
              traffic::ClientFeatures features;
              std::copy_n(rows.begin(), traffic::kFeatures, features.values.begin());
              scores.push_back(static_cast<float>(anomaly::score(*detector, features)));
            }
            return scores;
          }};
}

/// What a path names: the segment after `models`, after `versions`, and the verb behind a colon.
struct ModelPath {
  std::string name;
  std::string version;
  std::string verb;
};

ModelPath read_path(const DeskCall& call) {
  ModelPath path{.name = call.path[2], .version = {}, .verb = {}};
  if (call.path.size() > 4 && call.path[3] == "versions") path.version = call.path[4];
  std::string& last = path.version.empty() ? path.name : path.version;
  if (const std::size_t colon = last.find(':'); colon != std::string::npos) {
    path.verb = last.substr(colon + 1);
    last.resize(colon);
  }
  return path;
}

tl::expected<Servable, Response> find_model(const DeskContext& context, const ModelPath& path) {
  const auto bundle = context.engine.models();
  if (path.name != "traffic" && path.name != "anomaly")
    return tl::unexpected(model_error(
        404, fmt::format("Could not find any versions of model {}; there are traffic and anomaly",
                         printable(path.name, 64))));
  const bool traffic = path.name == "traffic";
  const bool loaded =
      bundle != nullptr && (traffic ? bundle->forecast != nullptr : bundle->anomaly != nullptr);
  if (!loaded)
    return tl::unexpected(
        model_error(404, fmt::format("Model {} is not loaded: the configuration names no bundle "
                                     "that holds it, or one that can't be read (/readyz?verbose)",
                                     path.name)));
  const std::string& version =
      traffic ? bundle->manifest.forecast_version : bundle->manifest.anomaly_version;
  if (!path.version.empty() && path.version != version && path.version != version_number(version))
    return tl::unexpected(model_error(
        404, fmt::format("Servable not found for request: Specific({}, {}); the version is {}",
                         path.name, printable(path.version, 64), version_number(version))));
  return traffic ? traffic_servable(*bundle) : anomaly_servable(*bundle);
}

json shape_json(const std::vector<std::size_t>& shape) {
  json dims = json::array({{{"size", "-1"}, {"name", ""}}});
  for (const std::size_t length : shape)
    dims.push_back({{"size", std::to_string(length)}, {"name", ""}});
  return {{"dim", std::move(dims)}, {"unknown_rank", false}};
}

json tensor_json(const std::string& name, const std::vector<std::size_t>& shape) {
  return {{"dtype", "DT_FLOAT"}, {"name", name + ":0"}, {"tensor_shape", shape_json(shape)}};
}

}  // namespace

Response model_error(int status, const std::string& why) {
  return json_response({{"error", why}}, status);
}

Response get_model(const DeskContext& context, const DeskCall& call) {
  const ModelPath path = read_path(call);
  if (!path.verb.empty()) return model_error(405, "a verb such as :predict takes POST");
  const auto model = find_model(context, path);
  if (!model) return model.error();
  return json_response(
      {{"model_version_status",
        json::array({{{"version", model->version},
                      {"state", "AVAILABLE"},
                      {"status", {{"error_code", "OK"}, {"error_message", ""}}}}})}});
}

Response get_model_metadata(const DeskContext& context, const DeskCall& call) {
  const auto model = find_model(context, read_path(call));
  if (!model) return model.error();
  const std::string input(model->inputs.front());
  const json signature = {
      {"inputs", {{input, tensor_json(input, model->input_shape)}}},
      {"outputs", {{model->output, tensor_json(model->output, model->output_shape)}}},
      {"method_name", "tensorflow/serving/predict"}};
  return json_response(
      {{"model_spec", {{"name", model->name}, {"signature_name", ""}, {"version", model->version}}},
       {"metadata", {{"signature_def", {{"signature_def", {{"serving_default", signature}}}}}}}});
}

Response refuse_label(const DeskContext&, const DeskCall& call) {
  const std::string label = call.path[4].substr(0, call.path[4].find(':'));
  return model_error(404, fmt::format("Unrecognized servable version label: {}; versions have no "
                                      "labels here: leave it out, or name a version",
                                      printable(label, 64)));
}

Response post_predict(const DeskContext& context, const DeskCall& call) {
  const ModelPath path = read_path(call);
  if (path.verb != "predict")
    return model_error(400, fmt::format("Malformed request: POST {}; the verb is :predict",
                                        printable(call.target, 100)));
  const auto model = find_model(context, path);
  if (!model) return model.error();
  const auto body = read_predict_body(call.body, model->inputs, model->input_shape);
  if (!body) return model_error(400, body.error().message);

  json predictions = json::array();
  if (!body->rows.empty()) {
    const auto outputs = model->run(body->rows);
    if (!outputs) return model_error(http_status(outputs.error().code), outputs.error().message);
    const std::size_t width = model->prediction_size();
    for (std::size_t at = 0; at < outputs->size(); at += width) {
      if (model->output_shape.empty()) {
        predictions.push_back((*outputs)[at]);
      } else {
        predictions.push_back(
            std::vector<float>(outputs->begin() + static_cast<std::ptrdiff_t>(at),
                               outputs->begin() + static_cast<std::ptrdiff_t>(at + width)));
      }
    }
  }
  return json_response({{body->by_row ? "predictions" : "outputs", predictions}});
}

}  // namespace tidelimit::serve
