#include "base/figures.hpp"

#include <gtest/gtest.h>
#include <limits>

namespace tidelimit {
namespace {

TEST(Figures, MarkThousands) {
  EXPECT_EQ(grouped(1'234'567), "1,234,567");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(-1000), "-1,000");
  EXPECT_EQ(grouped(1690.4), "1,690");
  EXPECT_EQ(grouped(std::numeric_limits<double>::max()).substr(0, 8), "179,769,");
}

TEST(Figures, SharesArePercents) {
  EXPECT_EQ(percent(0.8342, 1), "83.4 %");
  EXPECT_EQ(percent(0.834, 0), "83 %");
  EXPECT_EQ(percent(1, 3, 2), "33.33 %");
  EXPECT_EQ(percent(1, 0, 2), "-");
}

}  // namespace
}  // namespace tidelimit
