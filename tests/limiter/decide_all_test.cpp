// Calls that stand or fall together.
#include <array>
#include <gtest/gtest.h>

#include "limiter/gate_plan.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class DecideAll : public GateTest {
 protected:
  void SetUp() override {
    set_limits(plan, kPayment, kStandard, per_minute(60, 5));
    set_limits(plan, kBrowse, kStandard, per_minute(60, 2));
    publish();
  }
  bool decide_all(const std::vector<Call>& calls) {
    said.assign(calls.size(), {});
    return worker.decide_all(calls, now, said);
  }
  Call asking(Call made, Hits hits) {
    made.hits = hits;
    return made;
  }
  std::uint64_t left(EndpointId endpoint) { return peek(call(endpoint)).remaining; }
  ClientCounters counted(const ClientId& whose) {
    ClientCounters found;
    limiter.clients().collect(
        [&](std::uint32_t, bool, const ClientId& client, const ClientCounters& counters) {
          if (client == whose) found = counters;
        });
    return found;
  }

  std::vector<Decision> said;
};

TEST_F(DecideAll, ChargesEveryLimitWhenAllPass) {
  EXPECT_TRUE(decide_all({call(kPayment), asking(call(kBrowse), 2)}));
  EXPECT_EQ(said[0].limit, per_minute(60, 5));
  EXPECT_EQ(said[0].remaining, 4U);
  EXPECT_EQ(said[0].reset_after, seconds{1});
  EXPECT_EQ(said[1].limit, per_minute(60, 2));
  EXPECT_EQ(said[1].remaining, 0U);
  EXPECT_EQ(left(kPayment), 4U);
  EXPECT_EQ(left(kBrowse), 0U);
}

TEST_F(DecideAll, ChargesNoneWhenOneIsDenied) {
  EXPECT_EQ(passes(call(kBrowse), 2), 2);
  EXPECT_FALSE(decide_all({call(kPayment), call(kBrowse), call(kOther)}));
  EXPECT_TRUE(said[0].allowed);
  EXPECT_EQ(said[0].reason, Reason::ok);
  EXPECT_EQ(said[0].remaining, 5U) << "what there is, uncharged";
  EXPECT_EQ(said[0].reset_after, Nanos{0});
  EXPECT_FALSE(said[1].allowed);
  EXPECT_EQ(said[1].reason, Reason::over_limit);
  EXPECT_EQ(said[1].retry_after, seconds{1});
  EXPECT_TRUE(said[2].allowed);
  EXPECT_EQ(left(kPayment), 5U);
}

TEST_F(DecideAll, NamesEveryCallThatIsOverItsLimit) {
  EXPECT_EQ(passes(call(kBrowse), 2), 2);
  EXPECT_FALSE(decide_all({asking(call(kPayment), 6), call(kOther), call(kBrowse)}));
  EXPECT_FALSE(said[0].allowed);
  EXPECT_EQ(said[0].retry_after, Nanos::max());
  EXPECT_TRUE(said[1].allowed);
  EXPECT_FALSE(said[2].allowed);
}

TEST_F(DecideAll, ChargesEqualBucketsOnceByTheCallThatTakesMost) {
  EXPECT_TRUE(decide_all({call(), asking(call(), 3), asking(call(), 2)}));
  for (const Decision& each : said) EXPECT_EQ(each.remaining, 2U);
  EXPECT_EQ(left(kPayment), 2U);
}

TEST_F(DecideAll, AsksWithoutChargingWhenHitsAreZero) {
  EXPECT_TRUE(decide_all({asking(call(kPayment), 0), call(kBrowse)}));
  EXPECT_EQ(said[0].remaining, 5U);
  EXPECT_EQ(left(kPayment), 5U);
  EXPECT_EQ(left(kBrowse), 1U);
  EXPECT_EQ(passes(call(kPayment), 5), 5);
  EXPECT_FALSE(decide_all({asking(call(kPayment), 0), call(kBrowse)})) << "its no counts";
  EXPECT_FALSE(said[0].allowed);
  EXPECT_EQ(left(kBrowse), 1U);
}

TEST_F(DecideAll, HoldsBackNobodyForACallInShadow) {
  plan.endpoints[index(kBrowse)].mode = Mode::shadow;
  publish();
  EXPECT_EQ(passes(call(kBrowse), 2), 2);
  EXPECT_TRUE(decide_all({call(kPayment), call(kBrowse)}));
  EXPECT_EQ(said[1].outcome, Outcome::shadow_deny);
  EXPECT_EQ(said[1].reason, Reason::over_limit);
  EXPECT_EQ(left(kPayment), 4U);
}

