#include <functional>
#include <gmock/gmock.h>
#include <thread>

#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

using limiter::Action;
using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;

class States : public GateInTime {
 protected:
  void SetUp() override { restart(mission(), history); }

  [[nodiscard]] Settings with_flood_rule() const {
    Settings settings = mission();
    policy::Rule flood;
    flood.name = "flood";
    flood.when.requests = 50;
    flood.then.block = true;
    flood.then.duration = minutes{30};
    settings.policy.rules.push_back(flood);
    return settings;
  }
  [[nodiscard]] std::vector<DecisionRecord> decisions(const DecisionQuery& query) {
    return *history->decisions(query);
  }
  std::shared_ptr<MemoryHistory> history = std::make_shared<MemoryHistory>();
};

TEST_F(States, VerdictsSurviveARestartAndEndWhenTheyWouldHave) {
  restart(with_flood_rule(), history);
  passed(60);
  pass(seconds{2});
  ASSERT_EQ(ask().decision.reason, Reason::client_blocked);
  restart(with_flood_rule(), history);
  EXPECT_EQ(ask({.hits = 0}).decision.reason, Reason::client_blocked);
  pass(minutes{31});
  EXPECT_TRUE(ask({.hits = 0}).decision.allowed);
}

TEST_F(States, AForgottenVerdictStaysForgotten) {
  restart(with_flood_rule(), history);
  passed(60);
  pass(seconds{2});
  engine->forget_verdict(client("203.0.113.7"), now);
  restart(with_flood_rule(), history);
  EXPECT_TRUE(ask({.hits = 0}).decision.allowed);
}

TEST_F(States, OverridesActAtOnceSurviveAndEnd) {
  OverrideRecord block{.target = "203.0.113.0/24",
                       .action = Action::block,
                       .limit = {},
                       .reason = "ticket 12",
                       .by = "ann",
                       .made_at = now.wall,
                       .until = now.wall + hours{1}};
  ASSERT_TRUE(engine->put_override(block, now));
  EXPECT_EQ(ask().decision.reason, Reason::override_);
  OverrideRecord limit = block;
  limit.target = "user/u1";
  limit.action = Action::limit;
  EXPECT_FALSE(engine->put_override(limit, now));
  limit.limit = per_minute(3);
  limit.until.reset();
  ASSERT_TRUE(engine->put_override(limit, now));
  EXPECT_EQ(passed(10, {.address = "198.51.100.1", .user = "u1"}), 3);

  restart(mission(), history);
  EXPECT_EQ(ask().decision.reason, Reason::override_);
  EXPECT_EQ(engine->overrides().size(), 2u);
  pass(minutes{61});
  EXPECT_TRUE(ask().decision.allowed);
  EXPECT_EQ(engine->overrides().size(), 1u);
  ASSERT_TRUE(engine->delete_override("user/u1", "ann", now));
  EXPECT_EQ(engine->delete_override("user/u1", "ann", now).error().code, Code::not_found);
  EXPECT_EQ(passed(10, {.address = "198.51.100.1", .user = "u1"}), 10);
  EXPECT_TRUE(history->overrides()->size() <= 1u);
}

OverrideRecord block_of(const std::string& target, WallTime made_at) {
  return {.target = target,
          .action = Action::block,
          .limit = {},
          .reason = {},
          .by = "ann",
          .made_at = made_at,
          .until = {}};
}

