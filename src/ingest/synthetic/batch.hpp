#pragma once

#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "traffic/request.hpp"

namespace tidelimit::synthetic {

/// A short text put together piece by piece; what exceeds it is cut.
class Text {
 public:
  Text& operator<<(std::string_view piece) {
    const std::size_t n = std::min(piece.size(), data_.size() - size_);
    std::memcpy(data_.data() + size_, piece.data(), n);
    size_ += n;
    return *this;
  }
  Text& operator<<(std::uint64_t number) {
    const auto end = std::to_chars(data_.data() + size_, data_.data() + data_.size(), number);
    if (end.ec == std::errc{}) size_ = static_cast<std::size_t>(end.ptr - data_.data());
    return *this;
  }
  [[nodiscard]] std::string_view view() const { return {data_.data(), size_}; }

 private:
  std::array<char, 160> data_;
  std::size_t size_ = 0;
};

/// The requests of one minute: written in any order, read in order of time. Owns the texts that its
/// requests borrow. Memory is reused from minute to minute.
class Batch {
 public:
  /// Forgets all rows.
  void begin(WallTime minute);
  /// A new row at that millisecond of the minute (< 60,000); valid until the next call.
  traffic::Request& add(std::uint64_t millisecond);
  /// A copy of the text that lives as long as the rows.
  [[nodiscard]] std::string_view keep(std::string_view text);
  /// After the last row: puts them in order of time, equal times in the order written.
  void sort();
  /// The next row in order; nullptr after the last.
  [[nodiscard]] const traffic::Request* next();

 private:
  static constexpr std::size_t kBlock = 64 * 1024;

  WallTime minute_{};
  std::vector<traffic::Request> rows_;
  std::vector<std::uint64_t> order_;  ///< millisecond << 32 | row
  std::size_t position_ = 0;
  std::vector<std::unique_ptr<char[]>> blocks_;
  std::size_t block_ = 0;
  std::size_t used_ = 0;
};

}  // namespace tidelimit::synthetic
