#include "serve/admin/line_changes.hpp"

#include <gmock/gmock.h>

namespace tidelimit::serve {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(LineChanges, NameWhatWentAndWhatCame) {
  EXPECT_THAT(line_changes("a\nb\nc\n", "a\nb\nc\n"), IsEmpty());
  EXPECT_THAT(line_changes("a\nb\nc\n", "a\nx\nc\n"), ElementsAre("-b", "+x"));
  EXPECT_THAT(line_changes("a\nb\nc\nd\n", "b\nc\ne\nd\n"), ElementsAre("-a", "+e"));
  EXPECT_THAT(line_changes("", "a\nb\n"), ElementsAre("+a", "+b"));
  EXPECT_THAT(line_changes("a\n", ""), ElementsAre("-a"));
  EXPECT_THAT(line_changes("a\na\n", "a\n"), ElementsAre("-a"));
}

TEST(LineChanges, OfTextsThatHaveNothingInCommonAreAllOfThem) {
  std::string before, after;
  for (int i = 0; i < 3000; ++i) {
    before += "old " + std::to_string(i) + "\n";
    after += "new " + std::to_string(i) + "\n";
  }
  EXPECT_EQ(line_changes(before, after).size(), 6000u);
}

}  // namespace
}  // namespace tidelimit::serve
