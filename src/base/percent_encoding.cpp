#include "base/percent_encoding.hpp"

namespace tidelimit {

std::string percent_encode(std::string_view text, std::string_view kept) {
  constexpr std::string_view kUnreserved = "-._~";  // besides letters and digits
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_alphanumeric(c) || kUnreserved.find(c) != text.npos || kept.find(c) != text.npos) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
  return encoded;
}

}  // namespace tidelimit
