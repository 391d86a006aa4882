#pragma once

#define XXH_INLINE_ALL
#include <algorithm>
#include <cstdint>
#include <string_view>
#include <xxhash.h>

#include "base/address.hpp"

namespace tidelimit {

/// XXH3 with a seed: fast, and, with a seed drawn per process, not to be aimed at from outside.
[[nodiscard]] inline std::uint64_t hash_bytes(std::string_view bytes, std::uint64_t seed) noexcept {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

/// A strong mix of two words (the finaliser of MurmurHash3, Appleby 2011, over a multiply-xor of
/// both).
[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t h = a ^ (b * 0x9e3779b97f4a7c15ULL);
  h ^= h >> 33;
  h *= 0xff51afd7ed558ccdULL;
  h ^= h >> 33;
  h *= 0xc4ceb9fe1a85ec53ULL;
  h ^= h >> 33;
  return h;
}

/// The seed goes through the finaliser with the first word alone: no two clients collide under
/// every seed, so nobody can choose an address that shares another's bucket. Never 0 or 1, which
/// tables keep for themselves.
[[nodiscard]] constexpr std::uint64_t hash_client(const ClientId& client,
                                                  std::uint64_t seed) noexcept {
  return std::max<std::uint64_t>(mix(mix(client.hi, seed), client.lo), 2);
}

/// For standard containers that hold clients of one process's own making.
struct ClientIdHash {
  std::size_t operator()(const ClientId& client) const noexcept {
    return hash_client(client, 0x74696465);
  }
};

}  // namespace tidelimit
