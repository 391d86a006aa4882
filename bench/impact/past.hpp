#pragma once

#include <memory>

#include "base/error.hpp"
#include "engine/history.hpp"
#include "forecast/forecaster.hpp"
#include "impact/world.hpp"
#include "model/bundle.hpp"
#include "traffic/window.hpp"

namespace tidelimit::impact {

/// The five weeks of windows before the played day, and that day's own up to `until`: what a gate
/// that had stood there all the time would know. At a pace windows are shorter, and hold less.
[[nodiscard]] traffic::WindowGrid windows_until(Nanos until, std::uint64_t seed, int pace = 1);

/// Both models, trained on that past as `tidelimit train` does: the forecaster on the windows
/// before the played day, the detector on an evening of customers.
[[nodiscard]] Result<std::shared_ptr<const model::Bundle>> train(forecast::Preset preset,
                                                                 std::uint64_t seed, int epochs = 0,
                                                                 int pace = 1);

/// A history that knows those windows and keeps nothing.
[[nodiscard]] std::shared_ptr<engine::History> history_of(traffic::WindowGrid windows);

}  // namespace tidelimit::impact
