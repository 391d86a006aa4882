#pragma once

#include <cstddef>
#include <span>

#include "forecast/series.hpp"

namespace tidelimit::forecast {

/// Lags of one origin: sums of past horizons and their means over days and weeks, in requests per
/// horizon. Those that reach before the first window take the nearest mean that exists.
inline constexpr std::size_t kLagFeatures = 42;

/// Of the lags, those with a name of their own.
inline constexpr std::size_t kLastHorizon = 0;
inline constexpr std::size_t kYesterdayNext = 12;
inline constexpr std::size_t kYesterdayLast = kYesterdayNext + 1;  ///< what it followed

/// Writes kLagFeatures numbers.
void lag_features(const Series& series, std::size_t origin, std::span<double> out);

/// Of the lags' logarithms what is left without the level: each against the one it followed.
void to_changes(std::span<double> lags);

}  // namespace tidelimit::forecast