TEST_F(States, AnOverrideOfAnIpv6AddressIsOneOfItsClient) {
  ASSERT_TRUE(engine->put_override(block_of("2001:db8::b", now.wall), now));
  EXPECT_EQ(ask({.address = "2001:db8::a"}).decision.reason, Reason::override_);
  ASSERT_EQ(engine->overrides().size(), 1u);
  EXPECT_EQ(engine->overrides()[0].target, "2001:db8::/64");
  const auto within = engine->put_override(block_of("2001:db8::/96", now.wall), now);
  ASSERT_FALSE(within);
  EXPECT_NE(within.error().message.find("write 2001:db8::/64"), std::string::npos);
  EXPECT_TRUE(engine->put_override(block_of("::1", now.wall), now));
  EXPECT_EQ(ask({.address = "::1"}).decision.reason, Reason::override_);
  EXPECT_TRUE(ask({.address = "203.0.113.9"}).decision.allowed) << "IPv4 lies within ::/64, too";
  ASSERT_TRUE(engine->delete_override("2001:db8::c", "ann", now));
  EXPECT_TRUE(ask({.address = "2001:db8::a"}).decision.allowed);
}

TEST_F(States, AnOverrideOfATranslatedAddressIsOneOfTheIpv4AddressBehindIt) {
  ASSERT_TRUE(engine->put_override(block_of("64:ff9b::203.0.113.9", now.wall), now));
  ASSERT_EQ(engine->overrides().size(), 1u);
  EXPECT_EQ(engine->overrides()[0].target, "203.0.113.9");
  for (const char* address : {"64:ff9b::203.0.113.9", "203.0.113.9"})
    EXPECT_EQ(ask({.address = address}).decision.reason, Reason::override_);
  EXPECT_TRUE(ask({.address = "::1"}).decision.allowed);
  ASSERT_TRUE(engine->put_override(block_of("64:ff9b::198.51.100.0/120", now.wall), now));
  EXPECT_EQ(engine->overrides()[1].target, "198.51.100.0/24");
  ASSERT_TRUE(engine->delete_override("64:ff9b::203.0.113.9", "ann", now));
  EXPECT_TRUE(ask({.address = "203.0.113.9"}).decision.allowed);
}

TEST_F(States, AnOverrideThatWasKeptUnderAnIpv6AddressIsFoundUnderItsClient) {
  ASSERT_TRUE(history->put_override(block_of("2001:db8::b", now.wall)));
  restart(mission(), history);
  EXPECT_EQ(ask({.address = "2001:db8::a"}).decision.reason, Reason::override_);
  ASSERT_EQ(history->overrides()->size(), 1u);
  EXPECT_EQ(history->overrides()->front().target, "2001:db8::/64");
  ASSERT_TRUE(engine->delete_override("2001:db8::/64", "ann", now));
  restart(mission(), history);
  EXPECT_TRUE(ask({.address = "2001:db8::a"}).decision.allowed);
}

TEST_F(States, AnOverrideThatCouldNotBeWrittenAnewIsInForceAndSaid) {
  ASSERT_TRUE(history->put_override(block_of("2001:db8::b", now.wall)));
  history->full = true;
  start(mission(), history);
  const auto restored = engine->restore(now);
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().message, "stored overrides: the disk is full: make room");
  engine->tick(now);
  EXPECT_EQ(ask({.address = "2001:db8::a"}).decision.reason, Reason::override_);
}

TEST_F(States, AnOverrideThatCouldNotBeStoredIsNotInForce) {
  history->full = true;
  OverrideRecord block{.target = "203.0.113.7",
                       .action = Action::block,
                       .limit = {},
                       .reason = {},
                       .by = "ann",
                       .made_at = now.wall,
                       .until = {}};
  EXPECT_FALSE(engine->put_override(block, now));
  EXPECT_TRUE(ask().decision.allowed);
  EXPECT_TRUE(engine->overrides().empty());
}

