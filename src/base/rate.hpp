#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/time.hpp"

namespace tidelimit {

/// `count` requests per `period`; both positive. `100/min` is {100, 60 s}.
struct Rate {
  std::uint64_t count = 1;
  Nanos period{std::chrono::seconds{1}};

  bool operator==(const Rate&) const = default;

  [[nodiscard]] constexpr double per_second() const {
    return static_cast<double>(count) * 1e9 / static_cast<double>(period.count());
  }
  [[nodiscard]] constexpr double per_minute() const { return per_second() * 60.0; }
};

/// "N/s", "N/min", "N/h" or "N/d" with N a whole number of at least 1 and at most 1,000,000,000.
/// The error names the mend.
[[nodiscard]] Result<Rate> parse_rate(std::string_view text);

/// "100/min": the form parse_rate reads.
[[nodiscard]] std::string format_rate(const Rate& rate);

/// The burst of a rate that names none: its count, but at most what one minute allows, and at least
/// 1 (100/min: 100; 10000/d: 7; 5/s: 5).
[[nodiscard]] std::uint64_t default_burst(const Rate& rate);

}  // namespace tidelimit
