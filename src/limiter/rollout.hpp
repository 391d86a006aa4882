#pragma once

#include <cstdint>
#include <string_view>

#include "base/hash.hpp"
#include "limiter/plan.hpp"

namespace tidelimit::limiter {

// Where principals stand in a roll-out: the same after a restart and on every node, for no hash
// here is keyed.

[[nodiscard]] constexpr std::uint16_t rollout_place(const ClientId& client) noexcept {
  constexpr std::uint64_t kNoKey = 0;
  return rollout_place(hash_client(client, kNoKey));
}
[[nodiscard]] inline std::uint16_t rollout_place(std::string_view user_id) noexcept {
  constexpr std::uint64_t kNoKey = 0;
  return rollout_place(hash_bytes(user_id, kNoKey));
}

}  // namespace tidelimit::limiter
