#include "engine/response_watch.hpp"

#include <gmock/gmock.h>

#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class Responses : public GateInTime {
 protected:
  void SetUp() override {
    Settings settings = mission();
    for (auto& endpoint : settings.policy.endpoints)
      endpoint.limits[kStd] = policy::LimitSpec{Rate{6000, minutes{1}}, 6000, {}, {}};
    start(std::move(settings));
    set(kMidnight);
    engine->tick(now);
  }
  /// A minute in which so many pass at an endpoint and responses to so many of them are told.
  void minute(int requests, int answers, const Asked& asked = {}) {
    EXPECT_EQ(passed(requests, asked), requests);
    for (int i = 0; i < answers; ++i) answer(401, asked);
    move_to(now.wall + minutes{1});
  }
  [[nodiscard]] std::optional<double> unanswered(const std::string& endpoint) const {
    for (const auto& one : engine->status()->endpoints)
      if (one.endpoint == endpoint) return one.unanswered_ratio;
    return std::nullopt;
  }
  const testing::Matcher<std::vector<std::string>> named_ = Contains(HasSubstr("no response is"));
};

TEST_F(Responses, ThatAreToldOfAllThatPassAreNoTrouble) {
  for (int i = 0; i < 5; ++i) minute(100, 100);
  EXPECT_NEAR(unanswered("browse").value(), 0, 0.01);
  EXPECT_THAT(degraded(), Not(named_));
}

TEST_F(Responses, ThatWereNeverToldAreNotMissed) {
  minute(100, 100, {.path = "/payment/1"});
  for (int i = 0; i < 5; ++i) minute(100, 0);
  EXPECT_EQ(unanswered("browse"), std::nullopt);
  EXPECT_THAT(degraded(), Not(named_));
}

TEST_F(Responses, ThatStopAreNamedUntilTheyAreToldAgain) {
  for (int i = 0; i < 3; ++i) minute(100, 100);
  for (int i = 0; i < 5; ++i) minute(100, 0);
  EXPECT_GT(unanswered("browse").value(), 0.5);
  EXPECT_THAT(degraded(), Contains(HasSubstr("no rule sees: browse; ")));
  for (int i = 0; i < 10; ++i) minute(100, 100);
  EXPECT_THAT(degraded(), Not(named_));
}

TEST_F(Responses, AreNotMissedOfAnEndpointThatIsNoMore) {
  for (int i = 0; i < 3; ++i) minute(100, 100);
  for (int i = 0; i < 5; ++i) minute(100, 0);
  ASSERT_THAT(degraded(), named_);
  Settings without = mission();
  std::erase_if(without.policy.endpoints, [](const auto& one) { return one.name == "browse"; });
  without.policy.rules.clear();
  ASSERT_TRUE(engine->reconfigure(without, now));
  move_to(now.wall + minutes{2});
  EXPECT_THAT(degraded(), Not(named_));
}

TEST_F(Responses, OfAClientThatHidesItsOwnAreMissedAmongThoseOfOthers) {
  const Asked guesser{.path = "/payment/1", .address = "198.51.100.9"};
  for (int i = 0; i < 3; ++i) minute(20, 20, {.path = "/payment/1"});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(passed(80, guesser), 80);
    minute(20, 20, {.path = "/payment/1"});
    minute(1000, 1000);  // what goes well elsewhere hides nothing
  }
  EXPECT_THAT(degraded(), Contains(HasSubstr("no rule sees: payment; ")));
}

TEST_F(Responses, OfAFewRequestsSayNothing) {
  for (int i = 0; i < 10; ++i) minute(5, i == 0 ? 5 : 0);
  EXPECT_THAT(degraded(), Not(named_));
}

TEST_F(Responses, AreNotToldByTheLinesOfRefusedRequests) {
  const Asked premium{.tier = "PRM"};  // 300/min
  for (int i = 0; i < 8; ++i) {
    for (int j = 0; j < 2000; ++j) {
      if (!ask(premium).decision.allowed)
        answer(429, premium, true);
      else if (i < 3)
        answer(200, premium);
    }
    move_to(now.wall + minutes{1});
    if (i == 2) {
      EXPECT_THAT(degraded(), Not(named_));
    }
  }
  EXPECT_THAT(degraded(), named_);
}

TEST_F(Responses, ThatComeAMinuteLaterAreNotMissed) {
  for (int i = 0; i < 3; ++i) minute(20, 20);
  int before = 20;
  for (const int requests : {400, 800, 1600}) {
    minute(requests, before);
    before = requests;
  }
  EXPECT_THAT(degraded(), Not(named_));
}

}  // namespace
}  // namespace tidelimit::engine::test
