#include "model/features.hpp"

#include "anomaly/detector_model.hpp"
#include "forecast/frames.hpp"
#include "traffic/client_profile.hpp"

namespace tidelimit::model {

std::vector<FeatureEntry> forecast_features(forecast::Preset preset) {
  // The order of forecast/frames.hpp.
  static const std::vector<FeatureEntry> kBaseline = {
      {"requests", "standardised by the endpoint's training mean and deviation"},
      {"premium_ratio", "raw"},
      {"endpoint_share", "raw"},
      {"error_ratio", "raw"},
  };
  static const std::vector<FeatureEntry> kBest = {
      {"last_horizon", "log, relative to the level at the origin"},
      {"last_window", "log, relative to the level at the origin"},
      {"linear_forecast", "log, relative to the level at the origin"},
      {"next_horizon_yesterday", "log, relative to the level at the origin"},
      {"next_horizon_last_week", "log, relative to the level at the origin"},
      {"next_horizon_mean_of_days", "log, relative to the level at the origin"},
      {"level", "log, relative to the level at the origin"},
      {"last_linear_error", "log ratio"},
      {"premium_ratio", "raw"},
      {"error_ratio", "raw"},
      {"endpoint_share", "raw"},
      {"day_sin", "raw"},
      {"day_cos", "raw"},
      {"half_day_sin", "raw"},
      {"half_day_cos", "raw"},
      {"week_sin", "raw"},
      {"week_cos", "raw"},
  };
  return preset == forecast::Preset::baseline ? kBaseline : kBest;
}

std::vector<FeatureEntry> anomaly_features() {
  // Which features are seen as logarithms is the detector's to say: a 1 that stays 1 is raw.
  traffic::ClientFeatures ones;
  ones.values.fill(1.0F);
  const auto seen = anomaly::transform(ones);
  std::vector<FeatureEntry> features;
  for (std::size_t f = 0; f < traffic::kFeatures; ++f) {
    features.push_back({traffic::to_string(static_cast<traffic::Feature>(f)),
                        seen[f] == 1.0F ? "raw" : "log(1 + x)"});
  }
  return features;
}

}  // namespace tidelimit::model
