#include "serve/admin/line_changes.hpp"

#include <algorithm>
#include <cstdint>

#include "base/text.hpp"

namespace tidelimit::serve {
namespace {

using Lines = std::vector<std::string_view>;

constexpr std::size_t kMostCells = 4u << 20;  // of the table of lengths: 16 MiB

Lines lines_of(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text.empty() ? Lines{} : split(text, '\n');
}

/// length[i][j] of the longest common subsequence of a[i..] and b[j..], row-major.
std::vector<std::uint32_t> common_lengths(const Lines& a, const Lines& b) {
  const std::size_t width = b.size() + 1;
  std::vector<std::uint32_t> length((a.size() + 1) * width, 0);
  for (std::size_t i = a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      length[i * width + j] =
          a[i] == b[j] ? length[(i + 1) * width + j + 1] + 1
                       : std::max(length[(i + 1) * width + j], length[i * width + j + 1]);
    }
  }
  return length;
}

}  // namespace

std::vector<std::string> line_changes(std::string_view before, std::string_view after) {
  Lines a = lines_of(before);
  Lines b = lines_of(after);
  const auto apart = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  a.erase(a.begin(), apart.first);
  b.erase(b.begin(), apart.second);
  while (!a.empty() && !b.empty() && a.back() == b.back()) {
    a.pop_back();
    b.pop_back();
  }
  const bool small = (a.size() + 1) * (b.size() + 1) <= kMostCells;
  const auto length = small ? common_lengths(a, b) : std::vector<std::uint32_t>();
  std::vector<std::string> changes;
  std::size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (small && i < a.size() && j < b.size() && a[i] == b[j]) {
      ++i;
      ++j;
    } else if (i < a.size() &&
               (j == b.size() || !small ||
                length[(i + 1) * (b.size() + 1) + j] >= length[i * (b.size() + 1) + j + 1])) {
      changes.push_back("-" + std::string(a[i++]));
    } else {
      changes.push_back("+" + std::string(b[j++]));
    }
  }
  return changes;
}

}  // namespace tidelimit::serve
