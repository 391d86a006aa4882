#pragma once

#include <cstddef>
#include <span>

namespace tidelimit::anomaly {

/// Rows of `columns` finite floats, row after row. Borrowed.
struct MatrixView {
  std::span<const float> values;
  std::size_t columns = 0;

  [[nodiscard]] std::size_t rows() const { return columns == 0 ? 0 : values.size() / columns; }
  [[nodiscard]] const float* row(std::size_t i) const { return values.data() + i * columns; }
};

}  // namespace tidelimit::anomaly
