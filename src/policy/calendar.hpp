#pragma once

#include <optional>

#include "base/time.hpp"

namespace tidelimit::policy {

/// A planned time: a sale, a launch, a batch at night. Once, or again and again from `from` on.
/// Pure.
struct Planned {
  WallTime from{};
  Nanos length{};                   ///< positive, and at most `every`
  std::optional<Nanos> every;       ///< from one start to the next; absent: once
  std::optional<WallTime> expires;  ///< none starts at or after it

  /// The end of the occurrence that holds at `time`; empty: none does.
  [[nodiscard]] std::optional<WallTime> end_at(WallTime time) const;
  /// The next moment after `time` at which an occurrence starts or ends; empty: all are over.
  [[nodiscard]] std::optional<WallTime> next_edge(WallTime time) const;
  bool operator==(const Planned&) const = default;

 private:
  [[nodiscard]] WallTime last_start(WallTime time) const;
};

/// A planned time may raise limits to so many times their base.
inline constexpr double kMostRaise = 4.0;
inline constexpr Nanos kLongestPlanned = std::chrono::hours{24 * 14};
/// A planned time that comes again has an end no later than this after its first start.
inline constexpr Nanos kLongestRepeated = std::chrono::hours{24 * 400};

}  // namespace tidelimit::policy
