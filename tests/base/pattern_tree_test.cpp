#include "base/pattern_tree.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"

namespace tidelimit::test {
namespace {

std::uint32_t first_of(const std::vector<std::string>& patterns, std::string_view path) {
  return PatternTree(patterns).first(path, [](std::uint32_t) { return true; });
}

TEST(PatternTree, FindsTheFirstInTheirOrderAndNotTheClosest) {
  EXPECT_EQ(first_of({"/users/**", "/users/me"}, "/users/me"), 0u);
  EXPECT_EQ(first_of({"/users/me", "/users/**"}, "/users/me"), 0u);
  EXPECT_EQ(first_of({"/users/*/cards", "/users/7/cards"}, "/users/7/cards"), 0u);
  EXPECT_EQ(first_of({"/users/7/cards", "/users/*/cards"}, "/users/8/cards"), 1u);
  EXPECT_EQ(first_of({"/a/*/x", "/*/b/**", "/**"}, "/a/b/c"), 1u);
}

TEST(PatternTree, TellsTheRootFromWhatLiesBelow) {
  EXPECT_EQ(first_of({"/*", "/", "/**"}, "/"), 1u);
  EXPECT_EQ(first_of({"/", "/**"}, "/a"), 1u);
  EXPECT_EQ(first_of({"/"}, "/a"), PatternTree::kNone);
  EXPECT_EQ(first_of({}, "/a"), PatternTree::kNone);
}

TEST(PatternTree, GoesOnWhereAPatternIsNotTaken) {
  const std::vector<std::string> patterns{"/a/b", "/a/*", "/a/**"};
  const PatternTree tree(patterns);
  EXPECT_EQ(tree.first("/a/b", [](std::uint32_t i) { return i != 0; }), 1u);
  EXPECT_EQ(tree.first("/a/b", [](std::uint32_t i) { return i > 1; }), 2u);
  EXPECT_EQ(tree.first("/a/b", [](std::uint32_t) { return false; }), PatternTree::kNone);
}

/// A path or pattern of a few segments, so that many meet.
std::string drawn(Random& random, bool pattern) {
  constexpr std::string_view kNames[] = {"a", "B", "b", "users", "USERS", "user", "c/d", "*"};
  const std::size_t kinds = std::size(kNames) - (pattern ? 0 : 1);
  std::string text;
  for (std::uint64_t n = random.below(4); n > 0; --n)
    text.append("/").append(kNames[random.below(kinds)]);
  if (pattern && random.chance(0.3)) text += "/**";
  return text.empty() ? "/" : text;
}

TEST(PatternTree, FindsWhatTryingOneAfterTheOtherFinds) {
  Random random(7);
  std::size_t found = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<std::string> patterns(random.below(30));
    for (std::string& pattern : patterns) pattern = drawn(random, true);
    const PatternTree tree(patterns);
    for (int i = 0; i < 50; ++i) {
      const std::string path = drawn(random, false);
      const std::uint64_t refused = random.below(4);
      const auto takes = [&](std::uint32_t pattern) { return pattern % 4 != refused; };
      std::uint32_t expected = 0;
      while (expected < patterns.size() &&
             !(takes(expected) && path_matches(patterns[expected], path)))
        ++expected;
      if (expected == patterns.size()) expected = PatternTree::kNone;
      ASSERT_EQ(tree.first(path, takes), expected) << path << " in round " << round;
      found += expected != PatternTree::kNone;
    }
  }
  EXPECT_GT(found, 3000u);
  EXPECT_LT(found, 14'000u);
}

}  // namespace
}  // namespace tidelimit::test
