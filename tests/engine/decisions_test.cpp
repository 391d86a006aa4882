#include <algorithm>
#include <gmock/gmock.h>

#include "base/hash.hpp"
#include "engine/gate_in_time.hpp"
#include "engine/user_name.hpp"

namespace tidelimit::engine::test {
namespace {

/// Decisions as they are kept for `why`.
class Decisions : public GateInTime {
 protected:
  void SetUp() override { restart(mission(), history); }

  [[nodiscard]] std::vector<DecisionRecord> kept(const std::string& user,
                                                 const std::string& address = {}) {
    pass(seconds{1});
    return *history->decisions({.id = {}, .user = user, .client = address});
  }
  std::shared_ptr<MemoryHistory> history = std::make_shared<MemoryHistory>();
};

// mix can be undone, so that an id of its making would tell the seed.
TEST_F(Decisions, IdsAreNotMadeByWhatCanBeUndone) {
  const std::uint64_t id = ask({.user = "ana"}).decision_id;
  ASSERT_NE(id, 0u);
  for (std::uint64_t n = 0; n < 100; ++n) EXPECT_NE(id, mix(n, 42)) << n;
}

TEST_F(Decisions, IdsOfOneSeedRepeat) {
  const std::uint64_t id = ask({.user = "ana"}).decision_id;
  restart(mission(), history);
  EXPECT_EQ(ask({.user = "ana"}).decision_id, id);
}

TEST_F(Decisions, AFloodOfOneClientLeavesRoomForTheDenialsOfOthers) {
  passed(100);
  passed(100, {.address = "198.51.100.9"});
  for (int i = 0; i < 20'000; ++i) ask();
  for (int i = 0; i < 20; ++i) ask({.address = "198.51.100.9"});
  const auto denied = [](const std::vector<DecisionRecord>& records) {
    return std::count_if(records.begin(), records.end(), [](const auto& r) { return !r.allowed; });
  };
  EXPECT_EQ(denied(kept({}, "198.51.100.9")), 20);
  EXPECT_EQ(engine->counters().decision_records_dropped, 0u);
  const auto flood = kept({}, "203.0.113.7");
  EXPECT_LE(flood.size(), 70u);
  std::uint64_t told = 0;
  for (const auto& record : flood) told += record.allowed ? 0 : 1 + record.repeats;
  EXPECT_EQ(told, 20'000u);
}

TEST_F(Decisions, ACountedDenialIsFoundByTheIdOfItsAnswer) {
  passed(100);
  for (int i = 0; i < 200; ++i) ask();
  const std::string id = format_decision_id(ask().decision_id);
  pass(seconds{1});
  const auto found = *history->decisions({.id = id, .user = {}, .client = {}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_GT(found[0].repeats, 100u);
}

TEST_F(Decisions, OfOneSecondAreNotCountedByThoseOfAnother) {
  passed(100);
  for (int i = 0; i < 200; ++i) ask();
  const std::uint64_t before = ask().decision_id;
  set(now.wall + seconds{1});
  EXPECT_NE(ask().decision_id, before);
}

TEST_F(Decisions, OfMoreClientsThanThereIsRoomForTheRestIsDroppedCountedAndTold) {
  const auto told = [&] {
    engine->tick(now);
    const auto& all = engine->status()->degraded;
    return std::any_of(all.begin(), all.end(), [](const auto& one) {
      return one.what.starts_with("decisions come too fast to be kept");
    });
  };
  EXPECT_FALSE(told());
  const std::string block = "by hand";
  ASSERT_TRUE(engine->put_override({.target = "10.0.0.0/8",
                                    .action = limiter::Action::block,
                                    .limit = {},
                                    .reason = block,
                                    .by = "ann",
                                    .made_at = now.wall,
                                    .until = {}},
                                   now));
  for (int i = 0; i < 6000; ++i)
    ask({.address = "10.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250)});
  const auto dropped = engine->counters().decision_records_dropped;
  EXPECT_GT(dropped, 1500u);
  EXPECT_EQ(engine->counters().last_record_dropped, now.wall);
  pass(seconds{1});
  EXPECT_TRUE(told());
  EXPECT_EQ(history->decisions({.id = {}, .user = {}, .client = {}, .most = 10'000})->size(),
            6000u - dropped);
  pass(minutes{2});
  EXPECT_FALSE(told());
}

TEST_F(Decisions, SayWhetherAVerdictExcusesWhatShadowModeWouldDeny) {
  const Asked odd{.agent = "PostmanRuntime/7.36"};
  const auto begin = [&](const Settings& settings) {
    history = std::make_shared<MemoryHistory>();
    restart(settings, history);
  };
  const auto would_deny = [&](const Settings& settings) {
    begin(settings);
    for (int i = 0; i < 25; ++i) {
      ask(odd);
      answer(500, odd);
    }
    pass(seconds{1});
    EXPECT_EQ(passed(30, odd), 30);
    const auto records = kept({}, odd.address);
    EXPECT_EQ(records.front().outcome, "shadow_deny");
    EXPECT_EQ(records.front().reason, "client_limited");
    return records.front().verdict;
  };
  Settings settings = mission();
  settings.policy.rules = {odd_tool()};
  Settings watched = settings;
  watched.policy.rules[0].mode.mode = Mode::shadow;
  EXPECT_EQ(would_deny(watched), "suspicious (watched)");
  Settings gate = settings;
  gate.policy.mode.mode = Mode::shadow;
  EXPECT_EQ(would_deny(gate), "suspicious") << "which the gate would enforce";
  Settings endpoint = settings;
  endpoint.policy.endpoints[1].mode.mode = Mode::shadow;
  EXPECT_EQ(would_deny(endpoint), "suspicious") << "which everywhere else is enforced";

  gate.policy.rules.clear();
  begin(gate);
  ASSERT_TRUE(engine->put_label({odd.address, true, "seen", "ann", now.wall, {}}, now));
  EXPECT_EQ(passed(101, odd), 101);
  EXPECT_EQ(kept({}, odd.address).front().verdict, "malicious (label)");
}

TEST_F(Decisions, LongPathsAreCut) {
  ask({.path = "/browse/" + std::string(500, 'x'), .user = "ana"});
  ASSERT_EQ(kept("ana").size(), 1u);
  EXPECT_EQ(kept("ana")[0].path.size(), 128u);
}

TEST_F(Decisions, UsersWithALongBeginningInCommonAreToldApart) {
  const std::string subject = "CN=alice,OU=" + std::string(60, 'x') + ",O=Example";
  ASSERT_TRUE(engine->put_override({.target = "user/" + subject + "A",
                                    .action = limiter::Action::block,
                                    .limit = {},
                                    .reason = "ticket 7",
                                    .by = "ann",
                                    .made_at = now.wall,
                                    .until = {}},
                                   now));
  EXPECT_FALSE(ask({.user = subject + "A"}).decision.allowed);
  EXPECT_TRUE(ask({.user = subject + "B"}).decision.allowed);
  const SipKey key = history->user_name_key();
  const auto a = kept(user_asked_for(subject + "A", key));
  ASSERT_EQ(a.size(), 1u);
  EXPECT_THAT(a[0].explanation, testing::HasSubstr("ann: ticket 7"));
  EXPECT_THAT(a[0].user, testing::StartsWith(subject.substr(0, 64) + "…"));
  EXPECT_EQ(kept(user_asked_for(a[0].user, key)).size(), 1u) << "by the name as it was told";
  EXPECT_NE(user_name(subject + "A", key), user_name(subject + "B", key));
  EXPECT_EQ(user_name(subject.substr(0, 64), key), subject.substr(0, 64));
  EXPECT_NE(user_name(subject, {1, 2}), user_name(subject, {1, 3}));
}

TEST(UserName, EndsWithAWholeCharacter) {
  const std::string name = user_name(std::string(63, 'x') + "ü and more", {});
  EXPECT_TRUE(name.starts_with(std::string(63, 'x') + "…")) << name;
}

}  // namespace
}  // namespace tidelimit::engine::test
