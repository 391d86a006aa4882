#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/random.hpp"

namespace tidelimit::anomaly {

/// The mean path length of many isolation trees that cut one column alone, the squared distance
/// from the bulk of the rows. All these trees together are a step function of that one number, so
/// a row's mean path is looked up instead of walked. Immutable; any thread may ask.
///   knots [n - 1] ascending, lengths [n]: lengths[k] holds for knots[k - 1] <= distance < knots[k]
/// Cuts are uniform in the fourth power of the distance, not in its square: trees that cut towards
/// both ends equally would find the rows nearest to the centre as odd as the farthest, and there is
/// nothing odd about being in the middle.
class DistanceCurve {
 public:
  DistanceCurve() = default;
  /// As a file holds it: knots strictly ascending, one length more than knots.
  DistanceCurve(std::vector<float> knots, std::vector<float> lengths)
      : knots_(std::move(knots)), lengths_(std::move(lengths)) {}

  /// From squared distances of rows (at least 2); each tree draws `sample` of them (at most all).
  [[nodiscard]] static DistanceCurve fit(std::vector<float> distances, std::size_t trees,
                                         std::size_t sample, const Random& root);

  [[nodiscard]] float at(float distance) const;

  [[nodiscard]] const std::vector<float>& knots() const { return knots_; }
  [[nodiscard]] const std::vector<float>& lengths() const { return lengths_; }

 private:
  std::vector<float> knots_;
  std::vector<float> lengths_;
};

}  // namespace tidelimit::anomaly
