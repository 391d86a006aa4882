// What one decision says and charges, limit by limit.
#include <gtest/gtest.h>

#include "limiter/gate_plan.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class Decide : public GateTest {};

TEST_F(Decide, PassesEverythingBeforeAPlanIsPublished) {
  const Decision said = decide(call(kBrowse, kPremium));
  EXPECT_TRUE(said.allowed);
  EXPECT_EQ(said.reason, Reason::ok);
  EXPECT_EQ(said.endpoint, kBrowse);
  EXPECT_EQ(said.tier, kPremium);
  EXPECT_EQ(said.plan_generation, 0U);
}

TEST_F(Decide, SaysWhatIsLeftAndWhenToComeBack) {
  set_limits(plan, kPayment, kStandard, per_minute(100, 3));
  plan.generation = 9;
  publish();
  const Decision first = decide();
  EXPECT_TRUE(first.allowed);
  EXPECT_EQ(first.outcome, Outcome::allow);
  EXPECT_EQ(first.limit, per_minute(100, 3));
  EXPECT_EQ(first.remaining, 2U);
  EXPECT_EQ(first.reset_after, milliseconds{600});
  EXPECT_EQ(first.plan_generation, 9U);
  EXPECT_EQ(passes(call(), 2), 2);
  now = now + milliseconds{100};
  const Decision denied = decide();
  EXPECT_FALSE(denied.allowed);
  EXPECT_EQ(denied.outcome, Outcome::deny);
  EXPECT_EQ(denied.reason, Reason::over_limit);
  EXPECT_EQ(denied.limit, per_minute(100, 3));
  EXPECT_EQ(denied.remaining, 0U);
  EXPECT_EQ(denied.retry_after, milliseconds{500});
  EXPECT_EQ(denied.reset_after, milliseconds{1700});
  EXPECT_EQ(denied.rule, kNoRule);
  now = now + milliseconds{500};
  EXPECT_TRUE(decide().allowed);
}

TEST_F(Decide, KeepsUsersApartWhateverAddressTheyCallFrom) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 3));
  publish();
  user = limiter.hash_user("ada");
  EXPECT_EQ(passes(call(), 2), 2);
  client = v4_client(0xc0000202);
  EXPECT_EQ(passes(call(), 5), 1);
  user = limiter.hash_user("bob");
  EXPECT_EQ(passes(call(), 5), 3);
  user = 0;
  EXPECT_EQ(passes(call(), 5), 3);
}

TEST_F(Decide, KeepsEndpointsApart) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 3));
  set_limits(plan, kBrowse, kStandard, per_minute(60, 3));
  publish();
  EXPECT_EQ(passes(call(kPayment), 5), 3);
  EXPECT_EQ(passes(call(kBrowse), 5), 3);
  EXPECT_EQ(passes(call(kOther), 5), 5);
}

TEST_F(Decide, HasOneBucketForAPrincipalThatChangesItsTier) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 3));
  set_limits(plan, kPayment, kPremium, per_minute(60, 5));
  publish();
  EXPECT_EQ(passes(call(kPayment, kStandard), 5), 3);
  EXPECT_EQ(passes(call(kPayment, kPremium), 5), 2);
  EXPECT_EQ(passes(call(kPayment, kStandard), 5), 0);
}

TEST_F(Decide, HoldsAnAddressWhateverUserIsNamed) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 3));
  plan.endpoints[0].client = per_minute(60, 5);
  publish();
  int passed = 0;
  for (std::uint64_t name = 1; name <= 4; ++name) {
    user = name;
    passed += passes(call(), 2);
  }
  EXPECT_EQ(passed, 5);
  const Decision denied = decide();
  EXPECT_EQ(denied.limit, per_minute(60, 5));
  EXPECT_EQ(denied.reason, Reason::over_limit);
  client = v4_client(0xc0000202);
  EXPECT_TRUE(decide().allowed) << "user 4 was denied by the address alone and charged nothing";
}

TEST_F(Decide, HoldsATierToItsTotal) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 3), per_minute(60, 5));
  publish();
  int passed = 0;
  for (user = 1; user <= 4; ++user) passed += passes(call(), 2);
  EXPECT_EQ(passed, 5);
  user = 9;
  const Decision denied = decide();
  EXPECT_EQ(denied.reason, Reason::over_limit);
  EXPECT_EQ(denied.limit, per_minute(60, 5));
  EXPECT_TRUE(decide(call(kPayment, kPremium)).allowed) << "another tier has another total";
}

TEST_F(Decide, ChargesAllLimitsOrNone) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 3), per_minute(60, 4));
  publish();
  user = 1;
  EXPECT_EQ(passes(call(), 10), 3) << "denied by the principal's limit: the total keeps one";
  user = 2;
  EXPECT_EQ(passes(call(), 10), 1) << "denied by the total: the principal keeps two";
  set_limits(plan, kPayment, kStandard, per_minute(60, 3));
  publish();
  EXPECT_EQ(passes(call(), 10), 2);
}

