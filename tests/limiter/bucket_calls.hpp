#pragma once

#include <cstdint>

#include "base/hash.hpp"
#include "limiter/bucket_table.hpp"

namespace tidelimit::limiter {

/// Keys as the limiter makes them: spread over all 64 bits, never 0.
[[nodiscard]] constexpr std::uint64_t key_number(std::uint64_t i) {
  const std::uint64_t key = mix(i, 0x6b6579);
  return key == 0 ? 1 : key;
}

[[nodiscard]] constexpr Instant at(Nanos since_start) {
  return Instant{since_start};
}

/// A limit of one hit per `interval`.
[[nodiscard]] constexpr Limit every(Nanos interval, std::uint64_t burst) {
  return Limit{interval, burst};
}

[[nodiscard]] constexpr BucketCall call_on(std::uint64_t key, const Limit& limit, Instant now,
                                           Hits hits = 1) {
  BucketCall call;
  call.key = key;
  call.hits = hits;
  call.limit = limit;
  call.now = now;
  return call;
}

/// How many of `tries` single hits at one moment pass.
template <class Charger>
[[nodiscard]] int passes(Charger&& charge, const BucketCall& call, int tries) {
  int passed = 0;
  for (int i = 0; i < tries; ++i) passed += charge(call).conformance.conforms;
  return passed;
}

}  // namespace tidelimit::limiter
