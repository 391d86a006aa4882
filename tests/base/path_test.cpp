#include "base/path.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace tidelimit {
namespace {

std::string normal(std::string_view target) {
  std::string buffer;
  return std::string(normalise_path(target, buffer));
}

TEST(Path, HasOneFormForEverySpelling) {
  const std::pair<const char*, const char*> cases[] = {
      {"/payment/x", "/payment/x"},
      {"", "/"},
      {"/", "/"},
      {"/payment/", "/payment"},
      {"//payment///x//", "/payment/x"},
      {"/payment?card=1", "/payment"},
      {"/payment#top", "/payment"},
      {"/%70ayment", "/payment"},
      {"/%2570ayment", "/%70ayment"},
      {"/payment%2Fx", "/payment/x"},
      {"/payment%2f..%2fadmin", "/admin"},
      {"/./payment/./x", "/payment/x"},
      {"/a/b/../c", "/a/c"},
      {"/../../etc/passwd", "/etc/passwd"},
      {"/a/%2e%2e/b", "/b"},
      {"/a/..", "/"},
      {"/...", "/..."},
      {"/.well-known/x", "/.well-known/x"},
      {"/a%zz%4", "/a%zz%4"},
      {"/a%", "/a%"},
      {"/pay;v=1/1", "/pay/1"},
      {"/payment;a=b", "/payment"},
      {"/payment;", "/payment"},
      {"/pay;a=b;c/x;d?e;f", "/pay/x"},
      {"/x/..;/pay/x", "/pay/x"},
      {"/x/.;a/%2e%2E;b/pay", "/pay"},
      {"/;a/pay", "/pay"},
      {"/;", "/"},
      {"/a%3Bb/c", "/a;b/c"},
      {"/x/..%3B/pay", "/x/..;/pay"},
      {"/a;b%2Fc/d", "/a/d"},
      {"http://example.org/payment/x?y", "/payment/x"},
      {"http://example.org", "/"},
      {"payment", "/payment"},
      {"*", "/*"},
      {"/a%3Fb", "/a?b"},
  };
  for (const auto& [target, expected] : cases) EXPECT_EQ(normal(target), expected) << target;
}

TEST(Path, HasTheFormsInWhichOtherServersReadIt) {
  const auto read = [](std::string_view target, PathReading reading) {
    std::string buffer;
    return std::string(normalise_path(target, buffer, reading));
  };
  constexpr PathReading kLetter{.escaped_slash_is_letter = true};
  constexpr PathReading kNames{.dots_are_names = true};
  constexpr PathReading kParameters{.keeps_parameters = true};
  EXPECT_EQ(read("/a/..%2fb%41", kLetter), "/a/..%2FbA");
  EXPECT_EQ(read("/a/../%2e./b%2F", kLetter), "/b%2F");
  EXPECT_EQ(read("/a/%2e%2e/./b%2Fc/", kNames), "/a/.././b/c");
  EXPECT_EQ(read("/a/;b/..;/c?x;y", kParameters), "/a/;b/..;/c");
  EXPECT_EQ(read("/a/;b%2F../..//c", {true, true, true}), "/a/;b%2F../../c");
  for (const char* target : {"/a/b", "/a/b.c", "/a%20b", "//a", "/a?b=%2F..;"})
    EXPECT_FALSE(has_other_readings(target)) << target;
  for (const char* target : {"/a;b", "/a/../b", "/a/.%2E/b", "/%2e./b", "/a%2fb", "/./a", "../a"})
    EXPECT_TRUE(has_other_readings(target)) << target;
}

TEST(Path, DiffersInNoReadingUnlessItSaysSo) {
  const std::string_view pieces[] = {"/", ".", "..", "a", "%20", "%2f", "%2E", ";a", "//", "%zz"};
  Random random(5);
  for (int i = 0; i < 20'000; ++i) {
    std::string target = "/";
    for (std::uint64_t n = random.below(8); n > 0; --n) target += pieces[random.below(10)];
    if (has_other_readings(target)) continue;
    std::string buffer;
    for (const PathReading reading : other_readings())
      ASSERT_EQ(normalise_path(target, buffer, reading), normal(target)) << target;
  }
}

TEST(Path, IsSettledOnceNormalUnlessItHoldsAnEscape) {
  const std::string_view pieces[] = {"/", ".", "..", "a", "bc", "%2F", "%2e", ";a", "//", "/./"};
  Random random(3);
  for (int i = 0; i < 20'000; ++i) {
    std::string target = "/";
    for (std::uint64_t n = random.below(10); n > 0; --n) target += pieces[random.below(10)];
    const std::string once = normal(target);
    ASSERT_EQ(normal(once), once) << target;
    ASSERT_EQ(once.front(), '/');
    ASSERT_EQ(once.find("//"), std::string::npos) << target;
    ASSERT_EQ((once + "/").find("/../"), std::string::npos) << target;
  }
}

TEST(Path, IsTheSameWhenItsFormIsSeenAtOnceAndWhenItIsMade) {
  const std::string_view pieces[] = {"/", ".",  "a",   "-b", "?q=/",
                                     "#", ";p", "%41", "@",  "\xc3\xa9"};
  Random random(4);
  for (int i = 0; i < 20'000; ++i) {
    std::string target = "/";
    for (std::uint64_t n = random.below(8); n > 0; --n) target += pieces[random.below(10)];
    ASSERT_EQ(normal(target), normal("/." + target)) << target;
  }
}

TEST(Path, MatchesSegmentBySegment) {
  EXPECT_TRUE(path_matches("/payment/**", "/payment"));
  EXPECT_TRUE(path_matches("/payment/**", "/payment/x/y"));
  EXPECT_FALSE(path_matches("/payment/**", "/payments"));
  EXPECT_FALSE(path_matches("/payment", "/payment/x"));
  EXPECT_TRUE(path_matches("/users/*/cards", "/users/7/cards"));
  EXPECT_FALSE(path_matches("/users/*/cards", "/users/cards"));
  EXPECT_FALSE(path_matches("/users/*", "/users"));
  EXPECT_FALSE(path_matches("/users/*", "/users/7/8"));
  EXPECT_TRUE(path_matches("/**", "/"));
  EXPECT_TRUE(path_matches("/**", "/a/b"));
  EXPECT_TRUE(path_matches("/", "/"));
  EXPECT_FALSE(path_matches("/", "/a"));
  EXPECT_FALSE(path_matches("/*", "/"));
  EXPECT_TRUE(path_matches("/Users/*/cards", "/users/7/CARDS"));
}

}  // namespace
}  // namespace tidelimit
