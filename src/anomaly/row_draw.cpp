#include "anomaly/row_draw.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

namespace tidelimit::anomaly {
namespace {

constexpr std::uint32_t kFree = UINT32_MAX;

}  // namespace

RowDraw::RowDraw(std::size_t rows, std::size_t count)
    : rows_(rows),
      drawn_(count),
      table_(rows <= 2 * count ? rows : std::bit_ceil(4 * std::max<std::size_t>(count, 1))) {}

const std::vector<std::uint32_t>& RowDraw::next(Random& random) {
  if (rows_ <= 2 * drawn_.size()) {
    shuffle(random);
    return drawn_;
  }
  std::fill(table_.begin(), table_.end(), kFree);
  for (std::uint32_t& row : drawn_) {
    do {
      row = static_cast<std::uint32_t>(random.below(rows_));
    } while (!insert(row));
  }
  return drawn_;
}

/// The head of a Fisher-Yates shuffle.
void RowDraw::shuffle(Random& random) {
  std::iota(table_.begin(), table_.end(), 0u);
  for (std::size_t i = 0; i < drawn_.size(); ++i) {
    std::swap(table_[i], table_[i + random.below(rows_ - i)]);
    drawn_[i] = table_[i];
  }
}

/// Whether it is new. Linear probing; Fibonacci hashing.
bool RowDraw::insert(std::uint32_t row) {
  const std::size_t mask = table_.size() - 1;
  std::size_t at = ((row * 0x9e3779b1u) >> 7) & mask;
  while (table_[at] != kFree) {
    if (table_[at] == row) return false;
    at = (at + 1) & mask;
  }
  table_[at] = row;
  return true;
}

}  // namespace tidelimit::anomaly
