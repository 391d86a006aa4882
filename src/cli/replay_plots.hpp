#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cli/report/plot.hpp"
#include "engine/replay/report.hpp"

namespace tidelimit::cli {

/// All requests over time, passed and refused by reason, piled up.
[[nodiscard]] report::Plot traffic_plot(const engine::ReplayReport& report);
/// The refused ones alone; nothing where nothing was refused.
[[nodiscard]] std::optional<report::Plot> refusals_plot(const engine::ReplayReport& report);
/// One endpoint's forecasts beside what came; nothing without forecasts.
[[nodiscard]] std::optional<report::Plot> forecast_plot(const engine::ReplayReport& report,
                                                        const std::string& endpoint);

using Changes = std::vector<const policy::PlanChange*>;
[[nodiscard]] std::map<std::string, Changes> changes_by_endpoint(
    const engine::ReplayReport& report);
/// One endpoint's limits over time, by tier, or its totals, or what is shed there; nothing where
/// they never moved.
[[nodiscard]] std::optional<report::Plot> moved_plot(const engine::ReplayReport& report,
                                                     const Changes& changes,
                                                     policy::PlanChange::Of of);

}  // namespace tidelimit::cli
