#pragma once

#include <string>

#include "cli/input.hpp"
#include "cli/offline/shape_options.hpp"
#include "model/bundle.hpp"

namespace tidelimit::cli {

struct TrainingOptions {
  std::string config;
  std::string labels;  ///< what people know of clients (see Labels); absent: nothing
  std::string preset = "best";
  bool detector_alone = false;  ///< no forecast, for which a log may be too short
  ShapeOptions shape;
  std::uint64_t seed = 1;
  int threads = 0;  ///< 0: one for each CPU
  int epochs = 0;   ///< 0: the preset's own
};

/// Both models out of the inputs, with words and progress on standard error. Two passes over logs:
/// the first draws client features for the detector and finds endpoints and tiers, the second
/// counts windows, with the requests of clients that this detector finds malicious set apart, so
/// that an attack in the log is not learnt as traffic. Ready windows train the forecast alone.
[[nodiscard]] Result<model::Bundle> train_models(const Input& input,
                                                 const TrainingOptions& options);

}  // namespace tidelimit::cli
