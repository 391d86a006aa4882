#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "limiter/plan.hpp"

namespace tidelimit::engine {

/// The view that decisions go by at this moment, as the data plane picks it from the mode switches
/// (`Engine::modes`).
[[nodiscard]] inline limiter::View view_in_force(
    const limiter::Plan& plan, const std::vector<std::pair<std::string, limiter::Mode>>& modes,
    Instant now) {
  using limiter::View;
  const auto enforces = [&](std::string_view part) {
    const auto found =
        std::find_if(modes.begin(), modes.end(), [&](const auto& m) { return m.first == part; });
    return found == modes.end() || found->second == limiter::Mode::enforce;
  };
  if (now > plan.expires_at || !enforces("rules")) return View::base;
  return enforces("forecast") ? View::effective : View::without_forecast;
}

}  // namespace tidelimit::engine
