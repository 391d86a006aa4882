#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace tidelimit::serve {

/// The body of a call of TensorFlow Serving's predict.
struct PredictBody {
  bool by_row = true;       ///< "instances", answered by "predictions"; else "inputs" by "outputs"
  std::vector<float> rows;  ///< [rows, shape...], row-major
};

/// Reads `{"instances": [...]}` (a list of tensors, or of objects with the one input and nothing
/// else, but not of both) or `{"inputs": ...}` (one tensor, or an object with it). `names`: those
/// of the input, the documented one first; `shape`: of one instance. What does not
/// fit ends the reading: memory follows the rows that fit, whatever a stranger sends. Errors:
/// invalid_argument, in words for the caller.
[[nodiscard]] Result<PredictBody> read_predict_body(std::string_view body,
                                                    std::span<const std::string_view> names,
                                                    std::span<const std::size_t> shape);

}  // namespace tidelimit::serve
