// Off, shadow and enforce: for all, for an endpoint, for a rule, for a part.
#include <gtest/gtest.h>

#include "limiter/gate_plan.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::minutes;

class Modes : public GateTest {
 protected:
  void SetUp() override {
    set_limits(plan, kPayment, kStandard, per_minute(60, 4));
    publish();
  }
  // Outcomes of `tries` calls: how many were denied, and how many would have been.
  struct Seen {
    int denied = 0;
    int watched = 0;
    bool operator==(const Seen&) const = default;
  };
  Seen outcomes(int tries) {
    Seen seen;
    for (int i = 0; i < tries; ++i) {
      last = decide();
      EXPECT_EQ(last.allowed, last.outcome != Outcome::deny);
      seen.denied += last.outcome == Outcome::deny;
      seen.watched += last.outcome == Outcome::shadow_deny;
    }
    return seen;
  }
  Decision last;
};

TEST_F(Modes, OffPassesEverythingAndChargesNothing) {
  publish({verdict(Action::block)});
  publish({by_hand(Action::block)});
  limiter.mode.all = Mode::off;
  EXPECT_EQ(outcomes(10), (Seen{0, 0}));
  EXPECT_EQ(last.reason, Reason::ok);
  limiter.mode.all = Mode::enforce;
  publish(std::vector<Verdict>{});
  publish(std::vector<Override>{});
  EXPECT_EQ(outcomes(10), (Seen{6, 0}));
}

TEST_F(Modes, OfTheGateItselfAreForAShareWhateverEndpointsSay) {
  EXPECT_EQ(worker.enforced_below(), kEveryone);
  plan.enforced = 100;
  plan.endpoints[0].mode = Mode::off;
  plan.endpoints[1].enforced = 10;
  publish();
  EXPECT_EQ(worker.enforced_below(), 100);
  limiter.mode.all = Mode::shadow;
  EXPECT_EQ(worker.enforced_below(), 0);
}

TEST_F(Modes, ShadowAnswersYesAndSaysWhatWouldHaveBeen) {
  limiter.mode.all = Mode::shadow;
  EXPECT_EQ(outcomes(10), (Seen{0, 6}));
  EXPECT_EQ(last.reason, Reason::over_limit);
  EXPECT_EQ(last.limit, per_minute(60, 4));
  EXPECT_EQ(last.retry_after, Nanos{0});
  publish({verdict(Action::block)});
  EXPECT_EQ(decide().reason, Reason::client_blocked);
  publish({by_hand(Action::block)});
  EXPECT_EQ(decide().reason, Reason::override_);
  EXPECT_TRUE(decide().allowed);
}

TEST_F(Modes, TheTamerOfSwitchAndEndpointCounts) {
  plan.endpoints[0].mode = Mode::shadow;
  publish();
  EXPECT_EQ(outcomes(10), (Seen{0, 6}));
  limiter.mode.all = Mode::off;
  EXPECT_EQ(outcomes(5), (Seen{0, 0}));
  plan.endpoints[0].mode = Mode::off;
  limiter.mode.all = Mode::enforce;
  publish();
  EXPECT_EQ(outcomes(5), (Seen{0, 0}));
}

TEST_F(Modes, AnotherEndpointIsNotConcerned) {
  plan.endpoints[1].mode = Mode::off;
  publish();
  EXPECT_EQ(outcomes(10), (Seen{6, 0}));
}

TEST_F(Modes, AShadowRuleCountsWhatItWouldHaveDenied) {
  scale_from(plan, kPayment, kStandard, View::shadow, 0.5, kShadowRule);
  publish();
  EXPECT_EQ(outcomes(2), (Seen{0, 0}));
  EXPECT_EQ(outcomes(1), (Seen{0, 1}));
  EXPECT_EQ(on_record(last).reason, Reason::over_limit);
  now = now + std::chrono::seconds{1};
  EXPECT_EQ(outcomes(2), (Seen{0, 2}));
  EXPECT_EQ(on_record(last).reason, Reason::reduced_capacity);
  EXPECT_EQ(on_record(last).rule, kShadowRule);
  EXPECT_EQ(on_record(last).limit, per_minute(30, 2));
  EXPECT_EQ(outcomes(1), (Seen{1, 0})) << "the base limit, and in force";
  EXPECT_EQ(last.reason, Reason::over_limit);
  EXPECT_EQ(last.rule, kNoRule);
}

TEST_F(Modes, AShadowRuleChangesNothingOfWhatTheCallerIsTold) {
  Decision without;
  for (const bool watched : {false, true}) {
    now = now + minutes{10};
    if (watched) scale_from(plan, kPayment, kStandard, View::shadow, 0.5, kShadowRule);
    publish();
    EXPECT_EQ(outcomes(4), (Seen{0, watched ? 2 : 0}));
    if (!watched) without = last;
  }
  EXPECT_EQ(last.reason, Reason::ok);
  EXPECT_EQ(last.rule, kNoRule);
  EXPECT_EQ(last.limit, per_minute(60, 4));
  EXPECT_EQ(last.limit_of, without.limit_of);
  EXPECT_EQ(last.remaining, without.remaining);
  EXPECT_EQ(last.reset_after, without.reset_after);
  EXPECT_EQ(last.near_limit, without.near_limit);
  EXPECT_TRUE(last.enforced);
}

