#include <algorithm>
#include <cmath>

#include "forecast/events.hpp"
#include "forecast/frames.hpp"
#include "forecast/members.hpp"
#include "forecast/trainer.hpp"
#include "forecast/training.hpp"

namespace tidelimit::forecast {

namespace {

// Chosen by the backtest (docs/models.md).
constexpr int kEpochs = 40;
constexpr int kPatience = 12;
constexpr double kLearningRate = 2e-3;
constexpr std::size_t kBatch = 32;
constexpr double kWeightDecay = 0.05;
constexpr double kAveraged = 0.995;
/// Bounds of the work: sequences an epoch, and how far back the linear members learn.
constexpr std::size_t kMostExamples = 24'000;
constexpr std::size_t kLinearDays = 120;
/// Share of the progress bar that the network takes; the rest is the linear members'.
constexpr double kNetworkShare = 0.9;

/// The first window from which anything is learned.
std::size_t learned_from(const TrainingData& data, std::size_t endpoint) {
  const std::size_t days = kLinearDays * data.spans.day;
  const std::size_t start = data.series[endpoint].first_observed();
  return std::max(start, data.train_end > days ? data.train_end - days : 0);
}

void fit_linear_priors(const TrainingData& data, ForecastModel& model) {
  std::vector<const Series*> series;
  std::vector<LinearRows> rows;
  for (const std::size_t e : data.endpoints) {
    data.options.between_steps();
    // Origins whose horizon ends within the part that teaches.
    const std::size_t to = data.train_end + 1 - data.spans.horizon;
    const std::size_t from = std::min(learned_from(data, e), to);
    series.push_back(&data.series[e]);
    rows.emplace_back(data.series[e], data.grid.start, data.grid.step, from, to);
  }
  for (const Space space : kSpaces) {
    data.options.between_steps();
    model.linear[space] = fit_shared(series, rows, space);
  }
}

/// What one endpoint teaches from: linear forecasts and frames over all its windows.
struct Material {
  LinearForecasts linear;
  Frames frames;
  double unit = 1;  ///< mean requests per horizon of the part that teaches
};

Material make_material(const TrainingData& data, std::size_t e, const ForecastModel& model) {
  const Series& series = data.series[e];
  const std::size_t from = learned_from(data, e);
  Material material;
  material.linear = linear_forecasts(data.grid, series, from, data.grid.size(), model);
  material.frames = best_frames(data.grid, e, series, from, material.linear.anchor());
  material.unit = std::max(series.mean(from, data.train_end), 1e-6);
  return material;
}

class Lesson {
 public:
  Lesson(const TrainingData& data, const std::vector<Material>& materials,
         const NetworkShape& shape)
      : data_(data), materials_(materials), shape_(shape) {}

  /// What the network learns: the linear member's error in correction units, each weighed so that
  /// the loss is an error in units of its endpoint's mean.
  [[nodiscard]] Examples examples(Part part) const {
    constexpr double kWildest = 20.0;
    Examples out;
    auto rows = examples_of(data_, part, kMostExamples);
    std::erase_if(rows, [&](const Example& row) {
      return row.origin < materials_[row.endpoint].linear.from + data_.spans.history;
    });
    for (const auto& [e, t] : rows) {
      const Material& material = materials_[e];
      const double anchor = material.linear.anchor()[t - material.linear.from];
      const double unit = correction_unit(anchor, data_.series[e].scale(t));
      const double target = (data_.series[e].horizon_sum(t) - anchor) / unit;
      out.targets.push_back(static_cast<float>(std::clamp(target, -kWildest, kWildest)));
      out.weights.push_back(static_cast<float>(std::min(unit / material.unit, kWildest)));
    }
    out.fill = [&materials = materials_, steps = shape_.steps, rows = std::move(rows)](
                   std::size_t row, std::span<float> sequence) {
      materials[rows[row].endpoint].frames.sequence(rows[row].origin, steps, sequence);
    };
    return out;
  }

