#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "forecast/forecaster.hpp"

namespace tidelimit::model {

/// The forecaster as an ONNX model (IR 8, ai.onnx 13): input `sequences` [N, T, F] float, as
/// forecast/frames.hpp cuts them; output `forecast` [N, O] float, the network's raw outputs. One
/// LSTM and one Gemm; the gates change here from oneDNN's order (i f c o) to ONNX's (i o f c) and
/// back. Scaling, linear members, weights of members and residuals are metadata, text that gives
/// every float back bit by bit. Equal models give equal bytes.
[[nodiscard]] std::string forecast_to_onnx(const forecast::ForecastModel& model);

/// Reads what forecast_to_onnx wrote. Refuses what is damaged, foreign, of other features, or with
/// a graph that this program would not compute, and says which.
[[nodiscard]] Result<std::shared_ptr<const forecast::ForecastModel>> forecast_from_onnx(
    std::string_view bytes);

}  // namespace tidelimit::model
