#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "forecast/model.hpp"
#include "forecast/series.hpp"

namespace tidelimit::forecast {

/// What both presets train from. Windows [0, train_end) teach, [train_end, size) judge; whatever is
/// computed at an origin knows the windows before it alone.
struct TrainingData {
  const traffic::WindowGrid& grid;
  const TrainOptions& options;
  Spans spans;
  std::vector<Series> series;          ///< by endpoint of the grid
  std::vector<std::size_t> endpoints;  ///< those with traffic and an example to learn from
  std::size_t train_end = 0;

  /// Origins from `first` on with an observed horizon that ends by `last`, and enough history
  /// (Series::enough_history).
  [[nodiscard]] std::vector<std::size_t> origins(std::size_t endpoint, std::size_t first,
                                                 std::size_t last) const;
  /// origins() of the part that teaches, and of the part that judges.
  [[nodiscard]] std::vector<std::size_t> teaching(std::size_t endpoint) const;
  [[nodiscard]] std::vector<std::size_t> judging(std::size_t endpoint) const;
};

/// One sequence to learn from: whose, and where.
struct Example {
  std::size_t endpoint = 0;  ///< of the grid
  std::size_t origin = 0;
};

/// The examples of all endpoints, every n-th where there are more than `most`.
enum class Part : std::uint8_t { teaching, judging };
[[nodiscard]] std::vector<Example> examples_of(const TrainingData& data, Part part,
                                               std::size_t most);

/// Trains everything but the residuals and the validation figure.
[[nodiscard]] ForecastModel train_baseline(const TrainingData& data, const ProgressSink& progress);
[[nodiscard]] ForecastModel train_best(const TrainingData& data, const ProgressSink& progress);

}  // namespace tidelimit::forecast
