#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "forecast/events.hpp"
#include "forecast/lane.hpp"
#include "forecast/linear.hpp"
#include "forecast/members.hpp"
#include "forecast/model.hpp"

namespace tidelimit::forecast {

/// What the forecasts of one endpoint worked out at earlier origins, by position in the grid.
struct EndpointMemory {
  std::vector<OnlineLinear> learning;  ///< one of each space; empty: nothing was asked yet
  LinearForecasts linear;              ///< theirs, from where they began to learn
  std::map<std::size_t, std::array<double, kMembers>> members;  ///< at origins forecast or judged
  EventsMemory events;
  std::map<std::size_t, double> points;  ///< forecasts of the mix
  std::map<Source, Lane> lanes;          ///< of sources that were asked

  /// Drops what no later origin than `origin` reads.
  void forget_before(std::size_t origin);
};

/// After so many days without one request at any endpoint there is nothing to forecast: whatever
/// traffic there was lies before all that forecasts and their intervals look back on
/// (docs/decisions/long-silence.md).
inline constexpr std::size_t kQuietDays = kCalibratedDays + kAdaptedDays;

/// Keeps the work of predict() from one window to the next: a live gate and a replay ask again
/// every window, and nearly all that a forecast rests on was worked out before. It forgets
/// everything when the model, the grid's start or step changes, so the grid must only grow at its
/// end. One thread.
class ForecastMemory {
 public:
  /// To be called before each use: keeps up with the grid, or forgets, as said above.
  void follow(const ForecastModel* model, const traffic::WindowGrid& grid);
  [[nodiscard]] EndpointMemory& of(const std::string& endpoint) { return endpoints_[endpoint]; }
  /// Windows at the grid's end, in a row, that were observed and in which nothing came.
  [[nodiscard]] std::size_t quiet_windows() const { return quiet_; }

 private:
  const ForecastModel* model_ = nullptr;
  WallTime start_{};
  Nanos step_{};
  std::size_t size_ = 0;  ///< of the grid when last asked
  std::size_t quiet_ = 0;
  std::map<std::string, EndpointMemory> endpoints_;
};

/// predict() at the end of the grid, by what the memory holds; equal to predict() as long as the
/// grid is shorter than the past that the linear members learn from, and close to it after that.
/// After kQuietDays of silence it says nothing (Source::none), whatever the model.
[[nodiscard]] std::vector<EndpointForecast> predict_next(const ForecastModel* model,
                                                         const traffic::WindowGrid& grid,
                                                         const Shape& shape,
                                                         ForecastMemory& memory);

}  // namespace tidelimit::forecast
