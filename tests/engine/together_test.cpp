// Several questions about one request are one request.
#include <array>

#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

class Together : public GateInTime {
 protected:
  using Question = EngineWorker::Asked;

  void SetUp() override {
    start(mission(), std::make_shared<MemoryHistory>());
    engine->tick(now);
  }
  static Question question(std::string_view path, limiter::Hits hits = 1,
                           std::string_view address = "203.0.113.7") {
    Question made;
    made.request.client = client_of(*parse_address(address));
    made.request.path = path;
    made.request.tier = "STD";
    made.hits = hits;
    return made;
  }
  bool ask_all(const std::vector<Question>& asked) {
    return worker->decide_all(asked, now, answers);
  }
  std::uint64_t decided(std::string_view endpoint, Outcome outcome) {
    const CountersView view = engine->counters();
    std::uint64_t sum = 0;
    for (std::size_t e = 0; e < view.endpoints.size(); ++e) {
      if (view.endpoints[e] != endpoint) continue;
      for (std::size_t t = 0; t < view.tiers.size(); ++t)
        for (std::size_t r = 0; r < limiter::kReasons; ++r)
          sum += view.decisions[CountersView::index(e * view.tiers.size() + t, outcome,
                                                    static_cast<Reason>(r))];
    }
    return sum;
  }
  void close() { pass(minutes{15} + seconds{31}); }

  std::array<Answer, limiter::Worker::kTogetherMax> answers;
};

TEST_F(Together, AreTheEndpointsThatOnePathMayReach) {
  const auto decide = [&](std::string_view path) {
    return worker->decide(question(path).request, 1, now);
  };
  constexpr std::string_view kHidden = "/payment/7%2F..%2F..%2Fx";
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(decide(kHidden).decision.allowed) << i;
  const Answer denied = decide(kHidden);
  EXPECT_FALSE(denied.decision.allowed);
  EXPECT_EQ(*denied.endpoint, "payment");
  EXPECT_NE(denied.decision_id, 0U);
  EXPECT_FALSE(decide("/PAYMENT/8").decision.allowed);
  EXPECT_TRUE(decide("/x").decision.allowed);
  EXPECT_FALSE(ask_all({question("/x"), question(kHidden)}));
  EXPECT_TRUE(answers[0].decision.allowed);
  EXPECT_FALSE(answers[1].decision.allowed);
}

TEST_F(Together, SayInShadowModeWhichEndpointOfAPathWouldDeny) {
  Settings shadow = mission();
  shadow.policy.mode.mode = Mode::shadow;
  start(std::move(shadow), std::make_shared<MemoryHistory>());
  engine->tick(now);
  const auto decide = [&](std::string_view path) {
    return worker->decide(question(path).request, 1, now);
  };
  for (int i = 0; i < 100; ++i)
    ASSERT_EQ(decide("/payment/1").decision.outcome, Outcome::allow) << i;
  const Answer watched = decide("/payment/7%2F..%2F..%2Fbrowse/1");
  EXPECT_TRUE(watched.decision.allowed);
  EXPECT_EQ(watched.decision.outcome, Outcome::shadow_deny);
  EXPECT_EQ(watched.decision.reason, Reason::over_limit);
  EXPECT_EQ(*watched.endpoint, "payment");
  EXPECT_NE(watched.decision_id, 0U);
  EXPECT_EQ(decided("payment", Outcome::shadow_deny), 1U);
}

TEST_F(Together, TellOfTheLimitsInForceWhereAnEndpointOfAPathIsOnlyWatched) {
  Settings settings = mission();
  settings.policy.rules.back().mode.mode = Mode::shadow;
  start(std::move(settings), std::make_shared<MemoryHistory>());
  engine->signal({.name = "cpu", .value = 0.95, .measured_at = now.mono});
  move_to(now.wall + seconds{1});
  const Answer got = worker->decide(question("/browse/7%2F..%2F..%2Fpayment/1").request, 50, now);
  EXPECT_TRUE(got.decision.allowed);
  EXPECT_EQ(got.decision.reason, Reason::ok);
  EXPECT_EQ(*got.endpoint, "payment");
  EXPECT_EQ(got.decision.remaining, 50U);
  EXPECT_EQ(got.decision.outcome, Outcome::shadow_deny);
  EXPECT_EQ(on_record(got.decision).reason, Reason::reduced_capacity);
  EXPECT_EQ(decided("browse", Outcome::shadow_deny), 1U);
}

