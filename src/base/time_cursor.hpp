#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/ascii.hpp"

namespace tidelimit {

/// Takes the parts of a written time off the front of a text; a mismatch makes it fail for good.
class TimeCursor {
 public:
  explicit TimeCursor(std::string_view text) : text_(text) {}

  /// Exactly `n` digits.
  unsigned digits(std::size_t n) {
    unsigned value = 0;
    if (text_.size() < n) return failed();
    for (std::size_t i = 0; i < n; ++i) {
      const auto digit = static_cast<unsigned>(text_[i] - '0');
      if (digit > 9) return failed();
      value = value * 10 + digit;
    }
    text_.remove_prefix(n);
    return value;
  }
  /// A fraction of a second after its point, in nanoseconds; digits beyond the ninth are dropped.
  std::int64_t fraction() {
    std::int64_t nanos = 0;
    std::int64_t unit = 100'000'000;
    if (!at_digit()) failed();
    for (; at_digit(); unit /= 10) nanos += digits(1) * unit;
    return nanos;
  }
  bool skip(char c) {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool skip(std::string_view word) {
    if (!text_.starts_with(word)) return false;
    text_.remove_prefix(word.size());
    return true;
  }
  void expect(char c) {
    if (!skip(c)) failed();
  }
  std::string_view take(std::size_t n) {
    const std::string_view taken = text_.substr(0, n);
    text_.remove_prefix(taken.size());
    return taken;
  }
  unsigned failed() {
    ok_ = false;
    return 0;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_digit() const { return !text_.empty() && is_digit(text_.front()); }
  [[nodiscard]] bool at_end() const { return text_.empty(); }

 private:
  std::string_view text_;
  bool ok_ = true;
};

/// Days since the Unix epoch; nullopt: there is no such day.
[[nodiscard]] inline std::optional<std::int64_t> days_of(unsigned year, unsigned month,
                                                         unsigned day) {
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(year)},
                                         std::chrono::month{month}, std::chrono::day{day}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date}.time_since_epoch().count();
}

}  // namespace tidelimit
