#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/ascii.hpp"

// Which bytes may stand where in HTTP/1 (RFC 9110, 5.5 and 5.6.2).
namespace tidelimit::serve {

enum : std::uint8_t { kToken = 1, kFieldByte = 2, kTargetByte = 4 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t c = 0; c < 256; ++c)
    if (is_token_byte(static_cast<char>(c))) classes[c] |= kToken;
  for (std::size_t c = 0x20; c < 256; ++c) {
    if (c != 0x7f) classes[c] |= kFieldByte;
    if (c > 0x20 && c != 0x7f) classes[c] |= kTargetByte;
  }
  classes['\t'] |= kFieldByte;
  return classes;
}
inline constexpr auto kClasses = make_classes();

[[nodiscard]] inline bool in_class(char c, std::uint8_t mask) {
  return (kClasses[static_cast<unsigned char>(c)] & mask) != 0;
}

}  // namespace tidelimit::serve
