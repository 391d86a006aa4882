#pragma once

#include <cmath>

#include "base/time.hpp"

namespace tidelimit::policy {

/// What `span` weighs in an average that fades exponentially over `memory`.
[[nodiscard]] inline double weight_in(Nanos memory, Nanos span) {
  return -std::expm1(-(static_cast<double>(span.count()) / static_cast<double>(memory.count())));
}

/// Takes `value`, which held for a span of this weight, into an average.
inline void smooth(double& average, double value, double weight) {
  average += (value - average) * weight;
}

}  // namespace tidelimit::policy
