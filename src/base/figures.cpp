#include "base/figures.hpp"

#include <array>
#include <cstdio>

namespace tidelimit {
namespace {

std::string fixed(double figure, int digits) {
  std::array<char, 400> text;  // of the largest double, too
  const int size = std::snprintf(text.data(), text.size(), "%.*f", digits, figure);
  return {text.data(), static_cast<std::size_t>(size)};
}

}  // namespace

std::string grouped(double count) {
  std::string digits = fixed(count, 0);
  const std::size_t first = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string percent(double ratio, int digits) {
  return fixed(ratio * 100, digits) + " %";
}

std::string percent(std::uint64_t part, std::uint64_t whole, int digits) {
  if (whole == 0) return "-";
  return percent(static_cast<double>(part) / static_cast<double>(whole), digits);
}

}  // namespace tidelimit