TEST_F(Together, CountOnceWhereverAPathMayLead) {
  for (int i = 0; i < 101; ++i)
    static_cast<void>(worker->decide(question("/payment/7%2F..%2F..%2Fx").request, 1, now));
  EXPECT_EQ(decided("other", Outcome::allow), 100U);
  EXPECT_EQ(decided("payment", Outcome::allow), 0U);
  EXPECT_EQ(decided("payment", Outcome::deny), 1U) << "whose limit it was";
  EXPECT_EQ(decided("other", Outcome::deny), 0U);
  close();
  EXPECT_EQ(newest("other").requests, 100);
}

TEST_F(Together, CountARequestOnceWithTheMostHits) {
  EXPECT_TRUE(ask_all({question("/browse/1"), question("/browse/2", 3), question("/browse/1", 0)}));
  EXPECT_EQ(answers[0].decision.remaining, 97U);
  EXPECT_EQ(*answers[0].endpoint, "browse");
  EXPECT_EQ(answers[0].decision_id, answers[1].decision_id);
  EXPECT_EQ(decided("browse", Outcome::allow), 1U);
  close();
  EXPECT_EQ(newest("browse").requests, 3);
}

TEST_F(Together, CountOfADeniedCallWhatTheBaseLimitHolds) {
  EXPECT_FALSE(ask_all({question("/browse/1", 1500)}));
  close();
  EXPECT_EQ(newest("browse").requests, 100);
}

TEST_F(Together, CountAMillionOfOneCallAtMost) {
  Question unlimited = question("/else", 4'000'000'000);
  EXPECT_TRUE(ask_all({unlimited}));
  unlimited.hits = 1'000'000;
  EXPECT_TRUE(ask_all({unlimited}));
  close();
  EXPECT_EQ(newest("other").requests, 2'000'000);
}

TEST_F(Together, CountRequestsOfSeveralEndpointsEach) {
  EXPECT_TRUE(ask_all({question("/browse/1"), question("/payment/1")}));
  EXPECT_EQ(decided("browse", Outcome::allow), 1U);
  EXPECT_EQ(decided("payment", Outcome::allow), 1U);
}

TEST_F(Together, CountAsTheOneThatWasDenied) {
  const limiter::GivenLimit none{{hours{1}, 0}, 1};
  Question strict = question("/browse/1");
  strict.given = &none;
  EXPECT_FALSE(ask_all({question("/browse/1"), strict, question("/payment/1")}));
  EXPECT_TRUE(answers[0].decision.allowed);
  EXPECT_FALSE(answers[1].decision.allowed);
  EXPECT_NE(answers[1].decision_id, 0U);
  EXPECT_EQ(decided("browse", Outcome::deny), 1U);
  EXPECT_EQ(decided("browse", Outcome::allow), 0U);
  EXPECT_EQ(decided("payment", Outcome::allow), 1U) << "its own limit did not stop it";
  EXPECT_TRUE(ask_all({question("/browse/1")}));
  EXPECT_EQ(answers[0].decision.remaining, 99U) << "nothing was charged";
  close();
  EXPECT_EQ(newest("browse").requests, 2) << "demand, denied or not";
}

TEST_F(Together, CountNothingOfPeeks) {
  EXPECT_TRUE(ask_all({question("/browse/1", 0), question("/payment/1", 0)}));
  EXPECT_EQ(answers[0].decision_id, 0U);
  EXPECT_EQ(decided("browse", Outcome::allow), 0U);
  close();
  EXPECT_EQ(newest("browse").requests, 0);
}

}  // namespace
}  // namespace tidelimit::engine::test
