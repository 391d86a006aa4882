#include <gmock/gmock.h>

#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

class Windows : public GateInTime {
 protected:
  void SetUp() override {
    start();
    engine->tick(now);
  }
  /// Ends the running window and its grace.
  void close() { pass(floor_to(now.wall, minutes{15}) + minutes{15} + seconds{31} - now.wall); }
  void block(const std::string& address) {
    policy::Rule flood;
    flood.name = "flood";
    flood.when.requests = 5;
    flood.then.block = true;
    flood.then.duration = hours{1};
    Settings settings = mission();
    settings.policy.rules.push_back(flood);
    ASSERT_TRUE(engine->reconfigure(settings, now));
    passed(5, {.address = address});
    pass(seconds{2});
    ASSERT_EQ(ask({.address = address}).decision.reason, Reason::client_blocked);
  }
};

TEST_F(Windows, CountDemandAndNotWhatWasLetThrough) {
  EXPECT_EQ(passed(150), 100);
  close();
  EXPECT_EQ(newest("browse").requests, 150);
  EXPECT_EQ(newest("payment").requests, 0);
}

TEST_F(Windows, CountAPrincipalsRetriesUpToTwiceItsBaseLimit) {
  EXPECT_EQ(passed(1000), 100);
  close();
  EXPECT_EQ(newest("browse").requests, 200);
}

TEST_F(Windows, CountMaliciousClientsApart) {
  block("203.0.113.66");
  const double before = newest("browse").requests;
  EXPECT_EQ(before, 0);
  passed(40, {.address = "203.0.113.66"});
  passed(10, {.address = "198.51.100.1"});
  answer(500, {.address = "203.0.113.66"});
  close();
  EXPECT_EQ(newest("browse").requests, 15);   // five before its verdict, ten of another
  EXPECT_EQ(newest("browse").malicious, 41);  // one looked whether it is blocked
  EXPECT_EQ(newest("browse").errors, 0);
}

TEST_F(Windows, CountHitsAsRequestsAndAPeekAsNone) {
  ask({.hits = 5});
  ask({.hits = 0});
  close();
  EXPECT_EQ(newest("browse").requests, 5);
}

TEST_F(Windows, KnowThePremiumTierAndUnmatchedPaths) {
  passed(3, {.tier = "PRM"});
  passed(2, {.tier = "GOLD"});
  passed(4, {.path = "/nowhere"});
  close();
  EXPECT_EQ(newest("browse").premium, 3);
  EXPECT_EQ(newest("other").requests, 4);
  EXPECT_EQ(engine->counters().unmatched_paths, 4u);
  EXPECT_EQ(engine->counters().unmatched_tiers, 2u);
}

TEST_F(Windows, CountARequestOnceWhoeverReportsIt) {
  ask();
  answer(200);
  answer(502);
  close();
  EXPECT_EQ(newest("browse").requests, 1);
  EXPECT_EQ(newest("browse").responses, 2);
  EXPECT_EQ(newest("browse").errors, 1);
  EXPECT_NEAR(newest("browse").latency_ms_sum, 20, 1e-6);
}

TEST_F(Windows, CountWhatIsOnlyObserved) {
  for (int i = 0; i < 7; ++i) answer(200, {.tier = "PRM"}, false, ReportKind::observe_only);
  close();
  EXPECT_EQ(newest("browse").requests, 7);
  EXPECT_EQ(newest("browse").premium, 7);
  EXPECT_EQ(newest("browse").responses, 7);
}

TEST_F(Windows, TakeNoOwnDenialForAnError) {
  for (int i = 0; i < 120; ++i) {
    const bool allowed = ask().decision.allowed;
    answer(allowed ? 200 : 429, {}, !allowed);
  }
  pass(seconds{1});
  const auto view = engine->client(client("203.0.113.7"), now);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->figures.requests, 120u);
  EXPECT_EQ(view->figures.denied, 20u);
  EXPECT_EQ(view->figures.responses, 100u);
  EXPECT_EQ(view->figures.errors, 0u);
  close();
  EXPECT_EQ(newest("browse").responses, 100);
  EXPECT_EQ(newest("browse").errors, 0);
  const CountersView counters = engine->counters();
  EXPECT_EQ(counters.observed[(kBrowse * 2 + kStd) * 6 + 4], 20u);
}

TEST_F(Windows, AreNotWaitedForByAViewOfAClient) {
  for (int i = 0; i < 25; ++i) answer(200, {}, !ask().decision.allowed);
  pass(seconds{2});
  for (int i = 0; i < 95; ++i) (void)ask();
  const auto view = engine->client(client("203.0.113.7"), now);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->figures.requests, 120u) << "decisions are told at once, so they are counted";
  EXPECT_EQ(view->figures.denied, 17u);
  EXPECT_EQ(view->figures.responses, 25u);
  pass(seconds{1});
  const auto folded = engine->client(client("203.0.113.7"), now);
  EXPECT_EQ(folded->figures.requests, 120u) << "once";
  EXPECT_EQ(folded->figures.denied, 17u);
}

