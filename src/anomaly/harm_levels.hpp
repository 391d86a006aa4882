#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "anomaly/detector_model.hpp"

namespace tidelimit::anomaly {

/// Of the last five minutes, the error ratio beyond what everybody suffers just now.
[[nodiscard]] double recent_excess_ratio(const traffic::ClientFeatures& features);

/// That, or the same of the fading hour, where it is more.
[[nodiscard]] double excess_error_ratio(const traffic::ClientFeatures& features);

/// Whether a client fails: at least kLeastErrors in excess, and a ratio of `level` or more of them;
/// or fewer, where it nearly only fails together with its neighbours.
[[nodiscard]] bool fails_at(const traffic::ClientFeatures& features, double level);
/// The ratio at which this client fails: less where it fails at ever new paths.
[[nodiscard]] double error_level_for(const traffic::ClientFeatures& features,
                                     const HarmLevels& levels);

/// Whether a client presses: at `level` requests a minute or more, in traffic::kSteadyMinutes of
/// the last five, or at kFloodTimes that in a single one; and more than `granted`.
[[nodiscard]] bool presses_at(const traffic::ClientFeatures& features, double level,
                              double granted = 0);

/// Within these an error level is drawn, whatever the rows were: attackers among them can't raise
/// it out of reach, and a spotless log does not make a typing error an attack.
inline constexpr double kErrorRatioLeast = 0.3;
inline constexpr double kErrorRatioMost = 0.5;
/// Within these a level of failed paths is drawn: a page whose pictures are gone is no scan, and no
/// swarm that fills the map of paths can raise the level out of its reach.
inline constexpr double kFailedPathsLeast = 20;
inline constexpr double kFailedPathsMost = 60;
/// Below so many requests a minute nobody presses.
inline constexpr double kRateLeast = 60;
/// So many times a level are no screen that loads: who asks so fast need not go on for minutes.
inline constexpr double kFloodTimes = 8;
/// A level is at most so many times that of the usual day.
inline constexpr double kOverUsualDay = 1.25;
/// No rate level is more than so many times the greatest rate seen.
inline constexpr double kOverGreatest = 2;

/// Levels that a share `false_alarms` of the rows would exceed, by the tails of what they show
/// (anomaly/tail.hpp). Rows with less than half of kLeastErrors have no say in the error ratio: of
/// few requests a ratio says little, and a level drawn from such would be that of small counts. The
/// loudest rows, `contamination` of them, have no say. The plain rate is that of a power law (a
/// tail of the logarithms of shape 0), whatever shape the rows show: a bound that a handful of rows
/// does not move.
///   `days`, by row or empty: with three days of 256 rows or more, each level is bounded by
/// the median of the levels that each day shows by itself (a median of blocks stays sound while
/// fewer than half of them are spoilt: Lecue and Lerasle 2020), so that a flood of however many
/// addresses must last for half of the log to teach that floods are usual.
[[nodiscard]] HarmLevels draw_harm_levels(const std::vector<traffic::ClientFeatures>& rows,
                                          std::span<const std::uint32_t> days, double false_alarms,
                                          double contamination);

}  // namespace tidelimit::anomaly
