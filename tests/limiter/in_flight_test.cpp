// Decisions at an endpoint that limits how many requests of a principal may be in flight.
#include <gtest/gtest.h>

#include "limiter/gate_plan.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Payment: two of STD and any number of PRM in flight, for 3 s.
class InFlight : public GateTest {
 protected:
  InFlight() {
    plan.endpoints[index(kPayment)].lease_generation_ms = 1000;
    plan.in_flight.assign(6, 0);
    plan.in_flight[index(kPayment) * 2 + index(kStandard)] = 2;
    publish();
  }
  bool release(const Call& made) { return worker.release(made, now, now); }
  std::uint32_t in_flight(const Call& made) { return peek(made).in_flight; }
};

TEST_F(InFlight, TheNextOneIsDeniedUntilOneEnds) {
  EXPECT_EQ(passes(call(), 2), 2);
  const Decision said = decide();
  EXPECT_FALSE(said.allowed);
  EXPECT_EQ(said.outcome, Outcome::deny);
  EXPECT_EQ(said.reason, Reason::over_limit);
  EXPECT_EQ(said.rule, kConcurrencyRule);
  EXPECT_EQ(said.retry_after, seconds{1});
  EXPECT_EQ(said.in_flight, 2);
  EXPECT_EQ(said.in_flight_limit, 2);
  EXPECT_TRUE(release(call()));
  EXPECT_EQ(passes(call(), 2), 1);
}

TEST_F(InFlight, AnEndThatNobodyTellsOfIsTakenForGrantedAfterTheTimeout) {
  EXPECT_EQ(passes(call(), 3), 2);
  now = now + seconds{3} - milliseconds{1};
  EXPECT_EQ(passes(call(), 3), 0);
  now = now + seconds{1} + milliseconds{1};
  EXPECT_EQ(passes(call(), 3), 2);
}

TEST_F(InFlight, OtherPrincipalsEndpointsAndTiersAreNotTouched) {
  EXPECT_EQ(passes(call(), 3), 2);
  EXPECT_EQ(passes(call(kBrowse), 5), 5);
  EXPECT_EQ(passes(call(kPayment, kPremium), 5), 5);
  user = 77;
  EXPECT_EQ(passes(call(), 3), 2);
  EXPECT_EQ(decide(call(kBrowse)).in_flight_limit, 0);
}

TEST_F(InFlight, TheEndOfOneWithoutALimitEndsNoOther) {
  EXPECT_EQ(passes(call(), 2), 2);
  EXPECT_TRUE(decide(call(kPayment, kPremium)).allowed);
  EXPECT_FALSE(release(call(kPayment, kPremium)));
  EXPECT_EQ(in_flight(call()), 2U);
  EXPECT_FALSE(decide().allowed);
}

TEST_F(InFlight, ADeniedRequestChargesNoBucketAndHoldsNoLease) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 4));
  publish();
  EXPECT_EQ(passes(call(), 6), 2);
  EXPECT_EQ(peek(call()).limit.burst, 0U) << "a peek hears of the denial too";
  EXPECT_TRUE(release(call()));
  EXPECT_TRUE(release(call()));
  EXPECT_EQ(passes(call(), 6), 2) << "the four that were denied took nothing of the burst";
  EXPECT_TRUE(release(call()));
  EXPECT_TRUE(release(call()));
  const Decision said = decide();
  EXPECT_EQ(said.reason, Reason::over_limit);
  EXPECT_EQ(said.rule, kNoRule) << "now the rate denies";
  EXPECT_FALSE(release(call())) << "and took no lease";
}

TEST_F(InFlight, OneThatAVerdictBlocksHoldsNone) {
  publish({verdict(Action::block)});
  EXPECT_EQ(decide().reason, Reason::client_blocked);
  EXPECT_FALSE(release(call()));
}

TEST_F(InFlight, APeekTakesNone) {
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(peek(call()).allowed);
  EXPECT_EQ(passes(call(), 2), 2);
  const Decision said = peek(call());
  EXPECT_FALSE(said.allowed);
  EXPECT_EQ(said.rule, kConcurrencyRule);
}

