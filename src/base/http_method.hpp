#pragma once

#include <algorithm>
#include <string_view>

namespace tidelimit {

/// Whether a configuration may name it as an HTTP method: letters and hyphens, no more than any
/// registered one needs.
[[nodiscard]] inline bool is_http_method(std::string_view text) {
  constexpr std::size_t kLongest = 32;
  return text.size() <= kLongest && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
         });
}

}  // namespace tidelimit
