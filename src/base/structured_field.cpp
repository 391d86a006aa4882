#include "base/structured_field.hpp"

namespace tidelimit {

std::string structured_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted.push_back('\\');
    quoted.push_back(c >= 0x20 && c < 0x7f ? c : '?');
  }
  return quoted + "\"";
}

}  // namespace tidelimit
