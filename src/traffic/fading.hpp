#pragma once

#include <cmath>

namespace tidelimit::traffic {

/// What is left of a sum of the fading hour after so many seconds: exp(-age / 1 h), so that a
/// steady N an hour gives N.
[[nodiscard]] inline float hour_fade(float seconds) {
  constexpr float kHourSeconds = 3600;
  return seconds > 0 ? std::exp(-seconds / kHourSeconds) : 1.0F;
}

}  // namespace tidelimit::traffic
