#pragma once

#include <string_view>

// Letters and digits of ASCII, whatever the locale says. All other bytes are neither.
namespace tidelimit {

inline constexpr std::string_view kHexDigits = "0123456789abcdef";

[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_capital(char c) {
  return c >= 'A' && c <= 'Z';
}
[[nodiscard]] constexpr char to_lower(char c) {
  return is_capital(c) ? static_cast<char>(c | 0x20) : c;
}
[[nodiscard]] constexpr bool is_letter(char c) {
  return to_lower(c) >= 'a' && to_lower(c) <= 'z';
}
[[nodiscard]] constexpr bool is_alphanumeric(char c) {
  return is_letter(c) || is_digit(c);
}

/// A letter of a token's: of a method or of a field's name (RFC 9110, 5.6.2).
[[nodiscard]] constexpr bool is_token_byte(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return is_alphanumeric(c) || kOthers.find(c) != kOthers.npos;
}

/// The value of a hexadecimal digit; -1 of another byte.
[[nodiscard]] constexpr int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  const char letter = to_lower(c);
  return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

}  // namespace tidelimit