TEST_F(InFlight, ACallOfManyHitsIsOneRequest) {
  Call many = call();
  many.hits = 5;
  EXPECT_EQ(passes(many, 5), 2);
}

TEST_F(InFlight, InShadowTheyAreCountedAndNothingIsDenied) {
  plan.endpoints[index(kPayment)].mode = Mode::shadow;
  publish();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(decide().outcome, Outcome::allow);
  for (int i = 3; i <= 5; ++i) {
    const Decision said = decide();
    EXPECT_TRUE(said.allowed);
    EXPECT_EQ(said.outcome, Outcome::shadow_deny);
    EXPECT_EQ(said.reason, Reason::over_limit);
    EXPECT_EQ(said.rule, kConcurrencyRule);
    EXPECT_EQ(said.in_flight, i) << "it went on, and so it is in flight";
  }
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(release(call()));
  EXPECT_EQ(decide().outcome, Outcome::allow);
}

TEST_F(InFlight, InShadowOneThatTheRateWouldDenyIsInFlightTooByItsOwnReason) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 1));
  limiter.mode.all = Mode::shadow;
  publish();
  EXPECT_EQ(decide().outcome, Outcome::allow);
  EXPECT_EQ(decide().rule, kNoRule);
  const Decision third = decide();
  EXPECT_EQ(third.outcome, Outcome::shadow_deny);
  EXPECT_EQ(third.rule, kNoRule);
  EXPECT_EQ(third.in_flight, 3);
}

TEST_F(InFlight, ModeOffCountsNothing) {
  limiter.mode.all = Mode::off;
  EXPECT_EQ(passes(call(), 5), 5);
  EXPECT_FALSE(release(call()));
}

TEST_F(InFlight, AnOverrideThatAllowsPassesAndIsCounted) {
  publish(std::vector<Override>{by_hand(Action::allow)});
  for (int i = 1; i <= 4; ++i) {
    const Decision said = decide();
    EXPECT_TRUE(said.allowed);
    EXPECT_EQ(said.outcome, Outcome::allow);
    EXPECT_EQ(said.reason, Reason::override_);
    EXPECT_EQ(said.in_flight, i);
  }
}

TEST_F(InFlight, AnOverrideThatLimitsStandsInPlaceOfIt) {
  publish(std::vector<Override>{by_hand(Action::limit)});
  now = now + seconds{60};
  EXPECT_EQ(passes(call(), 1), 1);
  EXPECT_EQ(passes(call(), 3), 1);
  EXPECT_EQ(decide().reason, Reason::override_);
}

TEST_F(InFlight, CallsDecidedTogetherTakeOneLeaseOrNone) {
  set_limits(plan, kBrowse, kStandard, per_minute(60, 3));
  publish();
  std::array<Decision, 3> said;
  const std::array<Call, 3> one{call(), call(kBrowse), call()};
  EXPECT_TRUE(worker.decide_all(one, now, said));
  EXPECT_EQ(said[0].in_flight, 1);
  EXPECT_EQ(said[2].in_flight, 1);
  EXPECT_EQ(in_flight(call()), 1U);

  Call greedy = call(kBrowse);
  greedy.hits = 3;
  const std::array<Call, 2> denied{call(), greedy};
  EXPECT_FALSE(worker.decide_all(denied, now, said));
  EXPECT_TRUE(said[0].allowed);
  EXPECT_EQ(in_flight(call()), 1U) << "the lease was given back, or never taken";

  EXPECT_TRUE(worker.decide_all(one, now, said));
  EXPECT_FALSE(worker.decide_all(one, now, said));
  EXPECT_EQ(said[0].rule, kConcurrencyRule);
  EXPECT_TRUE(said[1].allowed);
  EXPECT_EQ(said[1].remaining, 1U) << "uncharged";
  EXPECT_EQ(in_flight(call()), 2U);
}

TEST_F(InFlight, InABatchEachCallIsDecidedAsAlone) {
  const std::vector<Call> calls(4, call());
  std::vector<Decision> said(4);
  worker.decide(calls, now, said);
  EXPECT_TRUE(said[0].allowed && said[1].allowed);
  EXPECT_FALSE(said[2].allowed || said[3].allowed);
}

}  // namespace
}  // namespace tidelimit::limiter
