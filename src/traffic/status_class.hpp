#pragma once

#include <cstddef>
#include <cstdint>

namespace tidelimit::traffic {

inline constexpr std::size_t kStatusClasses = 6;  ///< 0: unknown, 1xx to 5xx

[[nodiscard]] inline std::size_t status_class(std::uint16_t status) {
  return status >= 100 && status < 600 ? status / 100u : 0u;
}

}  // namespace tidelimit::traffic
