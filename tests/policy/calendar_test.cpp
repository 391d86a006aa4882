#include "policy/calendar.hpp"

#include <gtest/gtest.h>

#include "policy/mission.hpp"

namespace tidelimit::policy::test {
namespace {

using std::chrono::days;

const WallTime kFriday = *parse_time("2026-11-27T18:00:00+01:00");

Planned sale() {
  Planned planned;
  planned.from = kFriday;
  planned.length = hours{6};
  return planned;
}

Planned weekly() {
  Planned planned = sale();
  planned.every = days{7};
  planned.expires = kFriday + days{21};
  return planned;
}

TEST(Planned, OnceHoldsFromItsStartToItsEnd) {
  const Planned once = sale();
  EXPECT_FALSE(once.end_at(kFriday - Nanos{1}));
  EXPECT_EQ(once.end_at(kFriday), kFriday + hours{6});
  EXPECT_EQ(once.end_at(kFriday + hours{6} - Nanos{1}), kFriday + hours{6});
  EXPECT_FALSE(once.end_at(kFriday + hours{6}));
  EXPECT_FALSE(once.end_at(kFriday + days{7}));
  EXPECT_EQ(once.next_edge(kFriday - hours{1}), kFriday);
  EXPECT_EQ(once.next_edge(kFriday), kFriday + hours{6});
  EXPECT_FALSE(once.next_edge(kFriday + hours{6}));
}

TEST(Planned, ComesAgainUntilItExpires) {
  const Planned again = weekly();
  EXPECT_FALSE(again.end_at(kFriday - days{7}));
  EXPECT_FALSE(again.end_at(kFriday + hours{6}));
  EXPECT_EQ(again.next_edge(kFriday + hours{6}), kFriday + days{7});
  EXPECT_EQ(again.end_at(kFriday + days{14} + hours{1}), kFriday + days{14} + hours{6});
  EXPECT_FALSE(again.end_at(kFriday + days{21})) << "none starts at the expiry";
  EXPECT_FALSE(again.next_edge(kFriday + days{14} + hours{6}));
}

TEST(Planned, AStartBeforeTheExpiryRunsToItsEnd) {
  Planned again = weekly();
  again.expires = kFriday + days{7} + hours{1};
  EXPECT_EQ(again.end_at(kFriday + days{7} + hours{5}), kFriday + days{7} + hours{6});
  EXPECT_FALSE(again.end_at(kFriday + days{14}));
  again.expires = kFriday;
  EXPECT_FALSE(again.end_at(kFriday + hours{1}));
  EXPECT_FALSE(again.next_edge(kFriday - hours{1}));
}

/// The mission with one more rule, planned for two hours after the world begins.
PolicySettings with_sale(double scale) {
  PolicySettings settings = mission();
  Rule rule;
  rule.name = "sale";
  rule.when.calendar.emplace();
  rule.when.calendar->from = World(mission()).now().wall + hours{2};
  rule.when.calendar->length = hours{1};
  rule.then.endpoints = {"browse"};
  rule.then.tiers = {"STD"};
  rule.then.scale = scale;
  settings.rules.push_back(rule);
  return settings;
}

TEST(Calendar, RaisesLimitsForItsTimeAndRelaxesAfterIt) {
  World world(with_sale(1.5));
  world.run(hours{2} - seconds{1});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 100, 1e-6);
  world.run(seconds{1});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 150, 1e-6);
  EXPECT_EQ(world.at(kBrowse, kStd).principal.burst, 150u);
  EXPECT_NEAR(world.at(kBrowse, kStd).total.per_minute(), 75 * 60, 1e-3);
  EXPECT_NEAR(world.rate(kBrowse, kPrm), 300, 1e-6);
  ASSERT_EQ(world.changes.size(), 1u);
  EXPECT_EQ(world.changes[0].rule, "sale");
  EXPECT_EQ(world.changes[0].cause, "planned until " + format_time(world.now().wall + hours{1}));

  world.run(hours{1});
  world.run(seconds{149});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 125, 0.2) << "a tenth of the base a minute";
  world.run(seconds{151});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 100, 1e-6);
  EXPECT_EQ(world.changes.back().rule, "");
  EXPECT_EQ(world.changes.back().cause, "the planned time is over");
  EXPECT_LE(world.changes.size(), 7u) << "on record by tenths, not by seconds";
}

TEST(Calendar, LowersAtOnce) {
  World world(with_sale(0.5));
  world.run(hours{2});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 50, 1e-6);
}

TEST(Calendar, GivesWayToARuleThatTightens) {
  World world(with_sale(1.5));
  world.run(hours{2});
  world.cpu = 0.9;
  world.run(seconds{1});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 25, 1e-6);
}

TEST(Calendar, SleepsBetweenItsEdges) {
  World world(with_sale(1.5));
  world.step();
  EXPECT_EQ(world.planner.next_planned(), world.now().wall + hours{2});
  world.run(hours{2});
  EXPECT_EQ(world.planner.next_planned(), world.now().wall + hours{1});
  world.run(hours{1});
  EXPECT_FALSE(world.planner.next_planned());
}

TEST(Calendar, WakesWhereTheWallClockIsSetBackIntoAPlannedTime) {
  World world(with_sale(1.5));
  world.run(hours{4});
  ASSERT_NEAR(world.rate(kBrowse, kStd), 100, 1e-6);
  world.set_back = minutes{90};
  world.run(seconds{1});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 150, 1e-6);
}

TEST(Calendar, ARaiseThatIsOverDoesNotComeBackAfterAnotherRule) {
  World world(with_sale(4));
  world.run(hours{3} - seconds{10});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 400, 1e-6);
  world.cpu = 0.95;
  world.run(minutes{2});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 25, 1e-6) << "the sale is over, the host is busy";
  world.cpu = 0.1;
  double most = 0;
  for (int minute = 0; minute < 60; ++minute) {
    world.run(minutes{1});
    most = std::max(most, world.rate(kBrowse, kStd));
  }
  EXPECT_NEAR(most, 100, 1e-6);
}

}  // namespace
}  // namespace tidelimit::policy::test
