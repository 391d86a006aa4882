#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "forecast/day_shape.hpp"
#include "forecast/lags.hpp"
#include "forecast/series.hpp"

namespace tidelimit::forecast {

/// Features of the linear members at one origin: the lags in units of series.scale(origin), and the
/// calendar.
inline constexpr std::size_t kCalendarFeatures = 9;  ///< 1; sin, cos of 1..3 a day and 1 a week
inline constexpr std::size_t kLinearFeatures = kLagFeatures + kCalendarFeatures;

/// Plain: target and lags as they are (additive changes). Log: their logarithms (ratios). Change:
/// each logarithm against the one it followed, and the target against the last horizon: what
/// usually comes next, whatever the level. A level that shifted an hour ago means nothing to it.
/// Shape: logarithms too, but of the level alone, and the target against the day's usual shape
/// (forecast/day_shape.hpp): few features, and little noise in them.
enum class Space : std::uint8_t { plain, log, change, shape };
inline constexpr std::array kSpaces{Space::plain, Space::log, Space::change, Space::shape};

/// One of each space.
template <class T>
struct BySpace {
  std::array<T, kSpaces.size()> all;

  bool operator==(const BySpace&) const = default;
  constexpr T& operator[](Space space) { return all[static_cast<std::size_t>(space)]; }
  constexpr const T& operator[](Space space) const { return all[static_cast<std::size_t>(space)]; }
};

/// Features in the space, and so coefficients.
[[nodiscard]] constexpr std::size_t features_in(Space space) {
  return space == Space::shape ? kShapeFeatures : kLinearFeatures;
}

/// Rows of features for origins [from, to) of one endpoint, [to - from, features], with the scale
/// and, where the horizon is known, the target of each. All spaces from one reading.
class LinearRows {
 public:
  LinearRows(const Series& series, WallTime start, Nanos step, std::size_t from, std::size_t to);

  [[nodiscard]] std::size_t from() const { return from_; }
  [[nodiscard]] std::size_t to() const { return to_; }
  [[nodiscard]] double scale(std::size_t origin) const { return scale_[origin - from_]; }
  /// Writes features_in(space) numbers.
  void features(std::size_t origin, Space space, std::span<double> out) const;
  /// What a target at `origin` is counted from, in the space: 0; for change the last horizon, for
  /// shape the usual share of the next one.
  [[nodiscard]] double base(std::size_t origin, Space space) const;

 private:
  std::size_t from_;
  std::size_t to_;
  std::vector<float> rows_;   // [to - from, kLinearFeatures], plain space
  std::vector<float> shape_;  // [to - from, kShapeFeatures]
  std::vector<double> scale_;
};

/// Into the space in which a linear member works, and back; both in units of the scale. Changes
/// are differences between logarithms.
[[nodiscard]] double to_space(double ratio, Space space);
[[nodiscard]] double from_space(double value, Space space);

using Coefficients = std::vector<double>;  ///< features_in(space) numbers

/// Sums from which a ridge regression is solved: A = sum of w x x', b = sum of w x y; [d, d] and
/// [d].
class NormalEquations {
 public:
  explicit NormalEquations(std::size_t d) : d_(d), a_(d * d, 0.0), b_(d, 0.0) {}

  void decay(double factor);
  void add(std::span<const double> x, double y, double weight);
  /// argmin of the rows' weighted squares plus `strength` times the squared distance to `prior`.
  [[nodiscard]] Coefficients solve(const Coefficients& prior, double strength) const;

 private:
  std::size_t d_;
  std::vector<double> a_;  ///< row-major, lower half kept
  std::vector<double> b_;
};

/// A linear member of one endpoint that learns as it goes: at every origin its coefficients are
/// those that fit the horizons complete by then: ridge towards `prior`, rows reweighted by
/// 1/|residual| so that the fit follows the median (iteratively reweighted least squares,
/// Schlossmacher 1973). Nothing after an origin influences its forecast.
class OnlineLinear {
 public:
  OnlineLinear(Coefficients prior, Space space);

  [[nodiscard]] Space space() const { return space_; }
  /// The forecast at `origin`, in requests per horizon. To be asked for every origin from `begin`
  /// on, in their order; `rows` holds origin and, from begin + horizon on, origin - horizon.
  [[nodiscard]] double next(const Series& series, const LinearRows& rows, std::size_t begin,
                            std::size_t origin);

 private:
  void learn(const Series& series, const LinearRows& rows, std::size_t known);

  Coefficients prior_;
  Space space_;
  NormalEquations equations_;
  Coefficients beta_;
  double typical_ = 0.2;  ///< residual
};

/// next() for each origin of `rows`.
[[nodiscard]] std::vector<double> online_linear(const Series& series, const LinearRows& rows,
                                                const Coefficients& prior, Space space);

/// Coefficients that fit all complete, observed horizons of all rows at once: the prior of
/// online_linear for endpoints whose own history is short. naive_coefficients() hold where rows say
/// little.
[[nodiscard]] Coefficients fit_shared(std::span<const Series* const> series,
                                      std::span<const LinearRows> rows, Space space);

/// The coefficients that know nothing but a rule: last horizon and yesterday's change, damped; of
/// the shape, the level of the last horizons.
[[nodiscard]] Coefficients naive_coefficients(Space space);

}  // namespace tidelimit::forecast
