// Plans as somebody might build them by hand, and readings of the clock that they might hand in.
#include <chrono>
#include <gtest/gtest.h>

#include "limiter/gate_plan.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class PlanByHand : public GateTest {
 protected:
  PlanByHand() { set_limits(plan, kPayment, kStandard, make_limit({1000, seconds{1}}, 1000)); }
  CellLimits& effective() { return plan.cell(kPayment, kStandard).in(View::effective); }
  void publish_next_epoch(std::uint64_t later) {
    plan.limits_epoch += later;
    publish();
  }
};

TEST_F(PlanByHand, EnforcesATotalThatOnlyTheEffectiveViewHas) {
  effective().total = per_minute(1, 2);
  publish();
  EXPECT_EQ(passes(call(), 10), 2);
}

TEST_F(PlanByHand, ShedsWhereOnlyTheEffectiveViewDoes) {
  effective().shed = kShedAll;
  publish();
  EXPECT_EQ(passes(call(), 10), 0);
}

TEST_F(PlanByHand, SaysTheLimitOnRequestsInFlightThatHolds) {
  set_limits(plan, kPayment, kStandard, {});
  plan.endpoints[index(kPayment)].lease_generation_ms = 10'000;
  plan.in_flight.assign(plan.cells.size(), 5000);
  publish();
  EXPECT_EQ(passes(call(), 2000), static_cast<int>(LeaseCounts::kMost));
  EXPECT_EQ(decide().in_flight_limit, LeaseCounts::kMost);
}

// The state of a bucket bears its epoch mod 16.
TEST_F(PlanByHand, FreesABucketThatSleptOverAnyNumberOfChanges) {
  for (std::uint64_t later = 1; later <= 40; ++later) {
    client = v4_client(static_cast<std::uint32_t>(later));
    set_limits(plan, kPayment, kStandard, make_limit({1, hours{24}}, 10));
    publish();
    ASSERT_EQ(passes(call(), 20), 10);
    set_limits(plan, kPayment, kStandard, make_limit({100, seconds{1}}, 100));
    publish_next_epoch(later);
    EXPECT_LE(decide().retry_after, seconds{1}) << later;
    now = now + seconds{2};
    EXPECT_EQ(passes(call(), 101), 100) << later;
  }
}

TEST_F(PlanByHand, FreesNobodyWhoWentToAnotherTierUnderTheSamePlan) {
  set_limits(plan, kPayment, kPremium, make_limit({1, hours{24}}, 10));
  publish();
  ASSERT_EQ(passes(call(kPayment, kPremium), 20), 10);
  for (int i = 0; i < 5; ++i) {
    now = now + seconds{2};
    EXPECT_EQ(passes(call(kPayment, kStandard), 10), 0);
    EXPECT_EQ(passes(call(kPayment, kPremium), 10), 0);
  }
}

TEST_F(PlanByHand, DeniesByTheTimeOfDayWhatItCouldNotCount) {
  set_limits(plan, kPayment, kStandard, per_minute(2, 2));
  publish();
  EXPECT_TRUE(decide().allowed);
  now = Instant{seconds{1'790'000'000}};
  EXPECT_EQ(passes(call(), 10), 0) << "known before";
  EXPECT_FALSE(peek(call()).allowed);
  client = v4_client(7);
  EXPECT_EQ(passes(call(), 10), 0);
  EXPECT_EQ(decide().reason, Reason::over_limit);
  now = Instant{Nanos::max()};
  EXPECT_EQ(passes(call(), 10), 0);
  now = Instant{kNowEnd.since_start - Nanos{1}};
  EXPECT_EQ(passes(call(), 10), 2) << "the last reading that counts";
}

TEST(PlanSlot, MakesTablesOfThePlansSize) {
  for (const std::size_t endpoints : {0U, 1U, 2U}) {
    Plan plan;
    plan.tiers = 2;
    plan.endpoints.resize(endpoints);
    plan.cells.resize(3);
    plan.stages.resize(1);
    plan.in_flight = {1};
    const auto made = completed(plan);
    const std::size_t cells = endpoints * 2;
    EXPECT_EQ(made->cells.size(), cells);
    EXPECT_EQ(made->stages[0].cells.size(), cells);
    EXPECT_EQ(made->in_flight.size(), cells);
    EXPECT_EQ(made->usual.size(), cells);
  }
}

}  // namespace
}  // namespace tidelimit::limiter
