#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

#include "base/rate.hpp"
#include "base/time.hpp"

namespace tidelimit::limiter {

/// How many requests one call stands for; 0 asks without charging (a peek).
using Hits = std::uint32_t;

/// The theoretical arrival time of a bucket, in nanoseconds of `Instant`. Zero is a bucket that was
/// never used.
using Tat = Nanos;

/// A limit as GCRA needs it. A default-made Limit never denies.
struct Limit {
  Nanos emission_interval{0};  ///< T = period / count, rounded to the nearest ns; 0 means unlimited
  std::uint64_t burst = 0;     ///< how many at once; >= 1 unless unlimited

  bool operator==(const Limit&) const = default;
  [[nodiscard]] constexpr bool unlimited() const { return emission_interval.count() == 0; }
  /// burst * T: how far ahead of now the TAT may stand.
  [[nodiscard]] constexpr Nanos tolerance() const {
    return emission_interval * static_cast<Nanos::rep>(burst);
  }
  [[nodiscard]] constexpr double per_minute() const {
    return unlimited() ? 0.0 : 60e9 / static_cast<double>(emission_interval.count());
  }
};

/// No tolerance is longer than this (about 417 days), so that sums of an Instant and a tolerance
/// fit in the 58 bits that a bucket has for its TAT.
inline constexpr Nanos kMaxTolerance{Nanos::rep{1} << 55};

/// Readings of the clock come before this, 4.5 years from its zero, for the same reason. The time
/// of day comes later: a bucket denies what it can't count.
inline constexpr Instant kNowEnd{Nanos{Nanos::rep{1} << 57}};
/// A reading as the arithmetic of buckets takes it: those far past kNowEnd as one that no bucket
/// can count either, and whose sums don't overflow.
[[nodiscard]] constexpr Instant in_range(Instant now) {
  return std::min(now, Instant{2 * kNowEnd.since_start});
}

/// The limit of a rate; burst >= 1. A burst whose tolerance would pass kMaxTolerance is cut to it.
[[nodiscard]] Limit make_limit(const Rate& rate, std::uint64_t burst);

/// The limit with rate and burst multiplied by `scale` in (0, 1]; tolerance() stays (but for the
/// part of a hit that a whole burst can't hold, which is dropped), so that a switch grants nothing.
/// The burst is at least 1.
[[nodiscard]] Limit scaled(const Limit& limit, double scale);

/// What GCRA says of one call.
struct Conformance {
  bool conforms = false;
  Tat tat{0};                   ///< the TAT to store when it conforms; else the one there was
  std::uint64_t remaining = 0;  ///< hits that would still conform at once, after this call
  Nanos retry_after{
      0};  ///< 0 when it conforms; else until the same call would conform (max when it never would)
  Nanos reset_after{0};  ///< until the bucket is full again
};

/// GCRA for one bucket (ITU-T I.371, virtual scheduling; its tau is (burst - 1)*T). Pure; never
/// allocates.
///   t = max(now, tat);  conforms iff t + n*T <= now + burst*T;  only then tat' = t + n*T
/// n >= 1; n > burst never conforms. n = 0 asks whether one more would conform and leaves the TAT
/// alone. A `now` earlier than before never grants extra requests.
[[nodiscard, gnu::always_inline]] inline Conformance conform(Tat tat, Hits n, const Limit& limit,
                                                             Instant now) noexcept {
  Conformance result;
  result.tat = tat;
  if (limit.unlimited()) [[unlikely]] {
    result.conforms = true;
    result.remaining = std::numeric_limits<std::uint64_t>::max();
    return result;
  }
  const Nanos start = std::max(now.since_start, tat);
  const Nanos room = now.since_start + limit.tolerance() - start;  // negative after a limit fell
  const Hits asked = n == 0 ? 1 : n;
  result.conforms = asked <= limit.burst && limit.emission_interval * asked <= room;
  const Nanos cost = result.conforms && n != 0 ? limit.emission_interval * n : Nanos{0};
  if (cost.count() != 0) result.tat = start + cost;
  if (room > cost)
    result.remaining = static_cast<std::uint64_t>((room - cost) / limit.emission_interval);
  if (!result.conforms)
    result.retry_after =
        asked > limit.burst ? Nanos::max() : limit.emission_interval * asked - room;
  result.reset_after = start + cost - now.since_start;
  return result;
}

}  // namespace tidelimit::limiter
