#include <gtest/gtest.h>

#include "engine/label_book.hpp"

namespace tidelimit::engine {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

Now after(Nanos time) {
  return {Instant{minutes{1} + time}, WallTime{seconds{1'795'000'000} + time}};
}

TEST(HandBook, FindsWhatIsLeftWhereSeveralEndAtOnce) {
  LabelBook book(1);
  const Now begin = after(Nanos{0});
  for (const char* target : {"a", "b", "c", "d", "e"}) {
    LabelRecord record;
    record.target = record.reason = target;
    record.made_at = begin.wall;
    if (record.target == "a" || record.target == "d") record.until = begin.wall + minutes{5};
    book.put(std::move(record), begin);
  }
  EXPECT_TRUE(book.expire(after(minutes{4}).mono).empty());
  EXPECT_EQ(book.expire(after(minutes{6}).mono).size(), 2U);
  EXPECT_TRUE(book.expire(after(minutes{7}).mono).empty());
  ASSERT_EQ(book.all().size(), 3U);
  EXPECT_TRUE(book.erase("b"));
  EXPECT_FALSE(book.erase("a"));
  for (const char* target : {"a", "b", "d"}) EXPECT_EQ(book.find(target), nullptr) << target;
  for (const char* target : {"c", "e"}) {
    const LabelRecord* found = book.find(target);
    ASSERT_NE(found, nullptr) << target;
    EXPECT_EQ(found->reason, target);
  }
}

}  // namespace
}  // namespace tidelimit::engine
