#pragma once

#include <string>

#include "base/time.hpp"
#include "policy/settings.hpp"

namespace tidelimit::policy {

// Figures as people read them, for causes and reasons.

/// A count with thousands marked: 1690.4 is "1,690".
[[nodiscard]] std::string count_in_words(double count);
/// A share: 0.834 is "83 %".
[[nodiscard]] std::string percent_in_words(double ratio);
/// One digit after the point: 2.012 is "2.0".
[[nodiscard]] std::string ratio_in_words(double ratio);
/// A span ahead: one hour is "hour", 30 minutes are "30m".
[[nodiscard]] std::string span_in_words(Nanos span);

/// "shadow", "enforce 5 %".
[[nodiscard]] std::string in_words(const ModeFor& mode);

}  // namespace tidelimit::policy