TEST_F(DecideAll, FallsWithABlockedClientAndChargesNothing) {
  publish({verdict(Action::block)});
  Call other = call(kBrowse);
  other.client = v4_client(0xc0000299);
  EXPECT_FALSE(decide_all({other, call(kPayment)}));
  EXPECT_TRUE(said[0].allowed);
  EXPECT_EQ(said[1].reason, Reason::client_blocked);
  EXPECT_EQ(peek(other).remaining, 2U);
}

TEST_F(DecideAll, CountsEachClientOnceWithTheMostHits) {
  Call other = call(kBrowse);
  other.client = v4_client(0xc0000299);
  EXPECT_TRUE(decide_all(
      {call(kPayment), asking(call(kPayment), 2), asking(call(kBrowse), 0), other, call(kOther)}));
  EXPECT_EQ(counted(client).requests, 2U);
  EXPECT_FALSE(decide_all({call(kPayment), asking(other, 2)}));
  EXPECT_EQ(counted(client).denied, 1U) << "the request was refused, though not for this call";
}

TEST_F(DecideAll, PassesEverythingBeforeAPlanIsPublished) {
  limiter.plan.publish(nullptr);
  EXPECT_TRUE(decide_all({call(kPayment), call(kBrowse, kPremium)}));
  EXPECT_EQ(said[1].endpoint, kBrowse);
  EXPECT_EQ(said[1].tier, kPremium);
}

TEST_F(DecideAll, ShowsWhatShadowRulesWouldHaveDenied) {
  scale_from(plan, kPayment, kStandard, View::shadow, 0.5, kShadowRule);
  publish();
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(decide_all({call(kPayment), call(kPayment)}));
    EXPECT_EQ(said[0].outcome, Outcome::allow) << "the watched bucket is charged once too";
  }
  EXPECT_TRUE(decide_all({call(kPayment), call(kPayment)}));
  EXPECT_EQ(said[0].outcome, Outcome::shadow_deny);
  EXPECT_EQ(said[0].watched.rule, kShadowRule);
}

class Given : public DecideAll {
 protected:
  Call given_call(const GivenLimit& given) {
    Call made = call();
    made.given = &given;
    return made;
  }
  GivenLimit small{per_minute(60, 1), 1};
  GivenLimit large{per_minute(600, 9), 2};
};

TEST_F(Given, StandsInPlaceOfThePlansLimitWithABucketOfItsOwn) {
  EXPECT_EQ(passes(given_call(large), 20), 9);
  EXPECT_EQ(decide(given_call(large)).limit, large.limit);
  EXPECT_EQ(decide(given_call(large)).reason, Reason::over_limit);
  EXPECT_EQ(left(kPayment), 5U);
}

TEST_F(Given, KeepsItsBucketWhenTheCallerMovesIt) {
  EXPECT_EQ(passes(given_call(large), 9), 9);
  large.limit = per_minute(600, 12);
  EXPECT_EQ(passes(given_call(large), 20), 3);
}

TEST_F(Given, CanBeSeveralOnOnePrincipal) {
  EXPECT_TRUE(decide_all({given_call(small), given_call(large), call()}));
  EXPECT_EQ(said[0].remaining, 0U);
  EXPECT_EQ(said[1].remaining, 8U);
  EXPECT_EQ(said[2].remaining, 4U);
  EXPECT_FALSE(decide_all({given_call(small), given_call(large), call()}));
  EXPECT_EQ(said[1].remaining, 8U);
}

TEST_F(Given, RefusesEverythingWithABurstOfNone) {
  const GivenLimit none{{hours{1}, 0}, 3};
  const Decision denied = decide(given_call(none));
  EXPECT_FALSE(denied.allowed);
  EXPECT_EQ(denied.retry_after, Nanos::max());
  EXPECT_EQ(denied.remaining, 0U);
}

TEST_F(Given, HoldsBesideVerdictsAddressLimitsAndTotals) {
  publish({verdict(Action::block)});
  EXPECT_EQ(decide(given_call(large)).reason, Reason::client_blocked);
  publish(std::vector<Verdict>{});
  set_limits(plan, kPayment, kStandard, per_minute(60, 5), per_minute(60, 4));
  plan.endpoints[index(kPayment)].client = per_minute(60, 3);
  publish();
  EXPECT_EQ(passes(given_call(large), 20), 3);
  plan.endpoints[index(kPayment)].client = {};
  publish();
  EXPECT_EQ(passes(given_call(large), 20), 1) << "of the total's four";
}

TEST_F(Given, GivesWayToWhatIsByHand) {
  publish({by_hand(Action::limit)});
  EXPECT_EQ(passes(given_call(large), 20), 2);
  EXPECT_EQ(decide(given_call(large)).reason, Reason::override_);
  publish({by_hand(Action::allow)});
  EXPECT_EQ(passes(given_call(small), 20), 20);
}

}  // namespace
}  // namespace tidelimit::limiter
