#include "base/share.hpp"

#include <gtest/gtest.h>

namespace tidelimit {
namespace {

TEST(Share, IsWrittenInPercentOrAsItIs) {
  EXPECT_EQ(parse_share("5%"), 0.05);
  EXPECT_EQ(parse_share("0.05"), 0.05);
  EXPECT_EQ(parse_share(" 0.01 % "), 0.0001);
  EXPECT_EQ(parse_share("0"), 0.0);
  EXPECT_EQ(parse_share("100%"), 1.0);
  EXPECT_EQ(parse_share("1"), 1.0);
}

TEST(Share, IsFromNothingToAll) {
  for (const char* text : {"", "%", "-1%", "-0.1", "101%", "1.01", "5%%", "5 per cent", "nan%"})
    EXPECT_FALSE(parse_share(text)) << text;
}

}  // namespace
}  // namespace tidelimit
