#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "anomaly/matrix_view.hpp"

namespace tidelimit::anomaly {

/// Where the bulk of the rows lies, and how far from it a row is: the Mahalanobis distance under a
/// robust, shrunk covariance. Two steps of concentration on the nearest three quarters (FAST-MCD,
/// Rousseeuw and van Driessen 1999) keep outliers from shaping it; correlations shrunk by a fifth
/// and a ridge keep it sound for few rows and for columns that follow from others (Ledoit and Wolf
/// 2004). Immutable; any thread may ask.
///   centre [F], whitening [F, F] lower triangular: distance = |whitening (x - centre)|^2, computed
///   in double, so that other programs compute the same float. A column that is constant counts
///   nothing.
class Ellipsoid {
 public:
  Ellipsoid() = default;

  /// Of at least 1 row. Equal rows give equal ellipsoids.
  [[nodiscard]] static Ellipsoid fit(MatrixView rows);
  /// As a file holds it; sizes F and F x F.
  Ellipsoid(std::vector<double> centre, std::vector<double> whitening)
      : centre_(std::move(centre)), whitening_(std::move(whitening)) {}

  /// The squared distance, at most kFarthest.
  [[nodiscard]] float distance(const float* row) const;

  /// Each column's part in the squared distance, z_j (P z)_j with the precision matrix P: they add
  /// up to it exactly; one may be negative, where a value is nearer than the others let expect.
  [[nodiscard]] std::vector<double> parts(const float* row) const;

  [[nodiscard]] std::size_t columns() const { return centre_.size(); }
  [[nodiscard]] const std::vector<double>& centre() const { return centre_; }
  [[nodiscard]] const std::vector<double>& whitening() const { return whitening_; }

  static constexpr double kFarthest = 1e30;

 private:
  std::vector<double> centre_;
  std::vector<double> whitening_;
};

/// Share of the values equal to the most frequent one, by column, among at most 128 rows: near 0
/// where values are continuous, near 1 where a column hardly ever changes.
[[nodiscard]] std::vector<double> tied_shares(MatrixView rows);

}  // namespace tidelimit::anomaly