TEST_F(Decide, ReportsTheTightestLimitAndTheTotalOnlyAlone) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 10), per_minute(60, 2));
  plan.endpoints[0].client = per_minute(60, 5);
  publish();
  EXPECT_EQ(decide().limit, per_minute(60, 5));
  EXPECT_EQ(peek(call()).remaining, 4U);
  set_limits(plan, kBrowse, kStandard, {}, per_minute(60, 2));
  publish();
  EXPECT_EQ(decide(call(kBrowse)).limit, per_minute(60, 2));
}

TEST_F(Decide, ChargesManyHitsTogetherOrNotAtAll) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 10));
  publish();
  Call made = call();
  made.hits = 11;
  const Decision never = decide(made);
  EXPECT_FALSE(never.allowed);
  EXPECT_EQ(never.retry_after, Nanos::max());
  made.hits = 7;
  EXPECT_EQ(decide(made).remaining, 3U);
  EXPECT_EQ(decide(made).retry_after, seconds{4});
  made.hits = 3;
  EXPECT_TRUE(decide(made).allowed);
}

TEST_F(Decide, PeeksWithoutChargingOrCounting) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 1), per_minute(60, 3));
  publish();
  for (int i = 0; i < 5; ++i) {
    const Decision said = peek(call());
    EXPECT_TRUE(said.allowed);
    EXPECT_EQ(said.remaining, 1U);
    EXPECT_FALSE(said.near_limit);
  }
  EXPECT_FALSE(limiter.clients().find(client).has_value());
  EXPECT_TRUE(decide().allowed);
  const Decision denied = peek(call());
  EXPECT_FALSE(denied.allowed);
  EXPECT_EQ(denied.retry_after, seconds{1});
}

TEST_F(Decide, SaysWhenLessThanAFifthIsLeft) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 10));
  publish();
  for (int left = 9; left >= 2; --left) EXPECT_FALSE(decide().near_limit) << left;
  EXPECT_TRUE(decide().near_limit);
  EXPECT_TRUE(decide().near_limit);
  EXPECT_FALSE(decide().near_limit) << "denied";
}

TEST_F(Decide, TellsReducedCapacityFromOverLimit) {
  set_limits(plan, kPayment, kStandard, per_minute(100, 10));
  scale_from(plan, kPayment, kStandard, View::without_forecast, 0.5);
  publish();
  EXPECT_EQ(passes(call(), 10), 5);
  EXPECT_EQ(decide().reason, Reason::over_limit) << "half the burst is spent: so is the whole";
  now = now + milliseconds{700};
  const Decision reduced = decide();
  EXPECT_EQ(reduced.reason, Reason::reduced_capacity);
  EXPECT_EQ(reduced.rule, kRule);
  EXPECT_EQ(reduced.limit, per_minute(50, 5));
  EXPECT_EQ(reduced.retry_after, milliseconds{500});
  Call many = call();
  many.hits = 2;
  EXPECT_EQ(decide(many).reason, Reason::over_limit) << "the base limit would deny it too";
}

TEST_F(Decide, TakesACallIdentifiedUnderAnOlderConfigurationForTheLastEndpointAndTier) {
  set_limits(plan, kOther, kStandard, per_minute(60, 1));
  publish();
  const Decision said = decide(call(EndpointId{77}, TierId{9}));
  EXPECT_EQ(said.endpoint, kOther);
  EXPECT_EQ(said.tier, kStandard);
  EXPECT_FALSE(decide(call(kOther)).allowed);
}

TEST_F(Decide, CountsTheRequestAtItsClient) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 2));
  publish();
  EXPECT_EQ(passes(call(), 5), 2);
  int visits = 0;
  limiter.clients().collect(
      [&](std::uint32_t, bool fresh, const ClientId& who, const ClientCounters& counters) {
        ++visits;
        EXPECT_TRUE(fresh);
        EXPECT_EQ(who, client);
        EXPECT_EQ(counters.requests, 5U);
        EXPECT_EQ(counters.denied, 3U);
      });
  EXPECT_EQ(visits, 1);
}

TEST_F(Decide, SharesTheBucketOfTheNeighbourhoodWhenMemoryIsFull) {
  Limiter tiny{{.bucket_bytes = 16 * 1024, .client_bytes = 4096, .seed = 7}};
  tiny.plan.publish([&] {
    set_limits(plan, kPayment, kStandard, make_limit({1, std::chrono::hours{1}}, 3));
    return std::make_shared<Plan>(plan);
  }());
  Worker gate{tiny};
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    client = v4_client(0x0a000000 + (i << 4));
    static_cast<void>(gate.decide(call(), now));
  }
  EXPECT_EQ(tiny.buckets().reclaimed(), 0U);
  int passed = 0;
  int shared = 0;
  for (std::uint32_t host = 0; host < 256; ++host) {
    client = v4_client(0xc6336400 + host);
    const Decision said = gate.decide(call(), now);
    shared += said.overflow;
    passed += said.overflow && said.allowed;
  }
  EXPECT_GT(shared, 200);
  EXPECT_LE(passed, 3) << "one /24, one bucket";
  EXPECT_GT(tiny.buckets().overflows(), 10'000U);
}

