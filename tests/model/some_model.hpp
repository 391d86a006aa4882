#pragma once

#include <memory>
#include <vector>

#include "anomaly/detector.hpp"
#include "base/random.hpp"
#include "forecast/frames.hpp"
#include "forecast/model.hpp"

namespace tidelimit::model {

/// A forecaster with random weights, so that no two of its parts look alike: what a conversion
/// mixes up shows.
inline std::shared_ptr<const forecast::ForecastModel> some_forecaster(forecast::Preset preset,
                                                                      std::uint64_t seed) {
  using namespace tidelimit::forecast;
  Random random(seed);
  const auto drawn = [&](double size) {
    return static_cast<double>(static_cast<float>(size * random.normal()));
  };
  ForecastModel model;
  model.preset = preset;
  model.network = make_network(network_shape(preset, model.shape), seed);
  for (float& w : model.network.weights) w = static_cast<float>(drawn(0.3));
  model.endpoints = {{"payment", 12.5, 3.25}, {"with \"quotes\", and a comma", 7, 0.5}};
  for (double& r : model.residuals) r = drawn(1);
  if (preset == Preset::best) {
    for (const Space space : kSpaces) {
      for (std::size_t i = 0; i < features_in(space); ++i) model.linear[space].push_back(drawn(1));
    }
    for (std::size_t m = 0; m < kMembers; ++m) model.member_prior.push_back(0.125);
  }
  traffic::WindowGrid past{WallTime{std::chrono::hours{4'000 * 24}}, model.shape.window, {}, {}};
  for (const auto& endpoint : model.endpoints) {
    past.endpoints.push_back(endpoint.name);
    auto& row = past.stats.emplace_back(9);
    for (auto& w : row) w = {.requests = 20, .premium = 3, .errors = 1, .responses = 19};
    row[4] = {.observed = false};
  }
  model.past = past;
  model.validation_mae = 0.1 + 0.2;
  model.best_epoch = 17;
  return *from_parts(to_parts(model));
}

/// A detector of a few trees, trained on anything.
inline std::shared_ptr<const anomaly::Detector> some_detector() {
  Random random(7);
  std::vector<traffic::ClientFeatures> rows(600);
  for (auto& row : rows) {
    for (float& v : row.values) v = static_cast<float>(random.exponential());
  }
  return *anomaly::train(rows, {.trees = 10, .sample = 64});
}

}  // namespace tidelimit::model
