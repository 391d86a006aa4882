// `enforce` for a share of the principals: who is in it, and what the others see.
#include <set>

#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

constexpr int kUsers = 2000;

class Rollout : public GateInTime {
 protected:
  /// Two requests a minute, so that every third request is over.
  static Settings limited(double share) {
    Settings settings = mission();
    settings.policy.rules.clear();
    settings.policy.enforced = share;
    settings.policy.endpoints[1].limits[1] = policy::test::limit(2);
    return settings;
  }
  void begin(Settings settings, std::uint64_t seed = 42) {
    worker.reset();
    engine = std::make_unique<Engine>(std::move(settings), nullptr, seed);
    worker = engine->make_worker();
    pass(seconds{1});
  }
  /// Users of whom the third request at once is denied.
  std::set<std::string> denied_users(const std::string& path = "/browse/1") {
    std::set<std::string> denied;
    for (int i = 0; i < kUsers; ++i) {
      const Asked asked{.path = path, .user = "u" + std::to_string(i), .tier = "STD"};
      if (passed(3, asked) < 3) denied.insert(asked.user);
    }
    return denied;
  }
};

TEST_F(Rollout, EnforcesForItsShareOfThePrincipals) {
  begin(limited(0.05));
  const auto denied = denied_users();
  EXPECT_NEAR(static_cast<double>(denied.size()) / kUsers, 0.05, 0.015);
}

TEST_F(Rollout, KeepsThePrincipalsOverARestartAndAsTheShareGrows) {
  begin(limited(0.05));
  const auto before = denied_users();
  begin(limited(0.05), 43);
  EXPECT_EQ(denied_users(), before) << "another key of the hashes, the same principals";
  begin(limited(0.2));
  const auto after = denied_users();
  EXPECT_TRUE(std::includes(after.begin(), after.end(), before.begin(), before.end()));
  EXPECT_GT(after.size(), 2 * before.size());
}

TEST_F(Rollout, IsShadowForTheOthers) {
  begin(limited(0.05));
  const auto denied = denied_users();
  int watched = 0;
  for (int i = 0; i < kUsers; ++i) {
    const Asked asked{.user = "u" + std::to_string(i), .tier = "STD"};
    const Answer got = ask(asked);
    const bool in = denied.contains(asked.user);
    EXPECT_EQ(got.decision.enforced, in);
    EXPECT_EQ(got.decision.allowed, !in);
    EXPECT_EQ(got.decision.outcome, in ? Outcome::deny : Outcome::shadow_deny);
    ++watched;
  }
  EXPECT_EQ(watched, kUsers);
}

TEST_F(Rollout, OfAnEndpointAndOfAllTheLesserHolds) {
  Settings settings = limited(0.5);
  settings.policy.endpoints[0].limits[1] = policy::test::limit(2);
  settings.policy.endpoints[1].enforced = 0.05;
  begin(settings);
  EXPECT_NEAR(static_cast<double>(denied_users("/browse/1").size()) / kUsers, 0.05, 0.015);
  EXPECT_NEAR(static_cast<double>(denied_users("/payment/1").size()) / kUsers, 0.5, 0.05);
}

TEST_F(Rollout, GoesByClientWhereNoUserIsNamed) {
  begin(limited(0.1));
  int denied = 0;
  for (int i = 0; i < kUsers; ++i) {
    const std::string address = "198.18." + std::to_string(i / 256) + "." + std::to_string(i % 256);
    denied += passed(3, {.address = address}) < 3 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(denied) / kUsers, 0.1, 0.02);
}

TEST_F(Rollout, EndsAtOnceByTheSwitch) {
  begin(limited(0.5));
  ASSERT_TRUE(engine->set_mode("all", Mode::shadow, std::nullopt));
  EXPECT_TRUE(denied_users().empty());
}

}  // namespace
}  // namespace tidelimit::engine::test
