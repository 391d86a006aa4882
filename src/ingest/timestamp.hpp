#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace tidelimit::ingest {

/// Reads the times of logs at the rate of lines: "17/May/2015:10:05:03 +0000" (fraction and zone
/// optional, no zone means UTC), RFC 3339, and Unix time. Remembers the last text, since a busy
/// log says the same second many times. One thread.
class LogClock {
 public:
  /// nullopt when the text is none of these, or names a date outside 1970 to 2200.
  [[nodiscard]] std::optional<WallTime> parse(std::string_view text);

 private:
  std::array<char, 40> last_text_{};
  std::size_t last_size_ = 0;
  WallTime last_time_{};
};

/// Unix time as a number; seconds, milli-, micro- or nanoseconds are told apart by magnitude.
[[nodiscard]] std::optional<WallTime> time_of_unix(double number);

}  // namespace tidelimit::ingest
