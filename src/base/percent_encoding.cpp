#include "base/percent_encoding.hpp"

namespace tidelimit {

std::string percent_encode(std::string_view text, std::string_view kept) {
  constexpr std::string_view kUnreserved = "-._~";  // besides letters and digits
  std::string encoded;
  for (const char c : text) {
    if (is_alphanumeric(c) || kUnreserved.find(c) != text.npos || kept.find(c) != text.npos) {
      encoded += c;
    } else {
      append_percent_escape(encoded, c);
    }
  }
  return encoded;
}

}  // namespace tidelimit
