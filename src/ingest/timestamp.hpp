#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace tidelimit::ingest {

/// The forms of times that LogClock reads, for messages.
inline constexpr const char* kTimeForms =
    "17/May/2015:10:05:03 +0000, 2015-05-17T10:05:03Z, 2015-05-17 10:05[:03] [UTC, +02:00], "
    "2015/05/17 10:05:03, or Unix time";

/// Reads the times of logs at the rate of lines: "17/May/2015:10:05:03 +0000" (fraction and zone
/// optional, no zone means UTC), RFC 3339 (with a space or slashes, without seconds or zone too),
/// and Unix time. Remembers the last text, since a busy log says the same second many times. One
/// thread.
class LogClock {
 public:
  /// What a date without a time of day is: midnight for ready windows of a day, no time for a
  /// request.
  enum class BareDate : std::uint8_t { refused, midnight };

  explicit LogClock(BareDate bare_date = BareDate::refused) : bare_date_(bare_date) {}

  /// nullopt when the text is none of these, or names a date outside 1970 to 2200.
  [[nodiscard]] std::optional<WallTime> parse(std::string_view text);

 private:
  std::array<char, 40> last_text_{};
  std::size_t last_size_ = 0;
  WallTime last_time_{};
  BareDate bare_date_;
};

/// Unix time as a number; seconds, milli-, micro- or nanoseconds are told apart by magnitude.
[[nodiscard]] std::optional<WallTime> time_of_unix(double number);

}  // namespace tidelimit::ingest
