#include "traffic/window_builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidelimit::traffic {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const WallTime kStart{std::chrono::sys_days{std::chrono::year{2026} / 1 / 5}};
const ClientId kGood = client_of("192.0.2.1");
const ClientId kBad = client_of("192.0.2.66");

Request request(Nanos after, const ClientId& client = kGood, std::uint16_t status = 200) {
  Request r;
  r.time = kStart + after;
  r.client = client;
  r.status = status;
  r.latency_ms = 10;
  return r;
}

/// One good request a minute for `length`, endpoint 0.
void steady(WindowBuilder& windows, Nanos from, Nanos length) {
  for (Nanos at = from; at < from + length; at += minutes{1}) {
    windows.add(request(at), 0, false, false);
  }
  windows.add(request(from + length - seconds{1}), 0, false, false);
}

TEST(WindowBuilder, CountsByWindowAndEndpoint) {
  WindowBuilder windows(minutes{15}, {"a", "b"});
  steady(windows, Nanos{0}, minutes{30});
  windows.add(request(minutes{20}, kGood, 503), 1, true, false);
  const auto grid = windows.grid();
  ASSERT_TRUE(grid.has_value());
  EXPECT_EQ(grid->start, kStart);
  ASSERT_EQ(grid->size(), 2u);
  EXPECT_EQ(grid->stats[0][0].requests, 15);
  EXPECT_EQ(grid->stats[0][1].requests, 16);
  EXPECT_EQ(grid->stats[1][0].requests, 0);
  EXPECT_EQ(grid->stats[1][1].requests, 1);
  EXPECT_EQ(grid->stats[1][1].premium, 1);
  EXPECT_EQ(grid->stats[1][1].errors, 1);
  EXPECT_EQ(grid->stats[1][1].latency_ms_sum, 10);
}

TEST(WindowBuilder, TakesOwnRefusalsAndClientsThatHungUpForNoAnswers) {
  WindowBuilder windows(minutes{15}, {"a"});
  steady(windows, Nanos{0}, minutes{15});
  windows.add(request(minutes{3}, kGood, 499), 0, false, false);
  Request refused = request(minutes{4}, kGood, 503);
  refused.own_denial = true;
  windows.add(refused, 0, false, false);
  refused.own_denial = false;
  windows.add(refused, 0, false, false);
  const auto grid = windows.grid();
  ASSERT_TRUE(grid.has_value());
  EXPECT_EQ(grid->stats[0][0].requests, 19);
  EXPECT_EQ(grid->stats[0][0].responses, 17);
  EXPECT_EQ(grid->stats[0][0].errors, 1);
}

TEST(WindowBuilder, CountsWhatLimitsMeet) {
  WindowBuilder windows(minutes{15}, {"a"});
  steady(windows, Nanos{0}, minutes{15});
  Request seen = request(minutes{3}, kGood, 400);
  seen.asked = Asked::never;
  for (const bool malicious : {false, true}) windows.add(seen, 0, false, malicious);
  seen.asked = Asked::unanswered;
  windows.add(seen, 0, false, false);
  const auto grid = windows.grid();
  ASSERT_TRUE(grid.has_value());
  EXPECT_EQ(grid->stats[0][0].requests, 17) << "a gate that is up would have decided the last";
  EXPECT_EQ(grid->stats[0][0].responses, 17);
  EXPECT_EQ(grid->stats[0][0].errors, 1);
  EXPECT_EQ(windows.malicious_requests(), 0u);
}

TEST(WindowBuilder, LeavesOutWindowsThatTheLogDoesNotFill) {
  WindowBuilder windows(minutes{15}, {"a"});
  steady(windows, minutes{5}, minutes{50});
  const auto grid = windows.grid();
  EXPECT_EQ(grid->start, kStart + minutes{15});
  EXPECT_EQ(grid->size(), 2u);
}

TEST(WindowBuilder, TakesBackTheLastHourOfWhoTurnsOutMalicious) {
  WindowBuilder windows(minutes{15}, {"a"});
  for (int i = 0; i < 50; ++i) windows.add(request(minutes{10}, kBad), 0, false, false);
  steady(windows, Nanos{0}, hours{2});
  for (int i = 0; i < 7; ++i) windows.add(request(minutes{100}, kBad), 0, false, false);
  windows.take_back(kBad);
  windows.add(request(minutes{101}, kBad), 0, false, true);
  const auto grid = windows.grid();
  EXPECT_EQ(grid->stats[0][6].requests, 15) << "all of the bad one's is gone";
  EXPECT_EQ(grid->stats[0][6].malicious, 8);
  EXPECT_EQ(grid->stats[0][6].responses, 15);
  EXPECT_EQ(grid->stats[0][0].requests, 65) << "too long ago to be taken back";
  EXPECT_EQ(windows.malicious_requests(), 8u);
}

TEST(WindowBuilder, ALongSilenceIsAGapAndAQuietNightIsNone) {
  WindowBuilder windows(minutes{15}, {"a"});
  steady(windows, Nanos{0}, hours{6});
  steady(windows, hours{8}, hours{4});   // two hours of nothing: 120 requests were to be expected
  steady(windows, hours{36}, hours{6});  // a day of nothing
  const auto grid = windows.grid();
  EXPECT_TRUE(grid->stats[0][28].observed);
  EXPECT_FALSE(grid->stats[0][60].observed);
  EXPECT_TRUE(grid->stats[0][146].observed);
}

TEST(WindowBuilder, TheSilencesOfAJobThatRunsOnceAnHourAreNone) {
  WindowBuilder windows(minutes{15}, {"a"});
  for (int hour = 0; hour < 72; ++hour) {
    if (hour >= 30 && hour < 42) continue;  // half a day without it
    for (int i = 0; i < 120; ++i) windows.add(request(hours{hour} + seconds{i}), 0, false, false);
  }
  windows.add(request(hours{72} - seconds{1}), 0, false, false);
  const auto grid = windows.grid();
  ASSERT_EQ(grid->size(), 288u);
  for (std::size_t i = 0; i < grid->size(); ++i) {
    const bool gap = i > 29 * 4 && i < 42 * 4;
    ASSERT_EQ(grid->stats[0][i].observed, !gap) << i;
  }
}

TEST(WindowBuilder, RefusesASpanThatOnlyAWrongYearExplains) {
  WindowBuilder windows(minutes{1}, {"a", "b", "c", "d"});
  Request old = request(Nanos{0});
  old.time = WallTime{hours{24}};
  windows.add(old, 0, false, false);
  windows.add(request(Nanos{0}), 0, false, false);
  EXPECT_THAT(windows.grid().error().message, testing::HasSubstr("wrong year"));
}

}  // namespace
}  // namespace tidelimit::traffic
