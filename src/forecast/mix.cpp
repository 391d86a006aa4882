#include "forecast/mix.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace tidelimit::forecast {

std::vector<double> mix_weights(const Record& record, std::span<const double> prior) {
  constexpr int kRounds = 40;
  constexpr double kRate = 0.5;
  std::vector<double> weights(prior.begin(), prior.end());
  const std::size_t members = record.members;
  std::vector<double> slope(members);
  for (int round = 0; round < kRounds; ++round) {
    std::fill(slope.begin(), slope.end(), 0.0);
    double size = 0;  // what a slope of the usual length would be
    for (std::size_t row = record.rows(); row-- > 0;) {
      const double* f = record.forecasts.data() + row * members;
      double mixed = 0;
      for (std::size_t m = 0; m < members; ++m) mixed += weights[m] * f[m];
      const double sign = mixed > record.truths[row] ? 1 : -1;
      double spread = 0;
      for (std::size_t m = 0; m < members; ++m) {
        slope[m] += sign * (f[m] - mixed);
        spread += weights[m] * std::fabs(f[m] - mixed);
      }
      size += std::max(spread, 0.25 * std::fabs(mixed - record.truths[row]));
    }
    if (size <= 0) break;
    const double rate = kRate / std::sqrt(1.0 + round / 10.0);
    double sum = 0;
    for (std::size_t m = 0; m < members; ++m) {
      weights[m] *= std::exp(-rate * std::clamp(slope[m] / size, -2.0, 2.0));
      sum += weights[m];
    }
    for (double& w : weights) w /= sum;
  }
  return weights;
}

namespace {

constexpr double kLeastLoss = 0.01;

/// By what logarithm each member's loss exceeds the least one; a loss is the discounted mean of its
/// relative errors. Times how much of a half-life the record fills, at most 1.
std::vector<double> excess_losses(const Record& record, double half_life) {
  const double fade = std::exp2(-1 / half_life);
  const std::size_t members = record.members;
  std::vector<double> loss(members, 0.0);
  double rows = 0;
  double discount = 1;
  for (std::size_t row = record.rows(); row-- > 0; discount *= fade) {
    const double truth = record.truths[row];
    const double* f = record.forecasts.data() + row * members;
    for (std::size_t m = 0; m < members; ++m)
      loss[m] += discount * relative_error(f[m], truth, 1.0);
    rows += discount;
  }
  if (rows == 0) return loss;
  for (double& l : loss) l = std::log(l / rows + kLeastLoss);
  const double least = *std::min_element(loss.begin(), loss.end());
  const double filled = std::min(1.0, 2 * rows * (1 - fade));
  for (double& l : loss) l = filled * (l - least);
  return loss;
}

}  // namespace

// Chosen by the backtest, on series as they are and with levels that shift (docs/models.md).
std::vector<double> recent_weights(const Record& record, std::span<const double> prior) {
  constexpr double kHalfLifeRows = 8;
  constexpr double kSharpness = 5;
  constexpr double kHalfLifeNow = 2;
  constexpr double kClearly = 0.5;  // logarithm: 1.6 times as far off
  constexpr double kSharpnessWhenClear = 10;
  const auto lately = excess_losses(record, kHalfLifeRows);
  const auto just_now = excess_losses(record, kHalfLifeNow);
  std::vector<double> weights(prior.begin(), prior.end());
  double sum = 0;
  for (std::size_t m = 0; m < weights.size(); ++m) {
    weights[m] *= std::exp(-kSharpness * lately[m] -
                           kSharpnessWhenClear * std::max(0.0, just_now[m] - kClearly));
    sum += weights[m];
  }
  for (double& w : weights) w /= sum;
  return weights;
}

std::array<double, kQuantiles.size()> residual_quantiles(
    std::vector<Residual>& residuals, const std::array<double, kQuantiles.size()>& levels) {
  std::sort(residuals.begin(), residuals.end(),
            [](const Residual& a, const Residual& b) { return a.value < b.value; });
  double total = 0;
  for (const auto& r : residuals) total += r.weight;
  assert(total > 0);
  std::array<double, kQuantiles.size()> quantiles{};
  std::size_t next = 0;
  double below = 0;
  for (const auto& r : residuals) {
    below += r.weight;
    while (next < kQuantiles.size() && below >= levels[next] * total) {
      quantiles[next++] = r.value;
    }
  }
  for (; next < kQuantiles.size(); ++next) quantiles[next] = residuals.back().value;
  return quantiles;
}

}  // namespace tidelimit::forecast
