#include "anomaly/distance_curve.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "anomaly/path_length.hpp"

namespace tidelimit::anomaly {
namespace {

/// A cut falls on one of so many places between two neighbouring distances, the last of them the
/// upper distance itself; so the curve has few steps, and a tree costs no sorting.
constexpr std::size_t kPlaces = 4;

/// How many of `count` ascending values are below `at`, without a branch to mispredict.
std::size_t count_below(const double* sorted, std::size_t count, double at) {
  std::size_t base = 0;
  while (count > 0) {
    const std::size_t half = (count + 1) / 2;
    base += sorted[base + half - 1] < at ? half : 0;
    count -= half;
  }
  return base;
}

/// Grows the trees and adds up their leaves. Places are numbered from the least distance up: place
/// g * kPlaces + q is the q-th between distances g and g + 1.
class CurveGrower {
 public:
  /// `sorted` ascending; it stays the caller's.
  CurveGrower(const std::vector<double>& sorted, std::size_t sample)
      : sorted_(sorted),
        height_(tree_height(sample)),
        order_(sorted.size()),
        drawn_(sorted.size()),
        below_(sorted.size() + 1),
        change_((sorted.size() - 1) * kPlaces + 1),
        cut_(change_.size()) {
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint32_t>(i);
    for (std::size_t i = 0; i <= sample; ++i) mean_length_.push_back(mean_path_length(i));
    sample_ = sample;
  }

  void grow(Random random) {
    std::fill(drawn_.begin(), drawn_.end(), std::uint8_t{0});
    for (std::size_t i = 0; i < sample_; ++i) {
      const std::size_t j = i + random.below(order_.size() - i);
      std::swap(order_[i], order_[j]);
      drawn_[order_[i]] = 1;
    }
    std::uint32_t count = 0;
    ranks_.clear();
    for (std::size_t i = 0; i < drawn_.size(); ++i) {
      below_[i] = count;
      if (drawn_[i] != 0) ranks_.push_back(static_cast<std::uint32_t>(i));
      count += drawn_[i];
    }
    below_[drawn_.size()] = count;
    split(0, ranks_.size(), 0, change_.size(), 0, random);
  }

  /// Mean path lengths by place, over the trees grown.
  [[nodiscard]] DistanceCurve curve(std::size_t trees) const {
    std::vector<float> knots;
    std::vector<float> lengths;
    double sum = 0;
    for (std::size_t place = 0; place < change_.size(); ++place) {
      sum += change_[place];
      if (place > 0 && cut_[place] == 0) continue;
      const auto length = static_cast<float>(sum / static_cast<double>(trees));
      if (place > 0) {
        const float knot = knot_at(place);
        if (!knots.empty() && knot <= knots.back()) {  // too close for a float to tell
          lengths.back() = length;
          continue;
        }
        knots.push_back(knot);
      }
      lengths.push_back(length);
    }
    return {std::move(knots), std::move(lengths)};
  }

 private:
  /// Members [begin, end) of the ranks, which lie at places [from, until).
  void split(std::size_t begin, std::size_t end, std::size_t from, std::size_t until,
             std::size_t depth, Random& random) {
    const double low = sorted_[ranks_[begin]];
    const double high = sorted_[ranks_[end - 1]];
    if (depth == height_ || end - begin <= 1 || !(low < high)) {
      const double length = static_cast<double>(depth) + mean_length_[end - begin];
      change_[from] += length;
      if (until < change_.size()) change_[until] -= length;
      return;
    }
    const double at = low + random.uniform() * (high - low);
    // The last distance below the cut: at least the least member's, before the greatest's.
    std::size_t g = ranks_[begin] + count_below(sorted_.data() + ranks_[begin],
                                                ranks_[end - 1] - ranks_[begin], at);
    if (g == ranks_[begin]) {  // the cut fell on the least itself, among all numbers
      while (sorted_[g] == low) ++g;
    }
    --g;
    const double gap = sorted_[g + 1] - sorted_[g];
    const double part = (at - sorted_[g]) / gap * static_cast<double>(kPlaces);
    const auto q =
        static_cast<std::size_t>(std::clamp(std::ceil(part), 1.0, static_cast<double>(kPlaces)));
    const std::size_t place = g * kPlaces + q;
    cut_[place] = 1;
    const std::size_t middle = below_[g + 1];
    split(begin, middle, from, place, depth + 1, random);
    split(middle, end, place, until, depth + 1, random);
  }

  [[nodiscard]] float knot_at(std::size_t place) const {
    const std::size_t g = (place - 1) / kPlaces;
    const std::size_t q = place - g * kPlaces;
    if (q == kPlaces) return static_cast<float>(std::sqrt(sorted_[g + 1]));
    const double at = sorted_[g] + (sorted_[g + 1] - sorted_[g]) * static_cast<double>(q) / kPlaces;
    return static_cast<float>(std::sqrt(at));
  }

  const std::vector<double>& sorted_;
  std::size_t height_;
  std::size_t sample_ = 0;
  std::vector<std::uint32_t> order_;
  std::vector<std::uint8_t> drawn_;   // by distance, whether this tree has it
  std::vector<std::uint32_t> below_;  // by distance, how many of this tree's come before
  std::vector<std::uint32_t> ranks_;  // this tree's distances
  std::vector<double> mean_length_;   // c(n)
  std::vector<double> change_;        // by place, of the summed path length
  std::vector<std::uint8_t> cut_;     // by place
};

}  // namespace

DistanceCurve DistanceCurve::fit(std::vector<float> distances, std::size_t trees,
                                 std::size_t sample, const Random& root) {
  std::sort(distances.begin(), distances.end());
  std::vector<double> fourth_powers;
  for (const float d : distances) {
    fourth_powers.push_back(static_cast<double>(d) * static_cast<double>(d));
  }
  CurveGrower grower(fourth_powers, std::min(sample, distances.size()));
  for (std::size_t tree = 0; tree < trees; ++tree) grower.grow(root.fork(tree));
  return grower.curve(trees);
}

float DistanceCurve::at(float distance) const {
  // As count_below(), but NaN counts as the farthest, as a walk would have it.
  std::size_t base = 0;
  std::size_t length = knots_.size();
  while (length > 0) {
    const std::size_t half = (length + 1) / 2;
    base += distance < knots_[base + half - 1] ? 0 : half;
    length -= half;
  }
  return lengths_[base];
}

}  // namespace tidelimit::anomaly
