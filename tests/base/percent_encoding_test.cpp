#include "base/percent_encoding.hpp"

#include <gtest/gtest.h>

namespace tidelimit {
namespace {

TEST(PercentEncoding, LeavesUnreservedBytesAndThoseToKeep) {
  EXPECT_EQ(percent_encode("aZ09-._~"), "aZ09-._~");
  EXPECT_EQ(percent_encode("a b/c:d%\xc3\xbc"), "a%20b%2Fc%3Ad%25%C3%BC");
  EXPECT_EQ(percent_encode("::1/x", ":"), "::1%2Fx");
}

TEST(PercentEncoding, ReadsAnEscapeOrSaysThatThereIsNone) {
  EXPECT_EQ(percent_escape("a%2fb", 1), '/');
  EXPECT_EQ(percent_escape("%C3", 0), 0xc3);
  EXPECT_EQ(percent_escape("%00", 0), 0);
  for (const char* none : {"a", "%", "%2", "%2g", "%g2", "%-1"})
    EXPECT_EQ(percent_escape(none, 0), -1) << none;
}

}  // namespace
}  // namespace tidelimit