TEST_F(States, AFullDiskStopsNothingAndIsNamed) {
  passed(30);
  history->full = true;
  pass(minutes{16});
  EXPECT_EQ(passed(150), 100);
  EXPECT_EQ(newest("browse").requests, 30);
  pass(seconds{1});
  EXPECT_THAT(degraded(), Contains(HasSubstr("the disk is full")));
  EXPECT_THAT(degraded(), Contains(AllOf(HasSubstr("; 1 decision waits to be written"),
                                         HasSubstr("1 window waits to be written"))));
  const auto kept = [&] { return history->decisions({})->size(); };
  const std::size_t before = kept();
  ASSERT_TRUE(engine->set_mode("all", Mode::off, std::nullopt, now));
  EXPECT_EQ(passed(150), 150);
  // With room again, what waited is written.
  history->full = false;
  pass(seconds{10});
  ask();
  pass(seconds{10});
  EXPECT_EQ((history->closed[{kMidnight, "browse"}].requests), 30);
  EXPECT_GE(kept(), before + 50);
  for (const auto& word : degraded()) EXPECT_THAT(word, Not(HasSubstr("history")));
}

TEST_F(States, EveryDenialIsFoundByItsId) {
  std::vector<std::string> ids;
  for (int i = 0; i < 130; ++i) {
    const Answer answer = ask({.user = "u1", .agent = "curl/8"});
    if (!answer.decision.allowed) {
      ASSERT_NE(answer.decision_id, 0u);
      ids.push_back(format_decision_id(answer.decision_id));
    }
  }
  ASSERT_EQ(ids.size(), 30u);
  pass(seconds{1});
  for (const auto& id : ids) {
    const auto found = decisions({.id = id, .user = {}, .client = {}});
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].outcome, "deny");
    EXPECT_EQ(found[0].reason, "over_limit");
    EXPECT_EQ(found[0].endpoint, "browse");
    EXPECT_EQ(found[0].tier, "STD");
    EXPECT_EQ(found[0].client, "203.0.113.7");
    EXPECT_EQ(found[0].user, "u1");
    EXPECT_EQ(found[0].path, "/browse/1");
    EXPECT_EQ(found[0].limit_per_minute, 100);
    EXPECT_EQ(found[0].base_per_minute, 100);
    EXPECT_GT(found[0].retry_after_ms, 0);
  }
  // Passes are a sample: one of this moment.
  EXPECT_EQ(decisions({.id = {}, .user = "u1", .client = {}}).size(), 31u);
}

TEST_F(States, ADecisionIsExplainedByWhatLedToIt) {
  restart(with_flood_rule(), history);
  passed(60);
  pass(seconds{2});
  ask();
  OverrideRecord block{.target = "198.51.100.1",
                       .action = Action::block,
                       .limit = {},
                       .reason = "ticket 12",
                       .by = "ann",
                       .made_at = now.wall,
                       .until = {}};
  ASSERT_TRUE(engine->put_override(block, now));
  ask({.address = "198.51.100.1"});
  engine->signal({.name = "cpu", .value = 0.95, .measured_at = now.mono});
  engine->tick(now);
  passed(40, {.address = "198.51.100.2"});
  set(now.wall + milliseconds{700});
  ask({.address = "198.51.100.2"});
  pass(seconds{1});
  const auto why = [&](const std::string& address) {
    return decisions({.id = {}, .user = {}, .client = address}).front();
  };
  EXPECT_THAT(why("203.0.113.7").explanation, HasSubstr("requests in five minutes"));
  EXPECT_EQ(why("203.0.113.7").rule, "flood");
  EXPECT_EQ(why("203.0.113.7").verdict, "malicious");
  EXPECT_THAT(why("198.51.100.1").explanation, HasSubstr("ann: ticket 12"));
  EXPECT_THAT(why("198.51.100.2").explanation, HasSubstr("cpu is at 95 %"));
  EXPECT_EQ(why("198.51.100.2").reason, "reduced_capacity");
  EXPECT_EQ(why("198.51.100.2").limit_per_minute, 25);
  EXPECT_EQ(why("198.51.100.2").base_per_minute, 100);
}

TEST_F(States, WithoutAHistoryNothingIsKeptAndNothingFails) {
  start();
  engine->tick(now);
  passed(100);
  EXPECT_EQ(ask().decision_id, 0u);
  pass(minutes{16});
  EXPECT_EQ(newest("browse").requests, 101);
  EXPECT_EQ(engine->history(), nullptr);
}

