#include <gmock/gmock.h>

#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

using limiter::Action;
using testing::Contains;
using testing::HasSubstr;

/// The wall clock jumps; the monotonic one does not.
class Clocks : public GateInTime {
 protected:
  void SetUp() override { restart(mission(), history); }

  void jump(Nanos by) {
    now.wall += by;
    engine->tick(now);
    pass(seconds{2});
  }
  void block(Nanos span) {
    const OverrideRecord made{.target = "203.0.113.7",
                              .action = Action::block,
                              .limit = {},
                              .reason = "ticket 12",
                              .by = "ann",
                              .made_at = now.wall,
                              .until = now.wall + span};
    ASSERT_TRUE(engine->put_override(made, now));
  }
  void label(Nanos span) {
    const LabelRecord made{.target = "198.51.100.1",
                           .malicious = true,
                           .reason = "ticket 13",
                           .by = "ann",
                           .made_at = now.wall,
                           .until = now.wall + span};
    ASSERT_TRUE(engine->put_label(made, now));
  }
  [[nodiscard]] std::string mode_of_all() const { return limiter::to_string(engine->modes().all); }
  [[nodiscard]] std::string trouble() {
    engine->tick(now);
    std::string all;
    for (const auto& words : degraded()) all += words + "\n";
    return all;
  }
  std::shared_ptr<MemoryHistory> history = std::make_shared<MemoryHistory>();
};

TEST_F(Clocks, AJumpAheadAndBackEndsNothingThatWasSetByHand) {
  block(hours{1});
  label(hours{1});
  ASSERT_TRUE(engine->set_mode("all", Mode::shadow, now.wall + hours{1}, now));
  pass(seconds{1});
  for (const Nanos by : {Nanos{hours{2}}, Nanos{-hours{2}}}) {
    jump(by);
    EXPECT_EQ(ask({.hits = 0}).decision.reason, Reason::override_);
    ASSERT_EQ(engine->overrides().size(), 1u);
    ASSERT_EQ(engine->labels().size(), 1u);
    EXPECT_TRUE(verdict("198.51.100.1"));
    EXPECT_EQ(mode_of_all(), "shadow");
  }
  // Nor in the history.
  restart(mission(), history);
  EXPECT_EQ(engine->overrides().size(), 1u);
  EXPECT_EQ(engine->labels().size(), 1u);
  EXPECT_EQ(mode_of_all(), "shadow");
  pass(minutes{59} + seconds{55});
  EXPECT_TRUE(engine->overrides().empty());
  EXPECT_TRUE(engine->labels().empty());
  EXPECT_EQ(mode_of_all(), "enforce");
  EXPECT_TRUE(ask({.hits = 0}).decision.allowed);
}

TEST_F(Clocks, WhatIsSetForAWhileLastsThatLongWhereverTheClockIsSet) {
  for (const Nanos by : {Nanos{hours{2}}, Nanos{-hours{2}}}) {
    block(hours{1});
    label(hours{1});
    ASSERT_TRUE(engine->set_mode("all", Mode::shadow, now.wall + hours{1}, now));
    pass(seconds{1});
    jump(by);
    // Told by what the clock shows now.
    EXPECT_GT(*engine->overrides().front().until, now.wall + minutes{59});
    EXPECT_LT(*engine->labels().front().until, now.wall + hours{1});
    EXPECT_LT(*engine->part_modes()[3].by_hand->until, now.wall + hours{1});
    pass(minutes{59} + seconds{50});
    EXPECT_EQ(engine->overrides().size(), 1u);
    EXPECT_EQ(engine->labels().size(), 1u);
    EXPECT_EQ(mode_of_all(), "shadow");
    pass(seconds{10});
    EXPECT_TRUE(engine->overrides().empty());
    EXPECT_TRUE(engine->labels().empty());
    EXPECT_EQ(mode_of_all(), "enforce");
  }
}

