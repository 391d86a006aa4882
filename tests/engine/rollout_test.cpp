// `enforce` for a share of the principals: who is in it, and what the others see.
#include <gmock/gmock.h>
#include <set>

#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

using testing::HasSubstr;

constexpr int kUsers = 2000;

class Rollout : public GateInTime {
 protected:
  /// Two requests a minute, so that every third request is over.
  static Settings limited(double share) {
    Settings settings = mission();
    settings.policy.rules.clear();
    settings.policy.mode.share = share;
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
  settings.policy.endpoints[1].mode.share = 0.05;
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

/// The mission's rule on CPU for a share of the principals: it scales browse to 0.25 for STD.
class RuleRollout : public GateInTime {
 protected:
  void begin(double share) {
    Settings settings = mission();
    settings.policy.endpoints[1].limits[1] = policy::test::limit(8);
    for (policy::Rule& rule : settings.policy.rules)
      if (rule.when.on_signal()) rule.mode.share = share;
    history = std::make_shared<MemoryHistory>();
    start(std::move(settings), history);
    busy();
  }
  void busy() {
    pass(seconds{1});
    engine->signal({.name = "cpu", .value = 0.95, .measured_at = now.mono});
    engine->tick(now);
  }
  /// Of the users, how many are let in less often than the base limit lets them.
  int held_back() {
    int count = 0;
    for (int i = 0; i < kUsers; ++i) {
      const int let_in = passed(8, {.user = "u" + std::to_string(i)});
      EXPECT_TRUE(let_in == 8 || let_in == 2) << let_in;
      count += let_in == 2 ? 1 : 0;
    }
    return count;
  }
  std::shared_ptr<MemoryHistory> history;
};

TEST_F(RuleRollout, LeavesTheOthersTheLimitWithoutTheRule) {
  begin(0.1);
  EXPECT_NEAR(held_back() / static_cast<double>(kUsers), 0.1, 0.02);
  const auto plan = engine->plan();
  ASSERT_EQ(plan->stages.size(), 1u);
  const auto& cell = plan->cell(limiter::EndpointId{kBrowse}, limiter::TierId{kStd});
  const auto& staged = plan->stages[0].cells[kBrowse * plan->tiers + kStd];
  EXPECT_EQ(cell.in(limiter::View::effective).principal.per_minute(), 8);
  EXPECT_EQ(staged.in(limiter::View::effective).principal.per_minute(), 2);
  EXPECT_EQ(staged.in(limiter::View::base).principal.per_minute(), 8);
  EXPECT_THAT(engine->status()->limit_causes[plan->cells.size() + kBrowse * plan->tiers + kStd],
              HasSubstr("cpu is at"));
}

TEST_F(RuleRollout, SaysWhomItWouldHaveDenied) {
  begin(0.1);
  held_back();
  engine->tick(now);
  std::set<std::string> denied, watched;
  const auto kept_decisions = history->decisions({}).value();
  for (const DecisionRecord& record : kept_decisions) {
    if (record.rule.empty() || record.outcome == "allow") continue;
    (record.outcome == "deny" ? denied : watched).insert(record.user);
    if (record.outcome == "deny") continue;
    EXPECT_THAT(record.explanation,
                HasSubstr("is enforced for 10 % of the principals, and not for this one"));
    EXPECT_EQ(record.limit_per_minute, 2);
  }
  EXPECT_GT(denied.size(), 0u);
  EXPECT_GT(watched.size(), 5 * denied.size());
  for (const std::string& user : denied) EXPECT_FALSE(watched.contains(user)) << user;
  EXPECT_THAT(engine->status()->recent_changes.back().cause,
              HasSubstr("; enforced for 10 % of the principals"));
}

TEST_F(RuleRollout, GrowsAndEndsByHand) {
  begin(0.1);
  std::string rule;
  for (const auto& state : engine->status()->rules)
    if (state.mode.share < 1) rule = state.rule;
  const auto set = [&](policy::ModeFor mode, std::optional<WallTime> until = {}) {
    ASSERT_TRUE(engine->set_mode({"rule/" + rule, mode, "a try", "ann", now.wall, until}, now));
    busy();
  };
  set({Mode::enforce, 0.4});
  EXPECT_NEAR(held_back() / static_cast<double>(kUsers), 0.4, 0.03);
  pass(minutes{2});
  set({Mode::shadow}, now.wall + minutes{1});
  EXPECT_EQ(held_back(), 0);
  pass(minutes{2});
  busy();
  EXPECT_NEAR(held_back() / static_cast<double>(kUsers), 0.1, 0.02) << "as configured again";
}

TEST_F(RuleRollout, EndsAtOnceByTheSwitch) {
  begin(0.5);
  ASSERT_TRUE(engine->set_mode("rules", Mode::shadow, std::nullopt, now));
  EXPECT_EQ(held_back(), 0);
}

TEST_F(Rollout, EndsAtOnceByTheSwitch) {
  begin(limited(0.5));
  ASSERT_TRUE(engine->set_mode("all", Mode::shadow, std::nullopt, now));
  EXPECT_TRUE(denied_users().empty());
}

}  // namespace
}  // namespace tidelimit::engine::test
