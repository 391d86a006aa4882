#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/random.hpp"

namespace tidelimit::anomaly {

/// Draws `count` of `rows` rows without replacement, again and again; every draw depends on its
/// random stream alone. Costs by the count, not by the rows: of many rows it draws until it has
/// enough different ones, of few it shuffles.
class RowDraw {
 public:
  /// count <= rows, rows < 2^32 - 1
  RowDraw(std::size_t rows, std::size_t count);

  /// Row numbers in random order; valid until the next draw.
  [[nodiscard]] const std::vector<std::uint32_t>& next(Random& random);

 private:
  void shuffle(Random& random);
  [[nodiscard]] bool insert(std::uint32_t row);

  std::size_t rows_;
  std::vector<std::uint32_t> drawn_;
  std::vector<std::uint32_t> table_;  ///< of few rows: their order; else a hash set of those drawn
};

}  // namespace tidelimit::anomaly