TEST_F(Decide, SaysWhoseLimitItIs) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 3));
  publish();
  EXPECT_EQ(decide().limit_of, LimitOf::principal);
  set_limits(plan, kPayment, kStandard, {}, per_minute(60, 9));
  publish();
  EXPECT_EQ(decide().limit_of, LimitOf::total);
  plan.endpoints[0].client = per_minute(60, 5);
  publish();
  EXPECT_EQ(decide().limit_of, LimitOf::client);
  publish({verdict(Action::limit)});
  EXPECT_EQ(decide().limit_of, LimitOf::verdict);
  publish({by_hand(Action::limit)});
  EXPECT_EQ(decide().limit_of, LimitOf::override_);
}

TEST_F(Decide, SaysWhoseLimitItIsThatIsOnlyWatched) {
  set_limits(plan, kPayment, kStandard, {}, per_minute(60, 9));
  publish();
  Verdict shadow = verdict(Action::limit);
  shadow.mode = Mode::shadow;
  publish({shadow});
  EXPECT_EQ(passes(call(), 2), 2);
  const Decision limited = decide();
  EXPECT_EQ(limited.outcome, Outcome::shadow_deny);
  EXPECT_EQ(limited.watched.limit, shadow.limit);
  EXPECT_EQ(limited.watched.limit_of, LimitOf::verdict);
  EXPECT_EQ(limited.limit_of, LimitOf::total) << "what is in force";
  shadow.action = Action::block;
  publish({shadow});
  const Decision blocked = on_record(decide());
  EXPECT_EQ(blocked.reason, Reason::client_blocked);
  EXPECT_EQ(blocked.limit, per_minute(60, 9)) << "a block has no limit";
  EXPECT_EQ(blocked.limit_of, LimitOf::total);
}

TEST_F(Decide, SaysOfACallerElsewhereWhatItSaysInTheDecision) {
  publish();
  const auto said = [&] {
    const VerdictKind kind = worker.verdict_on(call(), now);
    EXPECT_EQ(kind, decide().verdict);
    return kind;
  };
  EXPECT_EQ(said(), VerdictKind::normal);
  Verdict entry = verdict(Action::block);
  publish({entry});
  EXPECT_EQ(said(), VerdictKind::malicious);
  for (const Action action : {Action::allow, Action::limit, Action::block}) {
    publish({by_hand(action)});
    EXPECT_EQ(said(), VerdictKind::normal) << to_string(action);
  }
  publish(std::vector<Override>{}, {prefix_of(client, 24)});
  EXPECT_EQ(said(), VerdictKind::normal) << "the allow-list";
  publish(std::vector<Override>{});
  EXPECT_EQ(said(), VerdictKind::malicious);
  entry.mode = Mode::shadow;
  publish({entry});
  EXPECT_EQ(said(), VerdictKind::malicious);
  limiter.mode.anomaly = Mode::off;
  EXPECT_EQ(said(), VerdictKind::normal);
  limiter.mode.anomaly = Mode::enforce;
  limiter.mode.all = Mode::off;
  EXPECT_EQ(said(), VerdictKind::normal);
}

TEST_F(Decide, CountsDeniedRequestsAsDemandUpToTheBaseLimit) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 4));
  scale_from(plan, kPayment, kStandard, View::without_forecast, 0.25);
  publish();
  EXPECT_EQ(passes(call(), 10), 1);
  Hits demand = 0;
  for (int i = 0; i < 9; ++i) demand += worker.demand_of(call(), now);
  EXPECT_EQ(demand, 4U);
  EXPECT_EQ(worker.demand_of(call(kBrowse), now), 1U);
}

TEST_F(Decide, CountsOfADeniedCallAsManyHitsAsTheAllowanceHolds) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 4));
  publish();
  const auto demand_of = [&](Hits hits) {
    Call many = call();
    many.hits = hits;
    return worker.demand_of(many, now);
  };
  EXPECT_EQ(demand_of(3), 3U);
  EXPECT_EQ(demand_of(3), 1U);
  EXPECT_EQ(demand_of(3), 0U);
  now = now + minutes{1};
  EXPECT_EQ(demand_of(4'000'000'000), 4U) << "more than the burst";
}

}  // namespace
}  // namespace tidelimit::limiter
