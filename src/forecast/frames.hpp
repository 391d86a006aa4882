#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "forecast/series.hpp"

namespace tidelimit::forecast {

/// What the network sees of one endpoint: a table of frames, [to - from, F], from which the
/// sequence of any origin is cut. Frames know only windows before their own position.
class Frames {
 public:
  /// Writes the sequence of `origin`, [T, F], oldest frame first.
  void sequence(std::size_t origin, std::size_t steps, std::span<float> out) const;

  // How a sequence is cut: `stride` windows between frames, the last one `offset` before the
  // origin. The first `levels` features are logarithms of counts; the sequence gives them relative
  // to the scale at its origin, so that endpoints of every size look alike.
  std::size_t from = 0;
  std::size_t features = 0;
  std::size_t stride = 1;
  std::size_t offset = 1;
  std::size_t levels = 0;
  std::vector<float> table;
  std::vector<float> log_scale;  ///< at each origin from `from` on; empty when levels == 0
};

/// Features of the `baseline` preset, one frame a window: requests (standardised by `mean` and
/// `deviation` of the training range), premium ratio, share of all endpoints' requests, error
/// ratio.
inline constexpr std::size_t kBaselineFeatures = 4;
[[nodiscard]] Frames baseline_frames(const traffic::WindowGrid& grid, std::size_t endpoint,
                                     const Series& series, double mean, double deviation);

/// Features of the `best` preset, one frame a horizon: logarithms of the last horizon, the last
/// window, the linear member's forecast, yesterday's and last week's next horizon, the mean over
/// days of the next horizon, the scale; then the linear member's last error, premium and error
/// ratios, share of all requests, sine and cosine of the day (twice) and of the week.
inline constexpr std::size_t kBestFeatures = 17;
/// `anchor`: the linear member's forecasts for origins from `from` on; frames cover the same range.
[[nodiscard]] Frames best_frames(const traffic::WindowGrid& grid, std::size_t endpoint,
                                 const Series& series, std::size_t from,
                                 std::span<const double> anchor);

}  // namespace tidelimit::forecast
