#include "anomaly/path_length.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numbers>

namespace tidelimit::anomaly {

double mean_path_length(std::size_t n) {
  if (n <= 1) {
    return 0;
  }
  if (n == 2) {
    return 1;
  }
  const auto x = static_cast<double>(n);
  return 2.0 * (std::log(x - 1.0) + std::numbers::egamma) - 2.0 * (x - 1.0) / x;
}

std::size_t tree_height(std::size_t sample) {
  return std::max<std::size_t>(std::bit_width(sample - 1), 1);
}

}  // namespace tidelimit::anomaly
