#include "anomaly/ellipsoid.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/cholesky.hpp"

namespace tidelimit::anomaly {
namespace {

constexpr int kConcentrations = 2;
constexpr double kKept = 0.75;         // of the rows, at each concentration
constexpr double kCorrelations = 0.8;  // of them is believed
constexpr double kRidge = 0.01;        // of the mean variance
constexpr std::size_t kRowsForTies = 128;

/// Rows standardised and stored column after column: z [F, N].
struct Standardised {
  std::size_t columns = 0;
  std::size_t rows = 0;
  std::vector<double> mean;
  std::vector<double> per_unit;  ///< z = (x - mean) * per_unit; 0 where the column is constant
  std::vector<double> z;

  [[nodiscard]] const double* column(std::size_t c) const { return z.data() + c * rows; }
};

Standardised standardise(MatrixView rows) {
  const std::size_t n = rows.rows();
  Standardised s{rows.columns, n, std::vector<double>(rows.columns),
                 std::vector<double>(rows.columns), std::vector<double>(rows.columns * n)};
  const std::vector<double> tied = tied_shares(rows);
  for (std::size_t c = 0; c < rows.columns; ++c) {
    double* z = s.z.data() + c * n;
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      z[i] = static_cast<double>(rows.row(i)[c]);
      sum += z[i];
    }
    s.mean[c] = sum / static_cast<double>(n);
    double squares = 0;
    for (std::size_t i = 0; i < n; ++i) {
      z[i] -= s.mean[c];
      squares += z[i] * z[i];
    }
    // A column that hardly ever changes has a tiny deviation, by which any change would count as
    // enormous; so it is measured rather by those rows in which it does change.
    const double deviation = std::sqrt(squares / static_cast<double>(n));
    s.per_unit[c] = deviation > 0 ? std::sqrt(1 - tied[c]) / deviation : 0;
    for (std::size_t i = 0; i < n; ++i) z[i] *= s.per_unit[c];
  }
  return s;
}

/// The named rows less their mean, which becomes `centre`. [F, n], column by column.
std::vector<double> centred_rows(const Standardised& s, const std::vector<std::uint32_t>& used,
                                 std::vector<double>& centre) {
  const std::size_t n = used.size();
  std::vector<double> centred(s.columns * n);
  for (std::size_t c = 0; c < s.columns; ++c) {
    const double* z = s.column(c);
    double* out = centred.data() + c * n;
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = z[used[i]];
      sum += out[i];
    }
    centre[c] = sum / static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) out[i] -= centre[c];
  }
  return centred;
}

/// Four sums side by side, for the processor's sake.
double dot(const double* x, const double* y, std::size_t n) {
  double sums[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= n; i += 4) {
    for (std::size_t k = 0; k < 4; ++k) sums[k] += x[i + k] * y[i + k];
  }
  for (; i < n; ++i) sums[0] += x[i] * y[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// Of `n` centred rows [F, n], shrunk towards independent columns. Lower half of [F, F].
std::vector<double> shrunk_covariance(const std::vector<double>& centred, std::size_t f,
                                      std::size_t n) {
  std::vector<double> lower(f * f, 0.0);
  double trace = 0;
  for (std::size_t a = 0; a < f; ++a) {
    for (std::size_t b = 0; b <= a; ++b)
      lower[a * f + b] =
          dot(centred.data() + a * n, centred.data() + b * n, n) / static_cast<double>(n);
    trace += lower[a * f + a];
  }
  const double ridge = kRidge * trace / static_cast<double>(f) + 1e-9;
  for (std::size_t a = 0; a < f; ++a) {
    for (std::size_t b = 0; b < a; ++b) lower[a * f + b] *= kCorrelations;
    lower[a * f + a] += ridge;
  }
  return lower;
}

/// Of a lower triangular [F, F].
std::vector<double> inverse_of(const std::vector<double>& lower, std::size_t f) {
  std::vector<double> inverse(f * f, 0.0);
  for (std::size_t a = 0; a < f; ++a) {
    inverse[a * f + a] = 1 / lower[a * f + a];
    for (std::size_t b = 0; b < a; ++b) {
      double v = 0;
      for (std::size_t k = b; k < a; ++k) v -= lower[a * f + k] * inverse[k * f + b];
      inverse[a * f + b] = v / lower[a * f + a];
    }
  }
  return inverse;
}

/// The inverse of the Cholesky factor of the shrunk covariance of the named rows, whose mean is
/// `centre`. Lower triangular [F, F].
std::vector<double> whiten(const Standardised& s, const std::vector<std::uint32_t>& used,
                           std::vector<double>& centre) {
  auto lower = shrunk_covariance(centred_rows(s, used, centre), s.columns, used.size());
  decompose(lower, s.columns);
  return inverse_of(lower, s.columns);
}

/// Squared distances of all rows under a whitening of the standardised columns.
void distances(const Standardised& s, const std::vector<double>& centre,
               const std::vector<double>& whitening, std::vector<double>& out) {
  std::vector<double> y(s.rows);
  std::fill(out.begin(), out.end(), 0.0);
  for (std::size_t a = 0; a < s.columns; ++a) {
    std::fill(y.begin(), y.end(), 0.0);
    for (std::size_t b = 0; b <= a; ++b) {
      const double w = whitening[a * s.columns + b];
      const double shift = centre[b];
      const double* z = s.column(b);
      for (std::size_t i = 0; i < s.rows; ++i) y[i] += w * (z[i] - shift);
    }
    for (std::size_t i = 0; i < s.rows; ++i) out[i] += y[i] * y[i];
  }
}

}  // namespace

std::vector<double> tied_shares(MatrixView rows) {
  const std::size_t n = std::min(rows.rows(), kRowsForTies);
  std::vector<double> shares;
  std::vector<float> values(n);
  for (std::size_t c = 0; c < rows.columns; ++c) {
    for (std::size_t i = 0; i < n; ++i) values[i] = rows.row(i)[c];
    std::sort(values.begin(), values.end());
    std::size_t longest = 1;
    for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
      while (end < n && values[end] == values[begin]) ++end;
      longest = std::max(longest, end - begin);
    }
    // One value that stands alone is no tie; and a row more keeps the share below 1.
    shares.push_back(static_cast<double>(longest - 1) / static_cast<double>(n));
  }
  return shares;
}

