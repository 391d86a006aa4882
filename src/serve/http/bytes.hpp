#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

// Which bytes may stand where in HTTP/1 (RFC 9110, 5.5 and 5.6.2).
namespace tidelimit::serve {

enum : std::uint8_t { kToken = 1, kFieldByte = 2, kTargetByte = 4 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (std::size_t c = 0x20; c < 256; ++c) {
    if (c != 0x7f) classes[c] |= kFieldByte;
    if (c > 0x20 && c != 0x7f) classes[c] |= kTargetByte;
  }
  classes['\t'] |= kFieldByte;
  for (const char c : {'!', '#', '$', '%', '&', '\'', '*', '+', '-', '.', '^', '_', '`', '|', '~'})
    classes[static_cast<std::size_t>(c)] |= kToken;
  for (std::size_t c = '0'; c <= '9'; ++c) classes[c] |= kToken;
  for (std::size_t c = 'a'; c <= 'z'; ++c) classes[c] |= kToken;
  for (std::size_t c = 'A'; c <= 'Z'; ++c) classes[c] |= kToken;
  return classes;
}
inline constexpr auto kClasses = make_classes();

[[nodiscard]] inline bool in_class(char c, std::uint8_t mask) {
  return (kClasses[static_cast<unsigned char>(c)] & mask) != 0;
}

[[nodiscard]] constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

/// The value of a hexadecimal digit; -1 of another byte.
[[nodiscard]] constexpr int hex_digit(char c) {
  const char l = lower(c);
  return c >= '0' && c <= '9' ? c - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

}  // namespace tidelimit::serve
