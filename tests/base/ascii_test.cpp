#include "base/ascii.hpp"

#include <gtest/gtest.h>
#include <string>

namespace tidelimit {
namespace {

std::string bytes_that(bool (*belong)(char)) {
  std::string bytes;
  for (int c = 0; c < 256; ++c)
    if (belong(static_cast<char>(c))) bytes += static_cast<char>(c);
  return bytes;
}

TEST(Ascii, TellsBytesApart) {
  EXPECT_EQ(bytes_that(is_digit), "0123456789");
  EXPECT_EQ(bytes_that(is_capital), "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
  EXPECT_EQ(bytes_that(is_letter), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(bytes_that(is_alphanumeric),
            "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
  EXPECT_EQ(bytes_that(is_token_byte),
            "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
  EXPECT_EQ(bytes_that([](char c) { return hex_digit(c) >= 0; }), "0123456789ABCDEFabcdef");
}

TEST(Ascii, ReadsHexadecimalDigitsOfBothCases) {
  for (int value = 0; value < 16; ++value) {
    EXPECT_EQ(hex_digit(kHexDigits[static_cast<std::size_t>(value)]), value);
    EXPECT_EQ(hex_digit("0123456789ABCDEF"[value]), value);
  }
}

}  // namespace
}  // namespace tidelimit
