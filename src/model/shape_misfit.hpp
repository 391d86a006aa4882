#pragma once

#include <string>

#include "model/bundle.hpp"

namespace tidelimit::model {

/// "window 15m, history 24h, horizon 1h"
[[nodiscard]] std::string format_shape(const forecast::Shape& shape);

/// How the windows that the forecast of the bundle is for differ from those of a gate, in words;
/// empty: they don't, or the bundle has no forecast.
[[nodiscard]] std::string shape_misfit(const Bundle& bundle, const forecast::Shape& of_gate);

/// Why a gate keeps what it runs (null: nothing) and leaves `fresh`: its forecast is for other
/// windows, and the one that runs is for those of the gate. Empty: it takes `fresh`.
[[nodiscard]] std::string shape_refusal(const Bundle& fresh, const Bundle* running,
                                        const forecast::Shape& of_gate);

}  // namespace tidelimit::model
