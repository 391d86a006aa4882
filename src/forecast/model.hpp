#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "forecast/forecaster.hpp"
#include "forecast/linear.hpp"
#include "forecast/naive.hpp"
#include "forecast/network.hpp"
#include "traffic/window.hpp"

namespace tidelimit::forecast {

/// The members that `best` mixes, in the order that bundles keep: the naive rules in Naive's order,
/// the linear ones of the first two spaces, the network, the other linear ones.
inline constexpr std::size_t kMembers = kNaiveRules + kSpaces.size() + 1;
inline constexpr std::size_t kNetworkMember = kNaiveRules + 2;
[[nodiscard]] constexpr std::size_t linear_member(Space space) {
  const std::size_t member = kNaiveRules + static_cast<std::size_t>(space);
  return member < kNetworkMember ? member : member + 1;
}

/// Residuals on the validation range that stand for a forecast's uncertainty until its own recent
/// past speaks: evenly spaced quantiles (centres of equal shares).
inline constexpr std::size_t kResidualSamples = 40;

/// What one endpoint's windows looked like in training: the scaling of `baseline`.
struct EndpointScaling {
  std::string name;
  double mean = 0;       ///< requests per window
  double deviation = 1;  ///< of the same; positive
};

/// See forecaster.hpp. All numbers are representable as floats, so that a bundle keeps them
/// exactly.
class ForecastModel {
 public:
  Preset preset = Preset::best;
  Shape shape;
  Network network;
  std::vector<EndpointScaling> endpoints;
  BySpace<Coefficients> linear;                      ///< best: priors of the linear members
  std::vector<double> member_prior;                  ///< best: kMembers weights, summing to 1
  std::array<double, kResidualSamples> residuals{};  ///< ascending, in units of spread()
  double validation_mae = 0;                         ///< requests per horizon, mean over endpoints
  int best_epoch = 0;
  /// The newest windows of training (forecast/past.hpp), of `endpoints` in their order; empty in
  /// bundles of older programs.
  traffic::WindowGrid past;

  /// The windows before this taught the model: its errors there are smaller than those to come.
  /// What of training is later only chose among what was taught. Where there is no past, long ago.
  [[nodiscard]] WallTime taught_until() const;
  /// The end of its training.
  [[nodiscard]] WallTime trained_until() const { return past.time_of(past.size()); }

  /// The endpoint's scaling; null when the model was not trained on it.
  [[nodiscard]] const EndpointScaling* find(const std::string& endpoint) const;
};

/// What is wrong with a shape, in words; empty when nothing is.
[[nodiscard]] std::string shape_problem(const Shape& shape);

/// The network's input and output for a shape: baseline sees every window of the history, best one
/// frame a horizon and answers kQuantiles.
[[nodiscard]] NetworkShape network_shape(Preset preset, const Shape& shape);

/// The unit in which residuals of a forecast are kept: between proportional (busy endpoints) and
/// square root (small counts), and never less than one request.
[[nodiscard]] double spread(double forecast, double scale);

/// What a forecast missed by, in units of spread(): at most sixteen, either way. What an endpoint
/// was missed by on the day of its birth, when all that was known were zeros, is no measure of what
/// it will be missed by a thousand times as large.
[[nodiscard]] double residual(double came, double forecast, double scale);

/// A named array, as bundles store it.
struct Tensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// A model taken to pieces, for storage. The network's tensors keep oneDNN's gate order (i f c o):
/// `input_weights` [F, 4, H], `recurrent_weights` [H, 4, H], `bias` [4, H], `dense_weights` [H, O],
/// `dense_bias` [O]; and `scaling` [E, 2], `residuals`, and for best `linear_plain`, `linear_log`,
/// `linear_change`, `linear_shape` (not in those of older programs), `member_prior`; and where
/// there is a past, `past` [E, W, 4]: requests (-1: a gap), premium, errors, responses.
struct ModelParts {
  Preset preset = Preset::best;
  Shape shape;
  std::vector<std::string> endpoints;
  double validation_mae = 0;
  int best_epoch = 0;
  std::vector<Tensor> tensors;
  WallTime past_start{};
};

[[nodiscard]] ModelParts to_parts(const ForecastModel& model);
/// Refuses parts that are missing, of the wrong size, or not finite, and says which.
[[nodiscard]] Result<std::shared_ptr<const ForecastModel>> from_parts(ModelParts parts);

/// For model serving: raw network inputs, [n, T, F] in row-major order, to outputs [n, O]. Fails on
/// a size that is no whole number of sequences.
[[nodiscard]] const NetworkShape& network_input_shape(const ForecastModel& model);
[[nodiscard]] Result<std::vector<float>> run_network(const ForecastModel& model,
                                                     std::span<const float> sequences);

/// predict() at each of `origins` (ascending): result[k] belongs to origins[k]. Past forecasts that
/// weigh the members are computed once for all origins.
[[nodiscard]] std::vector<std::vector<EndpointForecast>> predict_many(
    const ForecastModel* model, const traffic::WindowGrid& grid,
    std::span<const std::size_t> origins, const Shape& shape);

}  // namespace tidelimit::forecast
