#pragma once

#include <string>
#include <string_view>

#include "base/ascii.hpp"

// Percent-encoding of URLs (RFC 3986, 2.1).
namespace tidelimit {

/// All bytes but unreserved ones and those of `kept` as %XX.
[[nodiscard]] std::string percent_encode(std::string_view text, std::string_view kept = {});

/// Appends one byte as %XX.
inline void append_percent_escape(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
}

/// The byte that an escape at text[at] stands for; -1: there is none.
[[nodiscard]] constexpr int percent_escape(std::string_view text, std::size_t at) {
  if (text[at] != '%' || at + 2 >= text.size()) return -1;
  const int high = hex_digit(text[at + 1]);
  const int low = hex_digit(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace tidelimit
