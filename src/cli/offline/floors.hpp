#pragma once

#include <string>

#include "base/error.hpp"
#include "cli/offline/forecast_score.hpp"

namespace tidelimit::cli {

/// Puts the floors of the forecasts scored beside them, from a file of `generate --rates`, and a
/// note where it does not tell all of their hours. Errors: a horizon other than the hour that such
/// files are of, and a file of other traffic: what came by it is mostly farther from what came in
/// the input than the floor itself is, at every endpoint. Requests of attackers that the input has
/// beyond it, where they were not found, do not make it one.
[[nodiscard]] Result<void> add_floors(const std::string& file, ForecastScore& score);

}  // namespace tidelimit::cli
