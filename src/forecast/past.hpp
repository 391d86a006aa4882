#pragma once

#include "traffic/window.hpp"

namespace tidelimit::forecast {

/// What a model keeps of the windows it was trained on, for whoever forecasts what came after them
/// and has nothing else from before: without it, events of the week, the same hours of past days
/// and the first day itself would be unknown.

/// Four weeks of events, and the days around the first of them.
inline constexpr std::size_t kPastDays = 35;
/// [endpoints, windows] in all: some 400 kB of a bundle. With many endpoints fewer days are kept.
inline constexpr std::size_t kMostPastWindows = 24'000;

/// The newest windows of `grid` for these endpoints (those that it has, in this order), with what
/// forecasts look at: requests, premium, errors, responses. Numbers are rounded to floats, as a
/// bundle keeps them.
[[nodiscard]] traffic::WindowGrid newest_past(const traffic::WindowGrid& grid,
                                              const std::vector<std::string>& endpoints);

/// `grid` with the past before it; what neither has is a gap. The windows of `grid` itself are left
/// as they are. `grid` alone comes back where the past does not fit it (another step, or other
/// times of the hour), begins no earlier, or ended more than kPastDays before.
[[nodiscard]] traffic::WindowGrid with_past(const traffic::WindowGrid& past,
                                            const traffic::WindowGrid& grid);

}  // namespace tidelimit::forecast
