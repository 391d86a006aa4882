// What holds while keys share what is kept for a full table.
#include <gtest/gtest.h>

#include "limiter/gate_plan.hpp"
#include "limiter/lease_calls.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr Instant kStart = at(hours{1});
constexpr std::size_t kEightPlaces = 128;

class FullGate : public GateTest {
 protected:
  FullGate() {
    set_limits(plan, kPayment, kStandard, make_limit({1, hours{24}}, 10));
    set_limits(plan, kPayment, kPremium, make_limit({100, seconds{1}}, 100));
    fill();
  }
  void fill() {
    tiny.plan.publish(std::make_shared<Plan>(plan));
    for (std::uint32_t i = 0; i < 20; ++i) static_cast<void>(decide(0x0a000000 + i, kStandard));
  }
  Decision decide(std::uint32_t address, TierId tier) {
    client = v4_client(address);
    return gate.decide(call(kPayment, tier), now);
  }

  Limiter tiny{{.bucket_bytes = kEightPlaces, .client_bytes = 4096, .seed = 7}};
  Worker gate{tiny};
};

TEST_F(FullGate, DeniesNoFastLimitForASlowOneOfTheSameNeighbourhood) {
  const Decision slow = decide(0xc6336407, kStandard);
  EXPECT_TRUE(slow.allowed);
  ASSERT_TRUE(slow.overflow);
  const Decision fast = decide(0xc6336408, kPremium);
  ASSERT_TRUE(fast.overflow);
  EXPECT_TRUE(fast.allowed);
}

TEST_F(FullGate, HasNoFreshSharedBucketForANewScale) {
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(decide(0xc6336407, kStandard).allowed) << i;
  scale_from(plan, kPayment, kStandard, View::effective, 0.5);
  tiny.plan.publish(std::make_shared<Plan>(plan));
  const Decision scaled = decide(0xc6336408, kStandard);
  ASSERT_TRUE(scaled.overflow);
  EXPECT_FALSE(scaled.allowed);
}

class FullLeases : public ::testing::Test {
 protected:
  FullLeases() {
    for (std::uint64_t i = 0; i < 15; ++i) static_cast<void>(take(i, 1));
  }
  int take(std::uint64_t number, std::uint32_t limit, int tries = 1) {
    int given = 0;
    for (int i = 0; i < tries; ++i)
      given += table.acquire(lease_key(number), limit, now, neighbours).grant == Grant::given;
    return given;
  }
  bool release(std::uint64_t number) {
    return table.release(lease_key(number), std::nullopt, now, neighbours);
  }

  static LeaseKey neighbours() { return lease_key(1000); }
  LeaseTable table{2 * kOneSet};  // one set, and one to spill
  Instant now = kStart;
};

TEST_F(FullLeases, AreReleasedWhereverTheyAreCounted) {
  EXPECT_EQ(take(100, 3), 1);
  ASSERT_TRUE(release(0));
  EXPECT_EQ(take(100, 3, 2), 2) << "in a place of its own";
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(release(100)) << i;
  EXPECT_FALSE(release(100));
}

TEST_F(FullLeases, HoldNobodyWhoHasAPlaceToWhatIsShared) {
  EXPECT_EQ(take(100, 3, 3), 3);
  EXPECT_EQ(take(5, 3, 3), 2) << "of three it held one";
}

}  // namespace
}  // namespace tidelimit::limiter