 private:
  const TrainingData& data_;
  const std::vector<Material>& materials_;
  const NetworkShape& shape_;
};

/// A network that corrects nothing yet: what it learns is to be better than its anchor.
Network silent_network(const NetworkShape& shape, std::uint64_t seed) {
  Network network = make_network(shape, seed);
  std::fill(network.weights.begin() + static_cast<std::ptrdiff_t>(shape.dense_at()),
            network.weights.end(), 0.0F);
  return network;
}

/// Weights of the members that were best over the part that judges, all endpoints together; before
/// much is known, they lean on what was good elsewhere.
std::vector<double> fit_member_prior(const TrainingData& data,
                                     const std::vector<Material>& materials,
                                     const ForecastModel& model) {
  constexpr double kUsualNaive = 0.01;
  constexpr double kUsualShape = 0.3;
  constexpr double kUsualOther = 0.1;  // of the other members that no network corrects
  constexpr double kEnoughRows = 300;
  std::vector<double> usual(kMembers, kUsualNaive);
  usual[linear_member(Space::plain)] = usual[linear_member(Space::change)] = kUsualOther;
  usual[linear_member(Space::shape)] = kUsualShape;
  for (const auto m : {linear_member(Space::log), kNetworkMember}) {
    usual[m] =
        (1 - kUsualShape - 2 * kUsualOther - kUsualNaive * static_cast<double>(kNaiveRules)) / 2;
  }
  Record record{kMembers, {}, {}};
  for (const std::size_t e : data.endpoints) {
    data.options.between_steps();
    const Material& material = materials[e];
    const Series& series = data.series[e];
    const auto origins = data.judging(e);
    const auto corrections = middle_outputs(model.network, material.frames, origins);
    for (std::size_t k = 0; k < origins.size(); ++k) {
      std::array<double, kMembers> row{};
      members_at(series, origins[k], material.linear, corrections[k], row);
      for (const double v : row) record.forecasts.push_back(v / material.unit);
      record.truths.push_back(series.horizon_sum(origins[k]) / material.unit);
    }
  }
  const auto best = mix_weights(record, usual);
  const auto rows = static_cast<double>(record.rows());
  std::vector<double> prior(kMembers);
  for (std::size_t m = 0; m < kMembers; ++m) {
    prior[m] = (rows * best[m] + kEnoughRows * usual[m]) / (rows + kEnoughRows);
  }
  return prior;
}

/// Events are no business of the members: they learn from the series without them.
TrainingData without_events(const TrainingData& data) {
  TrainingData calm = data;
  for (Series& series : calm.series) series = Events(series).calm(series);
  return calm;
}

}  // namespace

ForecastModel train_best(const TrainingData& raw, const ProgressSink& progress) {
  const TrainingData data = without_events(raw);
  ForecastModel model;
  model.preset = Preset::best;
  model.shape = data.options.shape;
  fit_linear_priors(data, model);
  std::vector<Material> materials(data.series.size());
  for (const std::size_t e : data.endpoints) {
    data.options.between_steps();
    materials[e] = make_material(data, e, model);
    model.endpoints.push_back({data.grid.endpoints[e], materials[e].unit, 1.0});
  }
  const NetworkShape shape = network_shape(model.preset, model.shape);
  const Lesson lesson(data, materials, shape);
  FitSettings settings;
  settings.quantiles.assign(kQuantiles.begin(), kQuantiles.end());
  settings.epochs = data.options.epochs > 0 ? data.options.epochs : kEpochs;
  settings.batch = kBatch;
  settings.learning_rate = kLearningRate;
  settings.decay_learning_rate = true;
  settings.weight_decay = kWeightDecay;
  settings.averaged = kAveraged;
  settings.patience = kPatience;
  settings.threads = data.options.threads;
  settings.seed = data.options.seed;
  auto fitted =
      fit(silent_network(shape, data.options.seed), lesson.examples(Part::teaching),
          lesson.examples(Part::judging), settings, [&](const EpochReport& report) {
            data.options.between_steps();
            if (!progress) return;
            const double done = static_cast<double>(report.epoch) / settings.epochs;
            progress({report.epoch, settings.epochs, 1 - kNetworkShare + kNetworkShare * done,
                      report.loss, report.validation_loss});
          });
  model.network = std::move(fitted.network);
  model.best_epoch = fitted.best_epoch;
  model.member_prior = fit_member_prior(data, materials, model);
  return model;
}

}  // namespace tidelimit::forecast
