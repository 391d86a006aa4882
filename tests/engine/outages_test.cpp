#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

/// Windows through the times when no gate runs.
class Outages : public GateInTime {
 protected:
  void SetUp() override { restart(mission(), history); }

  std::shared_ptr<MemoryHistory> history = std::make_shared<MemoryHistory>();
};

TEST_F(Outages, ClosedWindowsAndTheOpenOneSurviveAKill) {
  passed(30);
  pass(minutes{16});
  passed(20);
  pass(minutes{4});
  EXPECT_EQ(newest("browse").requests, 30);
  // A kill: nothing is said goodbye to.
  restart(mission(), history);
  EXPECT_EQ(newest("browse").requests, 30);
  EXPECT_EQ(engine->status()->endpoints[kBrowse].open_window_requests, 20);
  passed(5);
  pass(minutes{11});
  EXPECT_EQ(newest("browse").requests, 25);
  EXPECT_TRUE(newest("browse").observed);
}

TEST_F(Outages, AWindowInGraceGoesOnAfterAKill) {
  passed(30);
  pass(minutes{15} + seconds{10});
  restart(mission(), history);
  EXPECT_EQ(engine->windows(WallTime{}).size(), 0u);
  pass(seconds{21});
  ASSERT_EQ(engine->windows(WallTime{}).size(), 1u);
  EXPECT_EQ(newest("browse").requests, 30);
  EXPECT_TRUE(newest("browse").observed);
}

TEST_F(Outages, AWindowThatBeganInTheGraceOfTheOneBeforeGoesOnAfterAKill) {
  passed(30);
  pass(minutes{15} + seconds{1});
  passed(20);
  pass(seconds{9});
  restart(mission(), history);
  EXPECT_EQ(engine->status()->endpoints[kBrowse].open_window_requests, 20);
  passed(5);
  pass(seconds{21});
  EXPECT_EQ(newest("browse").requests, 30);
  pass(minutes{15});
  EXPECT_EQ(newest("browse").requests, 25);
  EXPECT_TRUE(newest("browse").observed);
}

TEST_F(Outages, AWindowThatEndedWhileNobodyListenedIsClosedAsItWas) {
  passed(30);
  pass(minutes{15} + seconds{20});
  engine->save(now);
  set(now.wall + seconds{60});
  restart(mission(), history);
  ASSERT_EQ(engine->windows(WallTime{}).size(), 1u);
  EXPECT_EQ(newest("browse").requests, 30);
  EXPECT_TRUE(newest("browse").observed);
  EXPECT_TRUE(history->closed.at({kMidnight, "browse"}).observed);
}

TEST_F(Outages, AWindowThatNobodyListenedToStaysAGapAfterARestartInItsGrace) {
  set(kMidnight + minutes{8});
  const auto late = std::make_shared<MemoryHistory>();
  restart(mission(), late);
  passed(30);
  pass(minutes{7} + seconds{10});
  engine->save(now);
  restart(mission(), late);
  pass(seconds{21});
  ASSERT_EQ(engine->windows(WallTime{}).size(), 1u);
  EXPECT_EQ(newest("browse").requests, 30);
  EXPECT_FALSE(newest("browse").observed);
}

TEST_F(Outages, AnEndpointThatWasAwayStaysSoAfterARestart) {
  Settings without = mission();
  without.policy.rules.clear();
  const Settings with = without;
  without.policy.endpoints.erase(without.policy.endpoints.begin() + kBrowse);
  restart(with, history);
  passed(30);
  ASSERT_TRUE(engine->reconfigure(without, now));
  pass(minutes{2});
  engine->save(now);
  restart(with, history);
  pass(minutes{14});
  EXPECT_EQ(newest("browse").requests, 30);
  EXPECT_FALSE(newest("browse").observed);
  EXPECT_TRUE(newest("payment").observed);
}

TEST_F(Outages, TheTimeOfAnOutageIsAGap) {
  passed(30);
  pass(minutes{16});
  set(now.wall + hours{2});
  restart(mission(), history);
  const auto grid = engine->windows(WallTime{});
  EXPECT_EQ(grid.start, kMidnight);
  EXPECT_EQ(grid.size(), 9u);
  EXPECT_TRUE(grid.stats[kBrowse].front().observed);
  EXPECT_FALSE(grid.stats[kBrowse].back().observed);
}

class ShortOutages : public Outages {
 protected:
  void stop_and_start_after(Nanos outage) {
    engine->save(now);
    set(now.wall + outage);
    restart(mission(), history);
  }
  void end_window() {
    pass(floor_to(now.wall, minutes{15}) + minutes{15} + seconds{31} - now.wall);
  }
};

TEST_F(ShortOutages, AreForgivenUpToATenthOfTheWindow) {
  for (int twice = 0; twice < 2; ++twice) {
    passed(10);
    pass(minutes{1});
    stop_and_start_after(seconds{40});
  }
  end_window();
  EXPECT_EQ(newest("browse").requests, 20);
  EXPECT_TRUE(newest("browse").observed);
}

TEST_F(ShortOutages, AddUpWithinAWindow) {
  for (int thrice = 0; thrice < 3; ++thrice) {
    passed(10);
    pass(minutes{1});
    stop_and_start_after(seconds{40});
  }
  end_window();
  EXPECT_EQ(newest("browse").requests, 30);
  EXPECT_FALSE(newest("browse").observed);
  end_window();
  EXPECT_TRUE(newest("browse").observed) << "they are the last window's";
}

TEST_F(ShortOutages, AreEachInTheirWindow) {
  for (int twice = 0; twice < 2; ++twice) {
    pass(floor_to(now.wall, minutes{15}) + minutes{15} - seconds{60} - now.wall);
    stop_and_start_after(seconds{120});
    passed(7);
  }
  end_window();
  const auto browse = engine->windows(WallTime{}).stats[kBrowse];
  ASSERT_EQ(browse.size(), 3u);
  EXPECT_TRUE(browse[0].observed) << "a minute of it is forgiven";
  EXPECT_FALSE(browse[1].observed) << "a minute at both ends is not";
  EXPECT_TRUE(browse[2].observed);
}

TEST_F(ShortOutages, BeginWithAKillWhereNothingWasGoingOn) {
  passed(10);
  pass(minutes{10});
  restart(mission(), history);  // no goodbye, and no request for long
  end_window();
  EXPECT_EQ(newest("browse").requests, 10);
  EXPECT_TRUE(newest("browse").observed);
}

}  // namespace
}  // namespace tidelimit::engine::test
