#pragma once

#include <cstddef>
#include <string_view>

namespace tidelimit {

/// Whether a pattern matches the whole text: `*` is any run of bytes, and `same(pattern byte, text
/// byte)` says what matches else. Greedy with one fallback: only the last star can still give way,
/// so time is bounded by the product of the lengths and in practice linear.
template <class Same>
[[nodiscard]] bool wildcard_match(std::string_view pattern, std::string_view text, Same&& same) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t after_star = pattern.npos;
  std::size_t star_ate_to = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      star_ate_to = t;
    } else if (p < pattern.size() && same(pattern[p], text[t])) {
      ++p;
      ++t;
    } else if (after_star != pattern.npos) {
      p = after_star;
      t = ++star_ate_to;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace tidelimit