TEST_F(States, WhoeverEndsSavesWhatWouldHaveWaited) {
  passed(1);
  pass(seconds{1});  // saved, and the next time is seconds away
  passed(20);
  pass(seconds{1});
  engine->save(now);
  EXPECT_EQ((history->open[{kMidnight, "browse"}].requests), 21);
}

TEST_F(States, WhoeverReadsTheHistoryNextHasAllOfItWritten) {
  history->full = true;
  EXPECT_EQ(passed(103), 100);
  const auto waiting = engine->try_save(now);
  ASSERT_TRUE(waiting);
  EXPECT_GE(*waiting, 3u) << "denials that found no room";
  history->full = false;
  EXPECT_EQ(engine->try_save(now), 0u);
  EXPECT_EQ(decisions({}).size(), *waiting);
  EXPECT_EQ((history->open[{kMidnight, "browse"}].requests), 103);
}

/// Asks something else of the engine while windows are read.
/// One that someone wrote over.
class WrittenOver final : public MemoryHistory {
 public:
  bool overwritten() const override { return !begun; }
  Result<void> look_after() override {
    return begun ? Result<void>{} : fail(Code::resource_exhausted, "written over");
  }
  Result<void> begin_anew(const InForce& known) override {
    begun = known;
    return {};
  }
  std::optional<InForce> begun = InForce{};
};

TEST_F(States, AHistoryThatWasWrittenOverIsBegunAnewWithAllThatIsInForce) {
  const auto spoilt = std::make_shared<WrittenOver>();
  restart(with_flood_rule(), spoilt);
  const OverrideRecord block{.target = "192.0.2.0/24",
                             .action = Action::block,
                             .limit = {},
                             .reason = {},
                             .by = {},
                             .made_at = now.wall,
                             .until = {}};
  ASSERT_TRUE(engine->put_override(block, now));
  ASSERT_TRUE(engine->put_label({.target = "198.51.100.7",
                                 .malicious = true,
                                 .reason = {},
                                 .by = {},
                                 .made_at = now.wall,
                                 .until = {}},
                                now));
  ASSERT_TRUE(engine->set_mode("rules", limiter::Mode::shadow, std::nullopt, now));
  ASSERT_TRUE(engine->set_mode("rules", limiter::Mode::enforce, std::nullopt, now));
  passed(60);
  pass(minutes{20});
  spoilt->begun.reset();
  engine->tick(now);
  ASSERT_TRUE(spoilt->begun);
  EXPECT_EQ(spoilt->begun->overrides.size(), 1U);
  EXPECT_EQ(spoilt->begun->labels.size(), 1U);
  EXPECT_EQ(spoilt->begun->modes.size(), 1U);
  EXPECT_FALSE(spoilt->begun->verdicts.empty());
  EXPECT_GT(spoilt->begun->closed.size(), 0U);
}

class ReadWindows final : public MemoryHistory {
 public:
  Result<traffic::WindowGrid> windows(WallTime from, Nanos step,
                                      const std::vector<std::string>& endpoints,
                                      WallTime until) override {
    if (meanwhile) meanwhile();
    return MemoryHistory::windows(from, step, endpoints, until);
  }
  std::function<void()> meanwhile;
};

TEST_F(States, NothingWaitsWhileWindowsAreRead) {
  const auto slow = std::make_shared<ReadWindows>();
  restart(mission(), slow);
  int stored = 0;
  slow->meanwhile = [&] {
    std::thread change([&] {
      const OverrideRecord made{"203.0.113.9", Action::block, {}, "r", "ann", now.wall, {}};
      if (engine->put_override(made, now)) ++stored;
    });
    change.join();
  };
  (void)engine->windows(now.wall - hours{24 * 400});
  EXPECT_EQ(stored, 1);
}

}  // namespace
}  // namespace tidelimit::engine::test
