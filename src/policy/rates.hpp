#pragma once

#include <cmath>

#include "base/time.hpp"

namespace tidelimit::policy {

[[nodiscard]] constexpr double seconds(Nanos span) {
  return static_cast<double>(span.count()) * 1e-9;
}

/// Takes `value`, which held for `span`, into an average that fades exponentially over `memory`.
inline void smooth(double& average, double value, Nanos span, Nanos memory) {
  const double age = static_cast<double>(span.count()) / static_cast<double>(memory.count());
  average += (value - average) * -std::expm1(-age);
}

}  // namespace tidelimit::policy
