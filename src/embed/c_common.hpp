#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "embed/tidelimit.h"
#include "limiter/gcra.hpp"

// What both tables of the C interface do alike.
namespace tidelimit::embed {

static_assert(TIDELIMIT_NOW_MAX == limiter::kNowEnd.since_start.count());

inline bool valid(std::int64_t now_ns) {
  return now_ns >= 0 && now_ns < TIDELIMIT_NOW_MAX;
}

/// Of a call or a lease: a null pointer is an empty key, if it says so.
template <class Asked>
bool has_key(const Asked& asked) {
  return asked.key != nullptr || asked.key_size == 0;
}

template <class Asked>
std::string_view key_bytes(const Asked& asked) {
  if (asked.key_size == 0) return "";
  return {static_cast<const char*>(asked.key), asked.key_size};
}

/// Null: there is no such memory.
template <class Table>
Table* create(std::size_t bytes, std::uint64_t seed) {
  constexpr std::size_t kBytesMax = std::size_t{1}
                                    << 46;  // more than any address space has to give
  if (bytes > kBytesMax) return nullptr;
  try {
    return new Table(bytes, seed);
  } catch (...) {  // std::bad_alloc: nothing else can be thrown, and nothing may cross the border
    return nullptr;
  }
}

}  // namespace tidelimit::embed
