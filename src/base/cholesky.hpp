#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace tidelimit {

/// Cholesky's decomposition in place: of a symmetric A [n, n], row-major, of which the lower half
/// is read, makes the lower triangular L with L L' = A. What rounding left of a pivot counts as
/// 1e-12 at least.
inline void decompose(std::span<double> a, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) {
    double* li = a.data() + i * n;
    for (std::size_t j = 0; j <= i; ++j) {
      const double* lj = a.data() + j * n;
      double sum = li[j];
      for (std::size_t k = 0; k < j; ++k) sum -= li[k] * lj[k];
      li[j] = i == j ? std::sqrt(std::max(sum, 1e-12)) : sum / lj[j];
    }
  }
}

}  // namespace tidelimit
