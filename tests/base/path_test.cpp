#include "base/path.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "path_servers.hpp"

namespace tidelimit::test {
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
      {"http:/payment", "/payment"},
      {"foo:////payment", "/payment"},
      {"http:///a/payment", "/a/payment"},
      {"localhost:80", "/localhost:80"},
      {"a/b:/c", "/a/b:/c"},
      {"/a\\..\\b", "/a\\..\\b"},
      {"payment", "/payment"},
      {"*", "/*"},
      {"/a%3Fb", "/a?b"},
  };
  for (const auto& [target, expected] : cases) EXPECT_EQ(normal(target), expected) << target;
}

std::string read(std::string_view target, PathReading reading) {
  std::string buffer;
  return std::string(normalise_path(target, buffer, reading));
}

TEST(Path, HasTheFormsInWhichOtherServersReadIt) {
  EXPECT_EQ(read("/a/..%2fb%41", kEscapedSlashIsLetter), "/a/..%2FbA");
  EXPECT_EQ(read("/a/../%2e./b%2F", kEscapedSlashIsLetter), "/b%2F");
  EXPECT_EQ(read("/a%5cb\\c", kEscapedSlashIsLetter | kBackslashIsSlash), "/a%5Cb/c");
  EXPECT_EQ(read("/a/%2e%2e/./b%2Fc/", kDotsAreNames), "/a/.././b/c");
  EXPECT_EQ(read("/a//../b//c/..//", kEmptyIsSegment), "/a/b");
  EXPECT_EQ(read("/a/;b/..;/c?x;y", kParametersStay), "/a/;b/..;/c");
  EXPECT_EQ(read("/a;b/c", kParametersEndPath), "/a");
  EXPECT_EQ(read("/a%3Bb/c", kDecodedBefore), "/a/c");
  EXPECT_EQ(read("/a#/../b?#c", kFragmentStays), "/b");
  EXPECT_EQ(read("/a\\..%5C..\\b", kBackslashIsSlash), "/b");
  EXPECT_EQ(read("//h/a//b", kSlashesBeginHost), "/a/b");
  EXPECT_EQ(read("///h", kSlashesBeginHost), "/");
  EXPECT_EQ(read("/h/a", kSlashesBeginHost), "/h/a");
  EXPECT_EQ(read("http://h//x/a", kSlashesBeginHost), "/a");
  EXPECT_EQ(read("/\\h\\a", kSlashesBeginHost | kBackslashIsSlash), "/a");
  EXPECT_EQ(read("/a/;b%2F../..//c", kEscapedSlashIsLetter | kDotsAreNames | kParametersStay),
            "/a/;b%2F../../c");
  for (const char* target : {"/a/b", "/a/b.c", "/a%20b", "/a//b", "/a/", "/a?b=%2F..;#", "/.git/x",
                             "/a/..b", "/...", "http://h/a"})
    EXPECT_EQ(differing_rules(target), 0U) << target;
  for (const char* target : {"/a;b", "/a/../b", "/a/.%2E/b", "/%2e./b", "/a%2fb", "/./a", "../a",
                             "/a#b", "/a\\b", "/a%5cb", "//a", "/a%3bb", "/a/..", "/a/.;b"})
    EXPECT_NE(differing_rules(target), 0U) << target;
}

Segments readings_of(const std::string& target) {
  const PathReading rules = differing_rules(target);
  Segments readings{read(target, 0)};
  for (PathReading reading = next_reading(0, rules); reading != 0;
       reading = next_reading(reading, rules))
    readings.push_back(read(target, reading));
  return readings;
}

bool holds(const Segments& readings, const std::string& path) {
  return std::find(readings.begin(), readings.end(), path) != readings.end();
}

TEST(Path, DiffersByNoRuleButThoseItSays) {
  Random random(5);
  for (int i = 0; i < 20'000; ++i) {
    const std::string target = odd_target(random);
    const Segments readings = readings_of(target);
    for (PathReading reading = 1; reading < 2 * kSlashesBeginHost; ++reading)
      ASSERT_TRUE(holds(readings, read(target, reading))) << target << " by " << reading;
  }
}

TEST(Path, IsReadAsEveryServerDoesBehindEveryFront) {
  Random random(6);
  for (int i = 0; i < 50'000; ++i) {
    const std::string target = odd_target(random);
    if (readings_compose(differing_rules(target))) continue;
    Segments readings = readings_of(target);
    for (std::string& path : readings) path = replaced(path, "\\", "%5C");
    for (const std::string& served : all_served(target))
      ASSERT_TRUE(holds(readings, served)) << target << " is served as " << served;
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
}  // namespace tidelimit::test
