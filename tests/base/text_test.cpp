#include "base/text.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "base/utf8.hpp"

namespace tidelimit {
namespace {

TEST(Text, TrimsSplitsAndFolds) {
  EXPECT_EQ(trim(" \t a b \r\n"), "a b");
  EXPECT_EQ(trim("  "), "");
  EXPECT_EQ(split("a,,b,", ','), (std::vector<std::string_view>{"a", "", "b", ""}));
  EXPECT_EQ(split("", ','), (std::vector<std::string_view>{""}));
  EXPECT_EQ(to_lower("AbZ\xc3\x84"), "abz\xc3\x84");
  EXPECT_TRUE(equals_ignoring_case("X-User", "x-uSER"));
  EXPECT_FALSE(equals_ignoring_case("X-User", "x-use"));
}

TEST(Text, ReadsWholeNumbersOnly) {
  EXPECT_EQ(parse_uint("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1x", "18446744073709551616", "0x1", "1.0"})
    EXPECT_FALSE(parse_uint(text)) << text;
  EXPECT_EQ(parse_double("-2.5e3"), -2500.0);
  for (const char* text : {"", "nan", "inf", "1e999", "1 ", "x"})
    EXPECT_FALSE(parse_double(text)) << text;
}

// The obvious version: exponential, so for short texts only.
bool slow_match(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*')
    return slow_match(pattern.substr(1), text) ||
           (!text.empty() && slow_match(pattern, text.substr(1)));
  return !text.empty() && (pattern[0] == '?' || pattern[0] == text[0]) &&
         slow_match(pattern.substr(1), text.substr(1));
}

TEST(Glob, AgreesWithTheObviousVersion) {
  Random random(9);
  int matches = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string pattern;
    std::string text;
    for (auto n = random.below(7); n > 0; --n) pattern += "ab*?"[random.below(4)];
    for (auto n = random.below(9); n > 0; --n) text += "ab"[random.below(2)];
    ASSERT_EQ(glob_match(pattern, text), slow_match(pattern, text)) << pattern << " " << text;
    matches += glob_match(pattern, text);
  }
  EXPECT_GT(matches, 1000);
  EXPECT_TRUE(glob_match("postman*", "PostmanRuntime/7.1"));
}

TEST(Words, AreGuessedWithinTwoEdits) {
  const std::vector<std::string_view> known{"endpoints", "rules", "tiers"};
  EXPECT_EQ(closest_word("endpoint", known), "endpoints");
  EXPECT_EQ(closest_word("ruels", known), "rules");
  EXPECT_EQ(closest_word("forecast", known), "");
  EXPECT_EQ(closest_word("", known), "");
  EXPECT_EQ(closest_word("on", {"enforce", "shadow", "off"}), "") << "the opposite";
  EXPECT_EQ(closest_word("cup", {"cpu"}), "cpu");
}

TEST(Printable, EscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("a\x1b[31m\n"), "a\\x1b[31m\\x0a");
  EXPECT_EQ(printable("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
  EXPECT_EQ(printable("\xc0\xaf\xed\xa0\x80\xf5"), "\\xc0\\xaf\\xed\\xa0\\x80\\xf5");
  EXPECT_EQ(printable("\xc2\x85"), "\\xc2\\x85") << "a C1 control";
  EXPECT_TRUE(is_utf8("gr\xc3\xbc\xc3\x9f\n\xc2\x85"));
  for (const char* text : {"f\xfcr", "\xc0\xaf", "\xed\xa0\x80", "\xf5", "\xc3"})
    EXPECT_FALSE(is_utf8(text));
  EXPECT_EQ(printable("\xe2\x82"), "\\xe2\\x82") << "cut short";
  EXPECT_LE(printable(std::string(1000, '\x01'), 50).size(), 50U);
}

}  // namespace
}  // namespace tidelimit
