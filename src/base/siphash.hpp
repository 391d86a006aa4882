#pragma once

#include <cstdint>
#include <string_view>

namespace tidelimit {

struct SipKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

/// SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012). For what
/// strangers see of a secret: without the key, neither the input nor the value of another input
/// follows from any number of values. hash_bytes and mix promise nothing of that kind.
[[nodiscard]] std::uint64_t siphash(const SipKey& key, std::string_view bytes) noexcept;

/// A key for one purpose. Neither the seed nor the key of another purpose follows from it.
[[nodiscard]] SipKey derive_key(std::uint64_t seed, std::string_view purpose) noexcept;

}  // namespace tidelimit
