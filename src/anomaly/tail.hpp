#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tidelimit::anomaly {

/// Quantile by linear interpolation between order statistics; `sorted` ascending and not empty.
[[nodiscard]] double quantile(const std::vector<double>& sorted, double p);

/// fitted: as the excesses show; zero: exponential, whatever they show.
enum class TailShape : std::uint8_t { fitted, zero };

/// The level that values exceed with a given small probability, by peaks over threshold: the
/// excesses over a high quantile follow a generalised Pareto law (Pickands 1975; Balkema and de
/// Haan 1974), fitted by probability-weighted moments (Hosking and Wallis 1987), which stay sound
/// for few excesses. So a promise of one in 100,000 can be kept from a few thousand values.
class TailLevel {
 public:
  /// Needs at least one finite value.
  explicit TailLevel(std::vector<double> values, TailShape shape = TailShape::fitted);

  /// The level exceeded with probability p, 0 < p < 1. Never below the plain quantile.
  [[nodiscard]] double exceeded_with(double p) const;

  [[nodiscard]] double shape() const { return shape_; }
  [[nodiscard]] double scale() const { return scale_; }
  [[nodiscard]] double start() const { return start_; }

 private:
  std::vector<double> sorted_;
  double start_ = 0;       ///< the tail begins here
  double tail_ratio_ = 0;  ///< share of the values beyond
  double scale_ = 0;
  double shape_ = 0;  ///< 0: exponential; negative: bounded; positive: heavy
};

}  // namespace tidelimit::anomaly
