#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "anomaly/detector.hpp"
#include "base/error.hpp"

namespace tidelimit::model {

/// The detector as an ONNX model (IR 8, ai.onnx 13, ai.onnx.ml 1): input `features` [N, F] float,
/// raw features in the order of traffic::Feature; output `score` [N, 1] float, the anomaly score.
/// The forest is one TreeEnsembleRegressor whose leaves hold path lengths and whose hit rates hold
/// the rows that reached each node; thresholds and usual ranges are metadata. Equal detectors give
/// equal bytes.
[[nodiscard]] std::string anomaly_to_onnx(const anomaly::Detector& detector);

/// Reads what anomaly_to_onnx wrote. Refuses what is damaged, foreign, of other features, or of
/// absurd size, and says which.
[[nodiscard]] Result<std::shared_ptr<const anomaly::Detector>> anomaly_from_onnx(
    std::string_view bytes);

}  // namespace tidelimit::model
