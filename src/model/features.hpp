#pragma once

#include <vector>

#include "forecast/forecaster.hpp"
#include "model/manifest_json.hpp"

namespace tidelimit::model {

/// The inputs of each model as this program computes them, in its order; the manifest repeats them,
/// so that people can read them and a bundle of other features is refused.
[[nodiscard]] std::vector<FeatureEntry> forecast_features(forecast::Preset preset);
[[nodiscard]] std::vector<FeatureEntry> anomaly_features();

}  // namespace tidelimit::model
