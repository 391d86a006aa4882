#include "anomaly/tail.hpp"

#include <algorithm>
#include <cmath>

namespace tidelimit::anomaly {
namespace {

constexpr double kTailRatio = 0.05;         // the tail: the largest twentieth
constexpr std::size_t kLeastExcesses = 10;  // fewer say nothing about a shape
constexpr double kShapeMin = -0.5;          // moments of the fit exist
constexpr double kShapeMax = 0.5;

}  // namespace

double quantile(const std::vector<double>& sorted, double p) {
  const double at = std::clamp(p, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

TailLevel::TailLevel(std::vector<double> values, TailShape shape) : sorted_(std::move(values)) {
  std::sort(sorted_.begin(), sorted_.end());
  start_ = quantile(sorted_, 1 - kTailRatio);
  const auto first = std::upper_bound(sorted_.begin(), sorted_.end(), start_);
  const auto count = static_cast<std::size_t>(sorted_.end() - first);
  tail_ratio_ = static_cast<double>(count) / static_cast<double>(sorted_.size());
  if (count < kLeastExcesses) {
    return;
  }
  // With excesses y(1) <= ... <= y(n): a0 the mean of y, a1 the mean of (1 - F(y)) y;
  // shape = 2 - a0 / (a0 - 2 a1) and scale = 2 a0 a1 / (a0 - 2 a1), the shape's sign as here.
  const auto n = static_cast<double>(count);
  double a0 = 0;
  double a1 = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double y = *(first + static_cast<std::ptrdiff_t>(i)) - start_;
    const double rank = (static_cast<double>(i) + 0.65) / n;
    a0 += y / n;
    a1 += (1 - rank) * y / n;
  }
  const double spread = a0 - 2 * a1;
  if (spread <= 0 || a0 <= 0) {
    return;
  }
  if (shape == TailShape::fitted) shape_ = std::clamp(2 - a0 / spread, kShapeMin, kShapeMax);
  scale_ = a0 * (1 - shape_);  // the mean of the law is scale / (1 - shape)
}

double TailLevel::exceeded_with(double p) const {
  const double plain = quantile(sorted_, 1 - p);
  if (scale_ <= 0 || p >= tail_ratio_) {
    return plain;
  }
  const double times = tail_ratio_ / p;
  const double beyond = std::abs(shape_) < 1e-9 ? scale_ * std::log(times)
                                                : scale_ / shape_ * (std::pow(times, shape_) - 1);
  return std::max(plain, start_ + beyond);
}

}  // namespace tidelimit::anomaly
