#pragma once

#include <string_view>

namespace tidelimit::engine {

// Behind the verdict of a client whom shadow mode would have denied, in records of that: why it
// does, or does not, tell the client from the good. A verdict without either does.

/// It is only watched itself, so it is on trial as its denials are: no excuse.
inline constexpr std::string_view kOnlyWatched = " (watched)";
/// The operator says so, over all verdicts.
inline constexpr std::string_view kByLabel = " (label)";

/// The verdict without these.
[[nodiscard]] inline std::string_view verdict_alone(std::string_view verdict) {
  return verdict.substr(0, verdict.find(' '));
}

}  // namespace tidelimit::engine
