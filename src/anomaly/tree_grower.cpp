#include "anomaly/tree_grower.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "anomaly/path_length.hpp"

namespace tidelimit::anomaly {
namespace {

constexpr std::size_t kBins = 16;

/// Least and greatest of the members' values; four at a time, as each comparison waits for the one
/// before it.
std::pair<float, float> range_of(const float* column, const std::uint32_t* members,
                                 std::size_t count) {
  float low[4];
  float high[4];
  std::fill_n(low, 4, column[members[0]]);
  std::fill_n(high, 4, column[members[0]]);
  const auto widen = [&](std::size_t lane, float x) {
    low[lane] = x < low[lane] ? x : low[lane];
    high[lane] = x > high[lane] ? x : high[lane];
  };
  std::size_t i = 0;
  for (; i + 4 <= count; i += 4) {
    for (std::size_t lane = 0; lane < 4; ++lane) widen(lane, column[members[i + lane]]);
  }
  for (; i < count; ++i) widen(0, column[members[i]]);
  return {std::min(std::min(low[0], low[1]), std::min(low[2], low[3])),
          std::max(std::max(high[0], high[1]), std::max(high[2], high[3]))};
}

}  // namespace

TreeGrower::TreeGrower(MatrixView rows, const GrowthOptions& options)
    : rows_(rows),
      options_(options),
      sample_(std::min(options.sample, rows.rows())),
      height_(tree_height(sample_)),
      draw_(rows.rows(), sample_),
      candidates_(rows.columns),
      drawn_(sample_ * rows.columns),
      members_(sample_),
      right_(sample_) {
  for (const double weight : options.column_weights) all_weights_ += weight;
}

void TreeGrower::grow(Random random, TreeSink& sink) {
  random_ = random;
  sink_ = &sink;
  take_sample();
  split(0, 0, 0, sample_);
}

void TreeGrower::take_sample() {
  const std::vector<std::uint32_t>& drawn = draw_.next(random_);
  for (std::size_t i = 0; i < sample_; ++i) {
    const float* row = rows_.row(drawn[i]);
    for (std::size_t c = 0; c < rows_.columns; ++c) {
      drawn_[c * sample_ + i] = row[c];
    }
    members_[i] = static_cast<std::uint32_t>(i);
  }
}

/// Splits members [begin, end) at node, or settles them as a leaf.
void TreeGrower::split(std::size_t node, std::size_t depth, std::size_t begin, std::size_t end) {
  const std::size_t size = end - begin;
  if (size <= 1 || depth == height_) {
    sink_->leaf(node, depth, size);
    return;
  }
  const Cut cut = choose(begin, end);
  if (!cut.found) {
    sink_->leaf(node, depth, size);
    return;
  }
  sink_->cut(node, size, cut.column, cut.threshold);
  const std::size_t middle =
      partition(drawn_.data() + cut.column * sample_, cut.threshold, begin, end);
  split(2 * node + 1, depth + 1, begin, middle);
  split(2 * node + 2, depth + 1, middle, end);
}

/// Not found where all rows are equal.
TreeGrower::Cut TreeGrower::choose(std::size_t begin, std::size_t end) {
  const bool guided = options_.guided > 0 && random_.uniform() < options_.guided;
  std::size_t left = candidates_.size();
  for (std::size_t c = 0; c < left; ++c) {
    candidates_[c] = static_cast<std::uint32_t>(c);
  }
  while (left > 0) {
    const std::size_t at = pick(left);
    const std::uint32_t feature = candidates_[at];
    const float* column = drawn_.data() + feature * sample_;
    const auto [low, high] = range_of(column, members_.data() + begin, end - begin);
    if (low < high) {
      const float threshold =
          guided ? guided_threshold(column, begin, end, low, high)
                 : static_cast<float>(low + random_.uniform() * (static_cast<double>(high) - low));
      // In (low, high], so that neither side is empty.
      return {feature, std::clamp(threshold, std::nextafter(low, high), high), true};
    }
    candidates_[at] = candidates_[--left];
  }
  return {};
}

std::size_t TreeGrower::pick(std::size_t left) {
  const std::vector<double>& weights = options_.column_weights;
  if (weights.empty()) return random_.below(left);
  double total = all_weights_;
  if (left < weights.size()) {
    total = 0;
    for (std::size_t i = 0; i < left; ++i) total += weights[candidates_[i]];
  }
  double rest = random_.uniform() * total;
  for (std::size_t i = 0; i + 1 < left; ++i) {
    rest -= weights[candidates_[i]];
    if (rest < 0) return i;
  }
  return left - 1;
}

float TreeGrower::guided_threshold(const float* column, std::size_t begin, std::size_t end,
                                   float low, float high) {
  // Sums by bin of what lies above `low`; the ratio of the range decides, so its unit is a bin.
  float count[kBins] = {};
  double sum[kBins] = {};
  double squares[kBins] = {};
  const double start = low;
  const double per_bin = static_cast<double>(kBins) / (static_cast<double>(high) - start);
  for (std::size_t i = begin; i < end; ++i) {
    const double x = (static_cast<double>(column[members_[i]]) - start) * per_bin;
    const auto bin = std::min(static_cast<std::size_t>(x), kBins - 1);
    count[bin] += 1;
    sum[bin] += x;
    squares[bin] += x * x;
  }
  double all_sum = 0;
  double all_squares = 0;
  for (std::size_t b = 0; b < kBins; ++b) {
    all_sum += sum[b];
    all_squares += squares[b];
  }
  const auto n = static_cast<double>(end - begin);
  // n s = sqrt(n sum of squares - square of the sum), on either side.
  const auto weighted = [](double m, double s, double q) {
    return std::sqrt(std::max(m * q - s * s, 0.0));
  };
  double least = std::numeric_limits<double>::infinity();
  std::size_t best = kBins / 2;
  double left = 0;
  double left_sum = 0;
  double left_squares = 0;
  for (std::size_t b = 0; b + 1 < kBins; ++b) {
    if (count[b] == 0) continue;
    left += static_cast<double>(count[b]);
    left_sum += sum[b];
    left_squares += squares[b];
    const double spread = weighted(left, left_sum, left_squares) +
                          weighted(n - left, all_sum - left_sum, all_squares - left_squares);
    if (spread < least) {
      least = spread;
      best = b + 1;
    }
  }
  return static_cast<float>(start + static_cast<double>(best) / per_bin);
}

/// Those below the threshold first, without a branch to mispredict; returns where the others begin.
std::size_t TreeGrower::partition(const float* column, float threshold, std::size_t begin,
                                  std::size_t end) {
  std::size_t left = begin;
  std::size_t right = 0;
  for (std::size_t i = begin; i < end; ++i) {
    const std::uint32_t member = members_[i];
    const bool below = column[member] < threshold;
    members_[left] = member;
    right_[right] = member;
    left += below ? 1 : 0;
    right += below ? 0 : 1;
  }
  std::copy_n(right_.begin(), right, members_.begin() + static_cast<std::ptrdiff_t>(left));
  return left;
}

}  // namespace tidelimit::anomaly