TEST_F(Windows, KnowNothingOfWhatTheGateWasNotAskedAbout) {
  passed(10);
  for (int i = 0; i < 10; ++i) answer(200);
  for (int i = 0; i < 90; ++i) answer(400, {}, false, ReportKind::never_asked);
  pass(seconds{2});
  const auto view = engine->client(client("203.0.113.7"), now);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->figures.requests, 10u);
  EXPECT_EQ(view->figures.errors, 90u) << "its client made them all the same";
  close();
  EXPECT_EQ(newest("browse").requests, 10);
  EXPECT_EQ(newest("browse").responses, 10);
  EXPECT_EQ(newest("browse").errors, 0);
  EXPECT_EQ(engine->counters().observed[(kBrowse * 2 + kStd) * 6 + 4], 0u);
}

TEST_F(Windows, TakeEventsForHalfAMinuteMoreAndThenCallThemLate) {
  pass(minutes{14});
  const WallTime inside = now.wall;
  const auto report = [&] {
    traffic::Request seen = request({});
    seen.time = inside;
    seen.status = 200;
    worker->observe(seen, ReportKind::observe_only, false, now);
  };
  pass(minutes{1} + seconds{29});
  report();
  EXPECT_EQ(engine->windows(WallTime{}).size(), 0u);
  pass(seconds{2});
  ASSERT_EQ(engine->windows(WallTime{}).size(), 1u);
  EXPECT_EQ(newest("browse").requests, 1);
  report();
  EXPECT_EQ(engine->counters().late, 1u);
  close();
  EXPECT_EQ(newest("browse").requests, 0);
  EXPECT_EQ(newest("browse").late, 1);
}

TEST_F(Windows, TakeAClockAheadForNow) {
  traffic::Request seen = request({});
  seen.time = now.wall + hours{3};
  seen.status = 200;
  worker->observe(seen, ReportKind::observe_only, false, now);
  close();
  EXPECT_EQ(newest("browse").requests, 1);
}

TEST_F(Windows, AreGapsWhereNobodyListened) {
  start();
  set(kMidnight + minutes{8});
  engine->tick(now);
  passed(3);
  close();
  EXPECT_FALSE(newest("browse").observed);
  close();
  EXPECT_TRUE(newest("browse").observed);
}

TEST_F(Windows, StayStraightWhenTheWallClockJumps) {
  passed(3);
  close();
  // Ahead by three hours: twelve windows that nobody listened to.
  now.wall += hours{3};
  engine->tick(now);
  const auto grid = engine->windows(WallTime{});
  EXPECT_TRUE(grid.stats[kBrowse].front().observed);
  EXPECT_FALSE(grid.stats[kBrowse].back().observed);
  passed(2);
  // And back: what was closed lies in the future; the door stays as it was.
  now.wall -= hours{3};
  engine->tick(now);
  passed(4);
  close();
  close();
  EXPECT_EQ(newest("browse").requests, 0);
  EXPECT_TRUE(newest("browse").observed);
  EXPECT_EQ(passed(1000), 100);
}

TEST_F(Windows, PassByTheCalendarInARehearsal) {
  Settings settings = mission();
  settings.calendar_pace = 120;
  start(settings);
  engine->tick(now);
  for (int second = 0; second < 16; ++second) {
    ask();
    now.mono = now.mono + seconds{1};
    now.wall += minutes{2};
    engine->tick(now);
  }
  const auto grid = engine->windows(WallTime{});
  ASSERT_EQ(grid.size(), 2u);
  EXPECT_TRUE(grid.stats[kBrowse].back().observed) << "a fast calendar is no jump";
  EXPECT_EQ(grid.stats[kBrowse].front().requests + grid.stats[kBrowse].back().requests, 15);
  // What is due in a second of real time is due in two minutes of the calendar.
  ask();
  EXPECT_GT(engine->next_due(), now.wall);
  EXPECT_LE(engine->next_due(), now.wall + minutes{2});
  // A reload does not end it.
  ASSERT_TRUE(engine->reconfigure(mission(), now));
  now.mono = now.mono + seconds{1};
  now.wall += minutes{2};
  engine->tick(now);
  for (int second = 0; second < 8; ++second) {
    now.mono = now.mono + seconds{1};
    now.wall += minutes{2};
    engine->tick(now);
  }
  EXPECT_TRUE(newest("browse").observed);
}

TEST_F(Windows, NextDueIsExact) {
  pass(seconds{1});
  // Nothing to do but to renew the plan, and then to close the window.
  EXPECT_EQ(engine->next_due(), kMidnight + minutes{15});
  set(now.wall + milliseconds{300});
  ask();
  EXPECT_EQ(engine->next_due(), kMidnight + seconds{2});
  pass(seconds{3});
  EXPECT_EQ(engine->next_due(), kMidnight + seconds{5});  // the scan of who came
  pass(seconds{3});
  EXPECT_EQ(engine->next_due(), kMidnight + minutes{15});
  pass(minutes{15});
  EXPECT_EQ(engine->next_due(), kMidnight + minutes{15} + seconds{30});
  pass(seconds{30});
  EXPECT_EQ(engine->next_due(), kMidnight + minutes{30});
}