Ellipsoid Ellipsoid::fit(MatrixView rows) {
  const Standardised s = standardise(rows);
  std::vector<std::uint32_t> nearest(s.rows);
  for (std::size_t i = 0; i < s.rows; ++i) nearest[i] = static_cast<std::uint32_t>(i);
  std::vector<double> centre(s.columns);
  std::vector<double> whitening = whiten(s, nearest, centre);
  const auto least = static_cast<std::size_t>(kKept * static_cast<double>(s.rows));
  const std::size_t kept = std::min(s.rows, std::max(s.columns + 2, least));
  std::vector<double> distance(s.rows);
  std::vector<std::uint32_t> order = nearest;
  for (int step = 0; step < kConcentrations; ++step) {
    distances(s, centre, whitening, distance);
    // Rows equally far are told apart by their number, so that the choice is one.
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept - 1),
                     order.end(), [&](std::uint32_t a, std::uint32_t b) {
                       return distance[a] != distance[b] ? distance[a] < distance[b] : a < b;
                     });
    nearest.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept));
    std::sort(nearest.begin(), nearest.end());
    whitening = whiten(s, nearest, centre);
  }
  for (std::size_t c = 0; c < s.columns; ++c) {
    for (std::size_t a = 0; a < s.columns; ++a) whitening[a * s.columns + c] *= s.per_unit[c];
    centre[c] = s.per_unit[c] > 0 ? s.mean[c] + centre[c] / s.per_unit[c] : s.mean[c];
  }
  return {std::move(centre), std::move(whitening)};
}

float Ellipsoid::distance(const float* row) const {
  const std::size_t f = columns();
  double sum = 0;
  for (std::size_t a = 0; a < f; ++a) {
    const double* w = whitening_.data() + a * f;
    double y = 0;
    for (std::size_t b = 0; b <= a; ++b) y += w[b] * (static_cast<double>(row[b]) - centre_[b]);
    sum += y * y;
  }
  return static_cast<float>(sum > kFarthest ? kFarthest : sum);
}

std::vector<double> Ellipsoid::parts(const float* row) const {
  const std::size_t f = columns();
  std::vector<double> y(f, 0.0);
  for (std::size_t a = 0; a < f; ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      y[a] += whitening_[a * f + b] * (static_cast<double>(row[b]) - centre_[b]);
    }
  }
  std::vector<double> parts(f, 0.0);
  for (std::size_t b = 0; b < f; ++b) {
    double precise = 0;
    for (std::size_t a = b; a < f; ++a) precise += whitening_[a * f + b] * y[a];
    parts[b] = (static_cast<double>(row[b]) - centre_[b]) * precise;
  }
  return parts;
}

}  // namespace tidelimit::anomaly
