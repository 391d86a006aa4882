#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/ascii.hpp"
#include "base/utf8.hpp"
#include "base/wildcard.hpp"

namespace tidelimit {
namespace {

constexpr std::string_view kSpaces = " \t\r\n\v\f";

/// Levenshtein's distance, as long as it is at most 2; else 3.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  constexpr std::size_t kLongest = 64;
  constexpr std::size_t kFar = 3;
  if (a.size() > kLongest || b.size() > kLongest) return kFar;
  std::array<std::size_t, kLongest + 1> row{};
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return std::min(row[b.size()], kFar);
}

/// Length of the printable character at the start, no C0, DEL or C1 control; 0: there is none.
std::size_t printable_length(std::string_view text) {
  const std::size_t length = utf8_length(text);
  const auto last = static_cast<unsigned char>(text[length == 0 ? 0 : length - 1]);
  if (length == 1) return last >= 0x20 && last != 0x7f ? 1 : 0;
  return length == 2 && text[0] == '\xc2' && last < 0xa0 ? 0 : length;
}

}  // namespace

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(kSpaces);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

std::string to_lower(std::string_view text) {
  std::string folded(text);
  for (char& c : folded) c = to_lower(c);
  return folded;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return to_lower(x) == to_lower(y); });
}

bool starts_ignoring_case(std::string_view text, std::string_view start) {
  return text.size() >= start.size() && equals_ignoring_case(text.substr(0, start.size()), start);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == text.npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::uint64_t> parse_uint(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

std::optional<double> parse_double(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc{} || stop != end || !std::isfinite(value))
    return std::nullopt;
  return value;
}

bool glob_match(std::string_view pattern, std::string_view text) {
  return wildcard_match(pattern, text,
                        [](char p, char t) { return p == '?' || to_lower(p) == to_lower(t); });
}

std::string_view closest_word(std::string_view text, const std::vector<std::string_view>& known) {
  std::string_view closest;
  std::size_t least = 3;
  for (const std::string_view word : known) {
    // A word of which nothing stayed is no likeness, nor is "off" one of "on".
    const std::size_t distance = edit_distance(text, word);
    if (distance < least && distance < std::min(text.size(), word.size())) {
      least = distance;
      closest = word;
    }
  }
  return closest;
}

std::string printable(std::string_view text, std::size_t max) {
  std::string safe;
  while (!text.empty()) {
    std::size_t length = printable_length(text);
    std::string piece;
    if (length == 0) {
      const auto byte = static_cast<unsigned char>(text.front());
      piece = {'\\', 'x', kHexDigits[byte >> 4], kHexDigits[byte & 0xf]};
      length = 1;
    } else {
      piece = text.substr(0, length);
    }
    if (safe.size() + piece.size() > max) break;
    safe += piece;
    text.remove_prefix(length);
  }
  return safe;
}

}  // namespace tidelimit