TEST_F(Clocks, WhatIsSetForAWhileLastsThatLongWhereTheClockIsSetBeforeTheNextTurn) {
  for (const Nanos by : {Nanos{hours{2}}, Nanos{-hours{2}}}) {
    ASSERT_TRUE(engine->set_mode("all", Mode::shadow, now.wall + hours{1}, now));
    jump(by);
    EXPECT_EQ(mode_of_all(), "shadow");
    EXPECT_LE(*engine->part_modes()[3].by_hand->until, now.wall + hours{1});
    pass(minutes{59} + seconds{50});
    EXPECT_EQ(mode_of_all(), "shadow");
    pass(seconds{10});
    EXPECT_EQ(mode_of_all(), "enforce");
  }
}

TEST_F(Clocks, WhatIsSetForAWhileLastsNoLongerWhereTheClockIsBehindAtARestart) {
  block(hours{1});
  label(hours{1});
  const ModeRecord shadow{
      "all", policy::ModeFor{Mode::shadow, 1}, {}, "ann", now.wall, now.wall + hours{1}};
  ASSERT_TRUE(engine->set_mode(shadow, now));
  pass(seconds{1});
  now.wall -= hours{24 * 400};
  restart(mission(), history);
  EXPECT_EQ(engine->overrides().size(), 1u);
  EXPECT_EQ(engine->labels().size(), 1u);
  EXPECT_EQ(mode_of_all(), "shadow");
  EXPECT_EQ(*engine->overrides().front().until, now.wall + hours{1});
  pass(hours{1} + seconds{1});
  EXPECT_TRUE(engine->overrides().empty());
  EXPECT_TRUE(engine->labels().empty());
  EXPECT_EQ(mode_of_all(), "enforce");
}

TEST_F(Clocks, AJumpIsSaidForAWhile) {
  pass(minutes{1});
  EXPECT_THAT(trouble(), testing::Not(HasSubstr("wall clock")));
  jump(hours{2});
  EXPECT_THAT(trouble(), HasSubstr("the wall clock jumped ahead by 2h, to 2024-10-04T02:01:00Z"));
  jump(-hours{2});
  EXPECT_THAT(trouble(), testing::Not(HasSubstr("wall clock")));
  jump(-minutes{3});
  EXPECT_THAT(trouble(), HasSubstr("the wall clock jumped back by 3m"));
  pass(hours{2});
  EXPECT_THAT(trouble(), testing::Not(HasSubstr("wall clock")));
  jump(seconds{2});
  EXPECT_THAT(trouble(), testing::Not(HasSubstr("wall clock")));
}

TEST_F(Clocks, AFarJumpAheadIsOneGapAndLeavesNoTraceOnceItIsUndone) {
  for (int day = 0; day < 3; ++day) {
    passed(30);
    pass(hours{24});
  }
  pass(minutes{5});
  passed(20);
  pass(seconds{10});
  const auto before = engine->windows(WallTime{});
  const std::size_t stored = history->closed.size();
  jump(hours{24 * 3652});
  EXPECT_LE(history->closed.size(), stored + 3) << "nothing is stored for what was jumped over";
  EXPECT_LT(engine->windows(now.wall - hours{1}).size(), 5u);
  passed(7);
  pass(minutes{31});
  EXPECT_GT(newest("browse").late + newest("browse").requests, -1);

  jump(-hours{24 * 3652});
  // What was before is there, with the gap of that half hour, and the counts go on.
  const auto after = engine->windows(WallTime{});
  ASSERT_GE(after.size(), before.size() + 2);
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(after.stats[kBrowse][i].requests, before.stats[kBrowse][i].requests) << i;
  EXPECT_TRUE(after.stats[kBrowse][before.size() - 1].observed);
  EXPECT_FALSE(after.stats[kBrowse][before.size()].observed);
  EXPECT_EQ(after.stats[kBrowse][before.size()].requests, 20);
  EXPECT_LT(history->closed.rbegin()->first.first, now.wall) << "of a time that never was";
  EXPECT_FALSE(engine->status()->forecasts.empty());
  passed(9);
  pass(minutes{31});
  EXPECT_TRUE(newest("browse").observed);
  EXPECT_LE(engine->next_due(), now.wall + minutes{16});
}

