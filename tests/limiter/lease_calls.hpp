#pragma once

#include <cstdint>

#include "base/hash.hpp"
#include "limiter/bucket_calls.hpp"
#include "limiter/lease_table.hpp"

namespace tidelimit::limiter {

/// Leases that hold for 3 s, in generations of one.
[[nodiscard]] inline LeaseKey lease_key(std::uint64_t number, std::uint32_t generation_ms = 1000) {
  return {mix(number, 17), generation_ms};
}

/// Gives leases of one set in turn: the key does not choose the place where there is one set.
inline constexpr std::size_t kOneSet = 256;

}  // namespace tidelimit::limiter
