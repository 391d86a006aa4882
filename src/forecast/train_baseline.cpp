#include <algorithm>
#include <cmath>

#include "forecast/frames.hpp"
#include "forecast/trainer.hpp"
#include "forecast/training.hpp"

namespace tidelimit::forecast {

namespace {

constexpr int kEpochs = 50;
constexpr std::size_t kBatch = 32;

/// Mean and deviation of one endpoint's windows over the part that teaches, as floats hold them.
EndpointScaling scaling_of(const TrainingData& data, std::size_t endpoint) {
  const Series& series = data.series[endpoint];
  double sum = 0, squares = 0, count = 0;
  for (std::size_t i = series.first_observed(); i < data.train_end; ++i) {
    if (!series.known(i)) continue;
    sum += series.at(i);
    squares += series.at(i) * series.at(i);
    count += 1;
  }
  const double mean = sum / count;
  const double deviation = std::sqrt(std::max(0.0, squares / count - mean * mean));
  constexpr double kFlattest = 1e-3;  // of the mean: a constant series
  return {data.grid.endpoints[endpoint], static_cast<double>(static_cast<float>(mean)),
          static_cast<double>(static_cast<float>(std::max(deviation, kFlattest * (mean + 1))))};
}

}  // namespace

ForecastModel train_baseline(const TrainingData& data, const ProgressSink& progress) {
  ForecastModel model;
  model.preset = Preset::baseline;
  model.shape = data.options.shape;
  std::vector<Frames> frames(data.series.size());
  std::vector<EndpointScaling> scaling(data.series.size());
  for (const std::size_t e : data.endpoints) {
    scaling[e] = scaling_of(data, e);
    frames[e] =
        baseline_frames(data.grid, e, data.series[e], scaling[e].mean, scaling[e].deviation);
    model.endpoints.push_back(scaling[e]);
  }
  const NetworkShape shape = network_shape(model.preset, model.shape);
  const auto lesson = [&](Part part) {
    Examples examples;
    const auto rows = examples_of(data, part, data.grid.size() * data.grid.endpoints.size());
    const auto horizon = static_cast<double>(data.spans.horizon);
    for (const auto& [e, t] : rows) {
      const double per_window = data.series[e].horizon_sum(t) / horizon;
      examples.targets.push_back(
          static_cast<float>((per_window - scaling[e].mean) / scaling[e].deviation));
      examples.weights.push_back(1.0F);
    }
    examples.fill = [&frames, &shape, rows](std::size_t row, std::span<float> out) {
      frames[rows[row].endpoint].sequence(rows[row].origin, shape.steps, out);
    };
    return examples;
  };
  FitSettings settings;
  settings.epochs = data.options.epochs > 0 ? data.options.epochs : kEpochs;
  settings.batch = kBatch;
  settings.gradient_norm = 0;
  settings.keep = FitSettings::Keep::last;
  settings.threads = data.options.threads;
  settings.seed = data.options.seed;
  auto fitted = fit(make_network(shape, data.options.seed), lesson(Part::teaching),
                    lesson(Part::judging), settings, [&](const EpochReport& report) {
                      data.options.between_steps();
                      if (!progress) return;
                      progress({report.epoch, settings.epochs,
                                static_cast<double>(report.epoch) / settings.epochs, report.loss,
                                report.validation_loss});
                    });
  model.network = std::move(fitted.network);
  model.best_epoch = fitted.best_epoch;
  return model;
}

}  // namespace tidelimit::forecast