TEST_F(Clocks, WindowsThatCanNotBeReadAfterAJumpAreSaidToBeMissingUntilTheyAre) {
  passed(30);
  pass(minutes{31});
  const auto unread = HasSubstr(
      "stored windows were not read at 2034-10-02T00:31:00Z: disk I/O "
      "error; forecasts go without them until a restart");
  history->unreadable = true;
  jump(hours{24 * 3650});
  EXPECT_THAT(trouble(), unread);
  pass(minutes{1});
  EXPECT_THAT(trouble(), unread);
  jump(-hours{24 * 3650});
  EXPECT_THAT(trouble(), HasSubstr("stored windows were not read at 2024-10-04"));
  history->unreadable = false;
  restart(mission(), history);
  EXPECT_THAT(trouble(), testing::Not(HasSubstr("stored windows")));
  EXPECT_EQ(engine->windows(WallTime{}).stats[kBrowse].front().requests, 30);
}

TEST_F(Clocks, AJumpAheadAndBackWithinAWindowLosesNoCounts) {
  pass(minutes{20});
  passed(20);
  pass(seconds{10});
  jump(hours{2});
  jump(-hours{2});
  passed(5);
  pass(minutes{11});
  EXPECT_EQ(newest("browse").requests, 25);
  EXPECT_EQ((history->closed[{kMidnight + minutes{15}, "browse"}].requests), 25);
  EXPECT_EQ(engine->windows(WallTime{}).size(), 2u);
}

TEST_F(Clocks, AJumpBackAndAheadKeepsWhatWasClosed) {
  for (const Nanos by : {Nanos{hours{3}}, Nanos{hours{24 * 3652}}}) {
    for (int hour = 0; hour < 5; ++hour) {
      passed(30);
      pass(hours{1});
    }
    const auto before = engine->windows(WallTime{});
    jump(-by);
    passed(11);
    pass(minutes{31});  // windows close a second time
    jump(by);
    const auto after = engine->windows(WallTime{});
    ASSERT_GE(after.size(), before.size() + 2);
    EXPECT_EQ(after.start, before.start);
    for (std::size_t i = 0; i < before.size(); ++i) {
      const auto& now_there = after.stats[kBrowse][i];
      EXPECT_EQ(now_there.requests, before.stats[kBrowse][i].requests) << i;
      EXPECT_EQ(now_there.observed, before.stats[kBrowse][i].observed) << i;
    }
    EXPECT_FALSE(engine->status()->forecasts.empty());
    passed(5);
    pass(minutes{31});
    EXPECT_TRUE(newest("browse").observed);
  }
}

TEST_F(Clocks, ATurnAfterALongSleepIsShort) {
  set(now.wall + hours{24 * 30});
  const std::size_t stored = history->closed.size();
  engine->tick(now);
  EXPECT_LE(history->closed.size(), stored + 64 * 3);
  EXPECT_LE(engine->next_due(), now.wall);
}

TEST_F(Clocks, InARehearsalEndsComeWhenItsCalendarSaysSo) {
  Settings settings = mission();
  settings.calendar_pace = 60;
  start(settings);
  engine->tick(now);
  block(hours{1});
  const auto second = [&] {
    now = {now.mono + seconds{1}, now.wall + minutes{1}};
    engine->tick(now);
  };
  for (int i = 0; i < 59; ++i) second();
  EXPECT_EQ(engine->overrides().size(), 1u);
  EXPECT_EQ(ask({.hits = 0}).decision.reason, Reason::override_);
  second();
  EXPECT_TRUE(engine->overrides().empty());
  EXPECT_TRUE(ask({.hits = 0}).decision.allowed);
}

}  // namespace
}  // namespace tidelimit::engine::test
