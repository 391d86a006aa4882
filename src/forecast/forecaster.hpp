#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "traffic/window.hpp"

namespace tidelimit::forecast {

/// Levels of the quantiles of every forecast, in this order; kMedian is the index of 0.5.
inline constexpr std::array<double, 5> kQuantiles{0.05, 0.10, 0.50, 0.90, 0.95};
inline constexpr std::size_t kMedian = 2;

/// Window, history and horizon of a model; whole multiples of `window`.
struct Shape {
  Nanos window{std::chrono::minutes{15}};
  Nanos history{std::chrono::hours{24}};
  Nanos horizon{std::chrono::hours{1}};

  bool operator==(const Shape&) const = default;
  [[nodiscard]] std::size_t steps() const { return static_cast<std::size_t>(history / window); }
  [[nodiscard]] std::size_t horizon_steps() const {
    return static_cast<std::size_t>(horizon / window);
  }
};

/// What a forecast comes from. Without a model, or where it can't speak: last_value, seasonal (mean
/// of the same hours of a week). Where it was worse than simple rules (forecast/guard.hpp):
/// last_value, yesterday, week_ago, typical.
enum class Source : std::uint8_t { none, last_value, seasonal, lstm, yesterday, week_ago, typical };
inline constexpr std::array kSources{Source::none,   Source::last_value, Source::seasonal,
                                     Source::lstm,   Source::yesterday,  Source::week_ago,
                                     Source::typical};
[[nodiscard]] const char* to_string(Source source);

/// Requests of one endpoint over the horizon that follows `made_at` (the end of the last complete
/// window).
struct EndpointForecast {
  std::string endpoint;
  WallTime made_at{};
  Nanos horizon{};
  std::array<double, kQuantiles.size()> quantiles{};  ///< requests per horizon, ascending, >= 0
  double naive = 0;  ///< the best naive forecast of the same, for comparison
  /// Median of the same time of day over the last 28 days; empty: under 7 days known.
  std::optional<double> usual;
  Source source = Source::none;
  /// Why it is not the LSTM's, in words: "41 of 96 windows of history: last value".
  std::string note;
  /// How far off each contender was over the last two days (mean absolute error, newer ones weigh
  /// more), requests per horizon; the model first. The model alone, infinitely far off: what it
  /// says is not a number. Empty: nothing competes yet, or no model could speak.
  std::vector<std::pair<Source, double>> recent_errors;

  [[nodiscard]] double median() const { return quantiles[kMedian]; }
  /// The model could speak, and a simple rule does: it was closer lately.
  [[nodiscard]] bool guarded() const { return source != Source::lstm && !recent_errors.empty(); }
  /// Median over usual; empty where usual is unknown or zero.
  [[nodiscard]] std::optional<double> spike() const {
    return usual.value_or(0) > 0 ? std::optional(median() / *usual) : std::nullopt;
  }
};

enum class Preset : std::uint8_t { baseline, best };

struct TrainOptions {
  Shape shape;
  Preset preset = Preset::best;
  std::uint64_t seed = 1;
  int threads = 2;
  int epochs = 0;                  ///< 0: the preset's own
  double validation_ratio = 0.15;  ///< the newest part of the training range, for early stopping
  /// Called between the steps of the work, on the thread of the caller. What it throws ends the
  /// work and passes through.
  std::function<void()> between_steps = [] {};
};

/// Where training stands, for a progress bar.
struct Progress {
  int epoch = 0;
  int epochs = 0;
  double done_ratio = 0;  ///< of the whole training, 0..1
  double loss = 0;
  std::optional<double> validation_loss;
};
using ProgressSink = std::function<void(const Progress&)>;

/// A trained forecaster: weights, scaling, residual quantiles. Immutable, thread-safe to read.
/// (Its internals, and how model/ reads and writes them, are in forecast/model.hpp.)
class ForecastModel;

/// Trains on the whole grid, in time order, without leakage. Errors: history too short (says how
/// much is needed), no traffic at all. Equal grid, options and instruction set give equal weights
/// whatever the thread count.
[[nodiscard]] Result<std::shared_ptr<const ForecastModel>> train(const traffic::WindowGrid& grid,
                                                                 const TrainOptions& options,
                                                                 const ProgressSink& progress);

/// Forecasts of all endpoints of `grid` at `origin`: windows [0, origin) are known, the horizon
/// starts at time_of(origin). `model` may be null, or may not know an endpoint or shape; then, and
/// wherever history is too short or gapped or what it says is not finite, the forecast falls back
/// to seasonal (same time of day) or last value, and `source` and `note` say so. Pure.
[[nodiscard]] std::vector<EndpointForecast> predict(const ForecastModel* model,
                                                    const traffic::WindowGrid& grid,
                                                    std::size_t origin, const Shape& shape);

/// Median of the same time of day over the last 28 days before `origin`, whatever the weekday, in
/// requests per horizon; empty with fewer than 7 observed days. An hour earlier or later where the
/// whole last day was so against the weeks before: clocks were changed, and users follow theirs.
[[nodiscard]] std::optional<double> usual(const traffic::WindowGrid& grid, std::size_t endpoint,
                                          std::size_t origin, const Shape& shape);

}  // namespace tidelimit::forecast
