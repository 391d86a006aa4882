#pragma once

#include "base/time.hpp"

namespace tidelimit {

[[nodiscard]] constexpr double in_seconds(Nanos span) {
  return static_cast<double>(span.count()) * 1e-9;
}

}  // namespace tidelimit
