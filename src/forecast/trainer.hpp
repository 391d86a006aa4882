#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "forecast/network.hpp"

namespace tidelimit::forecast {

/// Sequences with what is to be learned from them: targets and their weight in the loss, one each.
struct Examples {
  FillSequence fill;
  std::vector<float> targets;
  std::vector<float> weights;

  [[nodiscard]] std::size_t size() const { return targets.size(); }
};

struct FitSettings {
  std::vector<float> quantiles{0.5F};  ///< one output each; 0.5 alone is the mean absolute error
  int epochs = 50;
  std::size_t batch = 32;
  double learning_rate = 1e-3;
  bool decay_learning_rate = false;  ///< half a cosine down to a twentieth over the epochs
  int patience = 0;  ///< stop after so many epochs without a better validation loss; 0: never
  double weight_decay = 0;  ///< of the LSTM's matrices, per step and learning rate (AdamW)
  double averaged = 0;  ///< share of the past in a running mean of the weights, which is then what
                        ///< is validated and kept (Polyak and Juditsky 1992); 0: the weights
  double gradient_norm = 1.0;  ///< longer gradients are shortened to this; 0: never
  enum class Keep : std::uint8_t { best, last } keep = Keep::best;  ///< which epoch's weights
  int threads = 1;
  std::uint64_t seed = 1;
};

struct EpochReport {
  int epoch = 0;  ///< from 1
  double loss = 0;
  std::optional<double> validation_loss;
};

struct FitResult {
  Network network;     ///< of the epoch with the lowest validation loss (the last, without one), or
                       ///< of the last, as `keep` says
  int best_epoch = 0;  ///< that epoch, from 1
};

/// Adam (Kingma and Ba 2015) on the pinball loss, twice its usual size, so that for the median it
/// is the absolute error. Each batch is cut into slices of a fixed size whose gradients are added
/// in a fixed order: the result is the same for any number of threads.
[[nodiscard]] FitResult fit(Network start, const Examples& training, const Examples& validation,
                            const FitSettings& settings,
                            const std::function<void(const EpochReport&)>& report);

}  // namespace tidelimit::forecast
