// Writes the model files of random models, with inputs and what this program computes from them,
// for another program to compute the same: write_models FOLDER.

#include <fmt/format.h>
#include <fstream>

#include "model/anomaly_onnx.hpp"
#include "model/forecast_onnx.hpp"
#include "model/some_model.hpp"

namespace tidelimit::model {
namespace {

std::string list(const std::vector<float>& values) {
  std::string out = "[";
  for (const float v : values) out += fmt::format("{}{}", out.size() > 1 ? "," : "", v);
  return out + "]";
}

void write(const std::string& stem, const std::string& onnx, const std::string& dims,
           const std::vector<float>& inputs, const std::vector<float>& outputs) {
  std::ofstream(stem + ".onnx", std::ios::binary) << onnx;
  std::ofstream(stem + ".json") << fmt::format(R"({{"dims":{},"inputs":{},"outputs":{}}})", dims,
                                               list(inputs), list(outputs));
}

void write_forecaster(const std::string& folder, forecast::Preset preset, const char* name) {
  constexpr std::size_t kRows = 50;
  const auto model = some_forecaster(preset, 5);
  const auto& n = model->network.shape;
  Random random(1);
  std::vector<float> inputs(kRows * n.sequence_size());
  for (float& v : inputs) v = static_cast<float>(random.normal());
  write(folder + "/" + name, forecast_to_onnx(*model),
        fmt::format("[{},{},{}]", kRows, n.steps, n.features), inputs,
        forecast::run_network(*model, inputs).value());
}

void write_detector(const std::string& folder, anomaly::Setting setting, const char* name) {
  Random random(7);
  std::vector<traffic::ClientFeatures> rows(2000);
  for (auto& row : rows) {
    for (float& v : row.values) v = static_cast<float>(20 * random.exponential());
  }
  const auto detector = anomaly::train(rows, {.setting = setting}).value();
  rows.resize(200);
  std::vector<float> inputs, outputs;
  for (const auto& row : rows) {
    inputs.insert(inputs.end(), row.values.begin(), row.values.end());
    outputs.push_back(static_cast<float>(anomaly::score(*detector, row)));
  }
  write(folder + "/" + name, anomaly_to_onnx(*detector),
        fmt::format("[{},{}]", rows.size(), traffic::kFeatures), inputs, outputs);
}

}  // namespace
}  // namespace tidelimit::model

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  using tidelimit::forecast::Preset;
  tidelimit::model::write_forecaster(argv[1], Preset::baseline, "baseline");
  tidelimit::model::write_forecaster(argv[1], Preset::best, "best");
  using tidelimit::anomaly::Setting;
  tidelimit::model::write_detector(argv[1], Setting::plain, "anomaly_plain");
  tidelimit::model::write_detector(argv[1], Setting::best, "anomaly_best");
  return 0;
}
