#pragma once

#include <cstdint>
#include <span>

#include "limiter/bucket_table.hpp"
#include "limiter/gcra.hpp"

namespace tidelimit::limiter {

/// How a limit counts what it lets through.
enum class Counting : std::uint8_t {
  gcra,   ///< a full burst at once, which then drips back
  fixed,  ///< so many in each window; windows begin at whole multiples of the period
};

/// What a call takes that asks for more than is left, and is denied.
enum class Excess : std::uint8_t {
  nothing,
  rest,  ///< all that is left
  debt,  ///< all that it asks, up to a whole burst beyond what there is; nothing if none is left
};

/// A limit that no plan sets, on whatever its key stands for.
struct LooseLimit {
  std::uint64_t key = 0;           ///< keyed hash; not 0. Equal keys are one bucket
  std::uint64_t overflow_key = 0;  ///< not 0: of the bucket to share when the table is full
  Limit limit;                     ///< of gcra_limit or window_limit
  Nanos window_left{0};            ///< fixed: until the window ends; gcra: 0
  Hits hits = 1;                   ///< 0 asks whether one more would pass
  Excess excess = Excess::nothing;
  bool watched = false;  ///< its no holds back no other
};

/// `count` at once, and again as they drip back over the period, to the last of them. 0 lets
/// nothing through; more than one a nanosecond are one a nanosecond.
[[nodiscard]] Limit gcra_limit(std::uint64_t count, Nanos period);

/// `count` in a window of `period`, to go with `window_left`. 0 lets nothing through; more than one
/// a nanosecond are one a nanosecond.
///   A window is a bucket that is judged as if it were its end already: n hits move the TAT on by
///   n nanoseconds, so that it tells how many there were, whatever the limit is by then; and at the
///   end of the next window all of it is past.
[[nodiscard]] Limit window_limit(std::uint64_t count, Nanos period);

/// Time left of the window that `now` is in, > 0. `clock_offset`: from Instant to the clock whose
/// multiples begin windows; constant, so that no step of that clock opens a window.
[[nodiscard]] Nanos window_left(Instant now, Nanos clock_offset, Nanos period);

/// What became of one limit.
struct LooseAnswer {
  Conformance conformance;  ///< with a denial somewhere: of what was there, uncharged
  bool overflow = false;
};

/// Checks all limits, then charges all, or none: true when all that are not watched conform. Those
/// that don't are charged by their `excess`. Equal keys are charged once, by the one that takes
/// most.
///   `epoch` grows with every configuration: buckets of an older one are clamped to the new limit.
///   Where another thread takes the last of one in between, charges made so far are taken back, or
///   stand where somebody built upon them. At most kLooseMax; `answers` is at least as long.
[[nodiscard]] bool charge_all(BucketTable& buckets, std::span<const LooseLimit> limits,
                              std::uint64_t epoch, Instant now,
                              std::span<LooseAnswer> answers) noexcept;
inline constexpr std::size_t kLooseMax = 32;

}  // namespace tidelimit::limiter
