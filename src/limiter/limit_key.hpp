#pragma once

#include <cstdint>

#include "base/hash.hpp"
#include "limiter/gcra.hpp"

namespace tidelimit::limiter {

/// The key of a bucket is never 0, which is an entry that nobody took.
[[nodiscard]] constexpr std::uint64_t nonzero_key(std::uint64_t hash) noexcept {
  return hash == 0 ? 1 : hash;
}

/// Of a bucket whose key takes in its limit: with another limit it is another bucket. Never 0.
///   So it is with all that several share: a slow limit drives the TAT beyond all that a fast one
///   passes.
[[nodiscard]] inline std::uint64_t limit_key(std::uint64_t whose, const Limit& limit) noexcept {
  const auto interval = static_cast<std::uint64_t>(limit.emission_interval.count());
  return nonzero_key(mix(whose, mix(interval, limit.burst)));
}

}  // namespace tidelimit::limiter
