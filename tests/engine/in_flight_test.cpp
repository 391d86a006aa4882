// Limits on requests in flight, through the engine and in replay.
#include <gmock/gmock.h>

#include "engine/gate_in_time.hpp"
#include "engine/replay/replay.hpp"

namespace tidelimit::engine::test {
namespace {

using testing::Contains;
using testing::HasSubstr;

/// The mission's, with no rates: two of STD in flight at payment, for a minute.
Settings two_at_payment() {
  Settings settings = mission();
  for (auto& endpoint : settings.policy.endpoints) endpoint.limits.assign(2, {});
  settings.policy.endpoints[kPayment].concurrency = {0, 2};
  settings.policy.endpoints[kPayment].concurrency_timeout = minutes{1};
  return settings;
}

const Asked kPaying{.path = "/payment/1"};

class InFlight : public GateInTime {
 protected:
  void end(const Asked& asked, float latency_ms = 10) {
    traffic::Request seen = request(asked);
    seen.status = 200;
    seen.latency_ms = latency_ms;
    worker->end(seen, now);
  }
};

TEST_F(InFlight, ADenialIsNamedAndExplained) {
  const auto history = std::make_shared<MemoryHistory>();
  start(two_at_payment(), history);
  engine->tick(now);
  EXPECT_EQ(passed(3, kPaying), 2);
  const Answer said = ask(kPaying);
  ASSERT_NE(said.rule, nullptr);
  EXPECT_EQ(*said.rule, "concurrency");
  pass(seconds{2});
  const auto kept = history->decisions({});
  ASSERT_TRUE(kept);
  ASSERT_FALSE(kept->empty());
  bool found = false;
  for (const DecisionRecord& record : *kept) {
    if (record.id != format_decision_id(said.decision_id)) continue;
    found = true;
    EXPECT_EQ(record.rule, "concurrency");
    EXPECT_EQ(record.explanation, "2 of 2 requests in flight at payment");
  }
  EXPECT_TRUE(found);
}

TEST_F(InFlight, AnEndMakesRoomWhateverTierTheLogNames) {
  start(two_at_payment());
  engine->tick(now);
  Asked named = kPaying;
  named.user = "alice";
  EXPECT_EQ(passed(3, named), 2);
  end(kPaying);
  EXPECT_EQ(passed(2, named), 0) << "another principal";
  named.tier = "";
  end(named);
  named.tier = "STD";
  EXPECT_EQ(passed(2, named), 1);
}

TEST_F(InFlight, TheLatencyTellsWhichEnded) {
  start(two_at_payment());
  engine->tick(now);
  EXPECT_EQ(passed(1, kPaying), 1);
  pass(seconds{45});
  EXPECT_EQ(passed(1, kPaying), 1);
  end(kPaying, 5);  // the second; the end of the first is never told
  EXPECT_EQ(passed(1, kPaying), 1);
  pass(seconds{36});
  EXPECT_EQ(passed(2, kPaying), 1) << "the first counts no more, the third does";
}

TEST_F(InFlight, ANewConfigurationBringsAndTakesTheLimit) {
  start(mission());
  engine->tick(now);
  EXPECT_EQ(ask(kPaying).decision.in_flight_limit, 0);
  ASSERT_TRUE(engine->reconfigure(two_at_payment(), now));
  engine->tick(now);
  EXPECT_EQ(passed(3, kPaying), 2);
  ASSERT_TRUE(engine->reconfigure(mission(), now));
  engine->tick(now);
  EXPECT_EQ(passed(3, kPaying), 3);
}

TEST_F(InFlight, TheTableSaysWhoHasSomething) {
  start(two_at_payment());
  engine->tick(now);
  EXPECT_EQ(engine->table_use(now.mono).leases, 0U);
  EXPECT_EQ(passed(3, kPaying), 2);
  EXPECT_EQ(engine->table_use(now.mono).leases, 1U);
  pass(minutes{2});
  EXPECT_EQ(engine->table_use(now.mono).leases, 0U);
}

/// A log in which each second three requests begin that last so long.
ReplayReport replayed(const Settings& settings, float latency_ms, int requests = 60,
                      std::uint16_t status = 200) {
  Replay replay(settings, nullptr, {});
  for (int i = 0; i < requests; ++i) {
    traffic::Request r;
    r.time = kMidnight + milliseconds{i / 3 * 1000 + i % 3};
    r.client = client("203.0.113.7");
    r.client_name = "203.0.113.7";
    r.tier = "STD";
    r.method = "GET";
    r.path = "/payment/1";
    r.status = status;
    r.latency_ms = latency_ms;
    replay.add(r);
  }
  return replay.finish();
}

TEST(ReplayInFlight, ARequestEndsAtItsTimeAndLatency) {
  EXPECT_EQ(replayed(two_at_payment(), 0.5).total().denied(), 0U);
  EXPECT_EQ(replayed(two_at_payment(), 1.5).total().denied(), 0U);
  EXPECT_EQ(replayed(two_at_payment(), 100).total().denied(), 20U);
  // Those of the second before are in flight still.
  EXPECT_EQ(replayed(two_at_payment(), 1500).total().denied(), 40U);
  const auto twice = replayed(two_at_payment(), 100);
  ASSERT_EQ(twice.rules.size(), 1U);
  EXPECT_EQ(twice.rules[0].rule, "concurrency");
  EXPECT_EQ(twice.rules[0].denied, 20U);
}

TEST(ReplayInFlight, WhatLastsLongerThanTheTimeoutEndsByIt) {
  const auto report = replayed(two_at_payment(), 600'000, 3 * 150);
  // Two at once, and two more after each minute and a third at most, within 150 s.
  EXPECT_GE(report.total().allowed, 4U);
  EXPECT_LE(report.total().allowed, 6U);
}

TEST(ReplayInFlight, WhoseClientHungUpEndsByTheTimeout) {
  const auto report = replayed(two_at_payment(), 0.5, 3 * 150, traffic::kHungUp);
  EXPECT_GE(report.total().allowed, 4U);
  EXPECT_LE(report.total().allowed, 6U);
}

TEST(ReplayInFlight, WithoutALatencyItEndsAtOnceAndTheReportSaysSo) {
  const auto report = replayed(two_at_payment(), std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(report.total().denied(), 0U);
  EXPECT_THAT(report.notes, Contains(HasSubstr("60 requests at endpoints that limit how many")));
}

TEST(ReplayInFlight, InShadowWhatIsBeyondIsCountedAndGoesOn) {
  Settings settings = two_at_payment();
  settings.policy.mode.mode = Mode::shadow;
  const auto report = replayed(settings, 100);
  EXPECT_EQ(report.total().denied(), 0U);
  EXPECT_EQ(report.total().would_deny(), 20U);
}

}  // namespace
}  // namespace tidelimit::engine::test
