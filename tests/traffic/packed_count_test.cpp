#include "traffic/packed_count.hpp"

#include <gtest/gtest.h>

namespace tidelimit::traffic {
namespace {

TEST(PackedCount, IsExactWhereRulesCount) {
  for (std::uint32_t n = 0; n <= 4095; ++n) {
    ASSERT_EQ(PackedCount::of(n).value(), n);
  }
}

TEST(PackedCount, IsNeverAboveAndAtMostOneIn2048Below) {
  for (std::uint64_t n = 4096; n < 134'000'000; n += n / 7) {
    const auto count = static_cast<std::uint32_t>(n);
    const std::uint32_t back = PackedCount::of(count).value();
    ASSERT_LE(back, count);
    ASSERT_GE(back, count - count / 2048) << count;
  }
}

TEST(PackedCount, StaysAtItsLargestBeyondIt) {
  const std::uint32_t largest = 4095u << 15;
  EXPECT_EQ(PackedCount::of(largest).value(), largest);
  EXPECT_EQ(PackedCount::of(0xffffffff).value(), largest);
}

}  // namespace
}  // namespace tidelimit::traffic
