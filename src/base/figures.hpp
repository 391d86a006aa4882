#pragma once

#include <concepts>
#include <cstdint>
#include <string>

namespace tidelimit {

// Figures as people read them.

/// A count with thousands marked: 1690.4 is "1,690".
[[nodiscard]] std::string grouped(double count);
[[nodiscard]] std::string grouped(std::integral auto count) {
  return grouped(static_cast<double>(count));
}

/// A ratio with so many digits behind the point: 0.8342 with one is "83.4 %".
[[nodiscard]] std::string percent(double ratio, int digits);
/// Of nothing: "-".
[[nodiscard]] std::string percent(std::uint64_t part, std::uint64_t whole, int digits);

}  // namespace tidelimit