TEST_F(Windows, SpeakOfTheRunningOneInTheStatus) {
  passed(6);
  pass(seconds{1});
  EXPECT_EQ(engine->status()->endpoints[kBrowse].open_window_requests, 6);
  close();
  engine->tick(now);
  EXPECT_EQ(engine->status()->endpoints[kBrowse].last_window_requests, 6);
}

class EndpointsThatGo : public Windows {
 protected:
  void SetUp() override {
    settings.policy.rules.clear();
    restart(settings, history);
  }
  void take_browse_away() {
    Settings without = settings;
    without.policy.endpoints.erase(without.policy.endpoints.begin() + kBrowse);
    ASSERT_TRUE(engine->reconfigure(without, now));
  }
  void bring_browse_back() { ASSERT_TRUE(engine->reconfigure(settings, now)); }

  Settings settings = mission();
  std::shared_ptr<MemoryHistory> history = std::make_shared<MemoryHistory>();
};

TEST_F(EndpointsThatGo, ComeBackToTheCountsOfTheirWindow) {
  passed(30);
  pass(minutes{1});
  take_browse_away();
  passed(3);
  pass(minutes{1});
  bring_browse_back();
  passed(5);
  close();
  EXPECT_EQ(newest("browse").requests, 35);
  EXPECT_TRUE(newest("browse").observed) << "it was away for less than a tenth";
  EXPECT_EQ(newest("other").requests, 3);
}

TEST_F(EndpointsThatGo, MissedAWindowThatTheyWereAwayFromForMoreThanATenth) {
  passed(30);
  pass(minutes{1});
  for (int twice = 0; twice < 2; ++twice) {
    take_browse_away();
    pass(seconds{50});
    bring_browse_back();
  }
  passed(5);
  close();
  EXPECT_EQ(newest("browse").requests, 35);
  EXPECT_FALSE(newest("browse").observed);
  passed(7);
  close();
  EXPECT_EQ(newest("browse").requests, 7);
  EXPECT_TRUE(newest("browse").observed);
}

TEST_F(EndpointsThatGo, HaveWhatWasCountedStored) {
  passed(30);
  take_browse_away();
  pass(seconds{6});
  const std::pair<WallTime, std::string> window{kMidnight, "browse"};
  EXPECT_EQ(history->open.at(window).requests, 30) << "where a kill comes now";
  close();
  EXPECT_EQ(history->closed.at(window).requests, 30);
  EXPECT_FALSE(history->closed.at(window).observed);
  close();
  EXPECT_FALSE(history->closed.contains({kMidnight + minutes{15}, "browse"}));
  bring_browse_back();
  close();
  EXPECT_TRUE(newest("browse").observed);
  EXPECT_EQ(engine->windows(WallTime{}).stats[kBrowse].front().requests, 30);
}

TEST_F(EndpointsThatGo, AreSaidToLackTheirPastWhereItCanNotBeRead) {
  close();
  take_browse_away();
  const auto unread = testing::Contains(testing::HasSubstr("stored windows were not read"));
  pass(seconds{1});
  EXPECT_THAT(degraded(), testing::Not(unread));
  history->unreadable = true;
  bring_browse_back();
  pass(seconds{2});
  EXPECT_THAT(degraded(), unread);
}

TEST_F(EndpointsThatGo, AreKnownByNameWhateverElseMoves) {
  passed(30);
  passed(20, {.path = "/payment/1"});
  take_browse_away();
  Settings moved = settings;
  std::swap(moved.policy.endpoints[kPayment], moved.policy.endpoints[kBrowse]);
  ASSERT_TRUE(engine->reconfigure(moved, now));
  close();
  EXPECT_EQ(newest("browse").requests, 30);
  EXPECT_EQ(newest("payment").requests, 20);
}

TEST_F(EndpointsThatGo, HaveNoWindowWhereTheyCameLate) {
  Settings without = settings;
  without.policy.endpoints.erase(without.policy.endpoints.begin() + kBrowse);
  restart(without, std::make_shared<MemoryHistory>());
  pass(minutes{5});
  bring_browse_back();
  passed(30);
  close();
  EXPECT_FALSE(newest("browse").observed) << "thirty in ten minutes are no low count";
  EXPECT_TRUE(newest("payment").observed);
}

TEST_F(Windows, AreReadUpToATimeAndOfOneEndpoint) {
  for (int i = 1; i <= 3; ++i) {
    passed(i);
    close();
  }
  const auto grid = engine->windows(kMidnight + minutes{1}, kMidnight + minutes{31}, "browse");
  EXPECT_EQ(grid.endpoints, std::vector<std::string>{"browse"});
  EXPECT_EQ(grid.start, kMidnight + minutes{15});
  ASSERT_EQ(grid.size(), 2u);
  EXPECT_EQ(grid.stats[0][0].requests, 2);
  EXPECT_EQ(engine->windows(kMidnight, kMidnight + minutes{15}).size(), 1u);
  EXPECT_EQ(engine->windows(kMidnight + hours{9}).size(), 0u);
}

}  // namespace
}  // namespace tidelimit::engine::test