// The watched limit has a bucket of its own, which fills only with what it would have let through.
TEST_F(Modes, AShadowRuleDeniesNoMoreThanItWouldHaveInForce) {
  scale_from(plan, kPayment, kStandard, View::shadow, 0.5, kShadowRule);
  publish();
  int watched = 0;
  for (int second = 0; second < 60; ++second) {  // one a second, where the rule lets 0.5 pass
    now = now + std::chrono::seconds{1};
    watched += outcomes(1).watched;
  }
  EXPECT_GE(watched, 28);
  EXPECT_LE(watched, 30);
}

TEST_F(Modes, AChangeWithoutTheForecastsRulesIsAtOnce) {
  scale_from(plan, kPayment, kStandard, View::effective, 0.5);
  publish();
  EXPECT_EQ(outcomes(4), (Seen{2, 0}));
  limiter.mode.forecast = Mode::off;
  now = now + std::chrono::seconds{1};
  EXPECT_EQ(outcomes(4), (Seen{3, 0})) << "under the rule none would pass before two seconds";
  EXPECT_EQ(last.reason, Reason::over_limit);
}

TEST_F(Modes, AForecastInShadowIsWatched) {
  scale_from(plan, kPayment, kStandard, View::effective, 0.5);
  publish();
  limiter.mode.forecast = Mode::shadow;
  EXPECT_EQ(outcomes(4), (Seen{0, 2}));
  EXPECT_EQ(last.watched.rule, kRule);
}

TEST_F(Modes, RulesOffAreBaseLimitsAndRulesInShadowAreWatched) {
  scale_from(plan, kPayment, kStandard, View::without_forecast, 0.5);
  publish();
  limiter.mode.rules = Mode::shadow;
  EXPECT_EQ(outcomes(5), (Seen{1, 2}));
  now = now + minutes{1};
  limiter.mode.rules = Mode::off;
  EXPECT_EQ(outcomes(5), (Seen{1, 0}));
}

TEST_F(Modes, APlanPastItsTimeIsItsBaseLimits) {
  scale_from(plan, kPayment, kStandard, View::without_forecast, 0.5);
  plan.expires_at = now + minutes{1};
  publish();
  EXPECT_EQ(outcomes(5), (Seen{3, 0}));
  now = now + minutes{1};
  EXPECT_EQ(outcomes(5), (Seen{1, 0}));
}

TEST_F(Modes, SheddingObeysTheSwitchOfRules) {
  shed_from(plan, kPayment, kStandard, View::without_forecast, kShedAll);
  publish();
  EXPECT_EQ(outcomes(3), (Seen{3, 0}));
  limiter.mode.rules = Mode::shadow;
  EXPECT_EQ(outcomes(3), (Seen{0, 3}));
  EXPECT_EQ(last.watched.reason, Reason::load_shed);
  limiter.mode.rules = Mode::off;
  EXPECT_EQ(outcomes(1), (Seen{0, 0}));
}

TEST_F(Modes, AVerdictInShadowIsCountedAndDeniesNothing) {
  Verdict entry = verdict(Action::block);
  entry.mode = Mode::shadow;
  publish({entry});
  EXPECT_EQ(outcomes(2), (Seen{0, 2}));
  EXPECT_EQ(last.watched.reason, Reason::client_blocked);
  EXPECT_EQ(last.reason, Reason::ok);
  EXPECT_EQ(last.verdict, VerdictKind::malicious);
  entry.action = Action::limit;
  publish({entry});
  now = now + minutes{1};
  EXPECT_EQ(outcomes(4), (Seen{0, 2})) << "two pass its ten a minute at once";
  EXPECT_EQ(last.watched.reason, Reason::client_limited);
}

TEST_F(Modes, ASwitchHoldsForTheVerdictsOfItsPart) {
  Verdict entry = verdict(Action::block);
  entry.part = Part::anomaly;
  publish({entry});
  limiter.mode.rules = Mode::off;
  EXPECT_EQ(outcomes(1), (Seen{1, 0}));
  limiter.mode.anomaly = Mode::shadow;
  EXPECT_EQ(outcomes(1), (Seen{0, 1}));
  limiter.mode.anomaly = Mode::off;
  EXPECT_EQ(outcomes(1), (Seen{0, 0}));
  EXPECT_EQ(last.verdict, VerdictKind::normal);
  entry.part = Part::rules;
  publish({entry});
  EXPECT_EQ(outcomes(1), (Seen{0, 0}));
  limiter.mode.rules = Mode::enforce;
  EXPECT_EQ(outcomes(1), (Seen{1, 0}));
}

}  // namespace
}  // namespace tidelimit::limiter
