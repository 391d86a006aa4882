#pragma once

#include <cstdint>

namespace tidelimit::limiter {

/// Two words, next to each other and aligned to 16 bytes, that change only together: one
/// compare-and-swap (lock cmpxchg16b), a full barrier. False: they were not as named.
/// GCC inlines the __sync form; std::atomic of 16 bytes would call libatomic.
[[nodiscard]] inline bool swap_words(void* words, std::uint64_t old_first, std::uint64_t old_second,
                                     std::uint64_t new_first, std::uint64_t new_second) noexcept {
  __extension__ using Wide [[gnu::may_alias]] = unsigned __int128;
  // By shifts, and not through memory: reading back as a half what was just written as a whole
  // costs more than the swap.
  const auto wide = [](std::uint64_t first, std::uint64_t second) {
    return static_cast<Wide>(second) << 64 | first;
  };
  return __sync_bool_compare_and_swap(static_cast<Wide*>(words), wide(old_first, old_second),
                                      wide(new_first, new_second));
}

}  // namespace tidelimit::limiter
