#pragma once

#include <cstdint>

#include "limiter/gcra.hpp"

namespace tidelimit::limiter {

/// Requests a minute, for people: the rate that was asked for where it is a whole number in a
/// minute, an hour or a day. A limit knows its interval to a nanosecond, by which 101/min would be
/// 100.99999999. 0: unlimited.
[[nodiscard]] constexpr double nominal_per_minute(const Limit& limit) {
  if (limit.unlimited()) return 0;
  const std::int64_t interval = limit.emission_interval.count();
  for (const std::int64_t minutes : {1, 60, 1440}) {
    const std::int64_t period = minutes * 60'000'000'000;
    const std::int64_t count = (period + interval / 2) / interval;
    if (count > 0 && (period + count / 2) / count == interval)
      return static_cast<double>(count) / static_cast<double>(minutes);
  }
  return limit.per_minute();
}

}  // namespace tidelimit::limiter
