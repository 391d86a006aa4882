#include "limiter/gcra.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <vector>

#include "limiter/interval_bound.hpp"
#include "limiter/nominal.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

Limit per_minute(std::uint64_t count, std::uint64_t burst) {
  return make_limit({count, minutes{1}}, burst);
}

struct Row {
  milliseconds at;
  Hits hits;
  bool conforms;
  std::uint64_t remaining;
  milliseconds retry_after;
};

void expect_rows(const Limit& limit, const std::vector<Row>& rows) {
  Tat tat{0};
  for (const Row& row : rows) {
    const Conformance said = conform(tat, row.hits, limit, Instant{row.at});
    SCOPED_TRACE(testing::Message() << "at " << row.at.count() << " ms");
    EXPECT_EQ(said.conforms, row.conforms);
    EXPECT_EQ(said.remaining, row.remaining);
    EXPECT_EQ(said.retry_after, Nanos{row.retry_after});
    tat = said.tat;
  }
}

TEST(Gcra, PassesABurstThenOneEveryInterval) {
  expect_rows(per_minute(100, 3), {{milliseconds{0}, 1, true, 2, {}},
                                   {milliseconds{0}, 1, true, 1, {}},
                                   {milliseconds{0}, 1, true, 0, {}},
                                   {milliseconds{0}, 1, false, 0, milliseconds{600}},
                                   {milliseconds{599}, 1, false, 0, milliseconds{1}},
                                   {milliseconds{600}, 1, true, 0, {}},
                                   {milliseconds{600}, 1, false, 0, milliseconds{600}},
                                   {milliseconds{2400}, 2, true, 1, {}}});
}

TEST(Gcra, ChargesSeveralHitsOrNone) {
  expect_rows(per_minute(60, 10), {{milliseconds{0}, 7, true, 3, {}},
                                   {milliseconds{0}, 4, false, 3, milliseconds{1000}},
                                   {milliseconds{0}, 3, true, 0, {}},
                                   {milliseconds{1000}, 2, false, 1, milliseconds{1000}},
                                   {milliseconds{2000}, 2, true, 0, {}}});
}

TEST(Gcra, NeverPassesMoreThanTheBurstAtOnce) {
  const auto said = conform(Tat{0}, 11, per_minute(60, 10), Instant{});
  EXPECT_FALSE(said.conforms);
  EXPECT_EQ(said.retry_after, Nanos::max());
}

TEST(Gcra, AsksWithoutChargingWhenThereAreNoHits) {
  expect_rows(per_minute(60, 1), {{milliseconds{0}, 0, true, 1, {}},
                                  {milliseconds{0}, 0, true, 1, {}},
                                  {milliseconds{0}, 1, true, 0, {}},
                                  {milliseconds{0}, 0, false, 0, milliseconds{1000}},
                                  {milliseconds{1000}, 0, true, 1, {}}});
}

TEST(Gcra, RefusesWhenClockStepsBack) {
  expect_rows(per_minute(60, 2), {{milliseconds{10000}, 2, true, 0, {}},
                                  {milliseconds{9000}, 1, false, 0, milliseconds{2000}},
                                  {milliseconds{11000}, 1, true, 0, {}}});
}

TEST(Gcra, SaysWhenTheBucketIsFullAgain) {
  const auto limit = per_minute(60, 5);
  const auto said = conform(Tat{0}, 3, limit, Instant{seconds{100}});
  EXPECT_EQ(said.reset_after, Nanos{seconds{3}});
}

TEST(Gcra, NeverDeniesUnderADefaultMadeLimit) {
  const auto said = conform(Tat{seconds{99}}, 1000, Limit{}, Instant{});
  EXPECT_TRUE(said.conforms);
  EXPECT_EQ(said.tat, Tat{seconds{99}});
}

TEST(MakeLimit, RoundsTheIntervalAndCutsAnEndlessBurst) {
  EXPECT_EQ(make_limit({100, minutes{1}}, 100), (Limit{milliseconds{600}, 100}));
  EXPECT_EQ(make_limit({3, seconds{1}}, 3).emission_interval, Nanos{333333333});
  EXPECT_EQ(make_limit({1000000000, seconds{1}}, 1).emission_interval, Nanos{1});
  const auto daily = make_limit({1, std::chrono::hours{24}}, 1000000000);
  EXPECT_LE(daily.tolerance(), kMaxTolerance);
  EXPECT_GT(daily.tolerance(), kMaxTolerance - daily.emission_interval);
}

TEST(Scaled, MultipliesRateAndBurstAndKeepsTheTolerance) {
  const auto half = scaled(per_minute(100, 100), 0.5);
  EXPECT_EQ(half, per_minute(50, 50));
  EXPECT_EQ(half.tolerance(), per_minute(100, 100).tolerance());
  EXPECT_EQ(scaled(per_minute(100, 100), 0.29).burst, 29U);
  EXPECT_EQ(scaled(per_minute(100, 2), 0.1).burst, 1U);
  EXPECT_EQ(scaled(per_minute(100, 2), 1.0), per_minute(100, 2));
  EXPECT_TRUE(scaled(Limit{}, 0.5).unlimited());
}

// A limit, and calls at times that mostly rise.
rc::Gen<Limit> any_limit() {
  return rc::gen::apply(
      [](std::uint64_t count, std::uint64_t burst) {
        return make_limit({count, minutes{1}}, burst);
      },
      rc::gen::inRange<std::uint64_t>(1, 100000), rc::gen::inRange<std::uint64_t>(1, 200));
}
struct Step {
  std::int64_t wait_us;
  Hits hits;
};
void showValue(const Step& step, std::ostream& out) {
  out << '+' << step.wait_us << " us x" << step.hits;
}
rc::Gen<Step> any_step(std::int64_t earliest_us) {
  return rc::gen::apply(
      [](std::int64_t wait, Hits hits) {
        return Step{wait, hits};
      },
      rc::gen::weightedOneOf<std::int64_t>(
          {{3, rc::gen::just<std::int64_t>(0)},
           {5, rc::gen::inRange<std::int64_t>(0, 2000000)},
           {1, rc::gen::inRange<std::int64_t>(earliest_us, 60000000)}}),
      rc::gen::inRange<Hits>(1, 5));
}

RC_GTEST_PROP(GcraProperty, AnyIntervalHoldsAtMostBurstPlusItsLengthOverT, ()) {
  const auto limit = *any_limit();
  const auto steps = *rc::gen::container<std::vector<Step>>(any_step(0));
  std::vector<Passed> passed;
  Nanos now{0};
  Tat tat{0};
  for (const Step& step : steps) {
    now += std::chrono::microseconds{step.wait_us};
    const auto said = conform(tat, step.hits, limit, Instant{now});
    tat = said.tat;
    if (said.conforms) passed.push_back({now, 0, step.hits});
  }
  for (std::size_t from = 0; from < passed.size(); ++from) {
    Nanos spent{0};
    for (std::size_t to = from; to < passed.size(); ++to) {
      spent += limit.emission_interval * passed[to].hits;
      RC_ASSERT(spent <= limit.tolerance() + (passed[to].at - passed[from].at));
    }
  }
}

// The slow obvious version: a bucket of tokens that drips in whole nanoseconds of T.
RC_GTEST_PROP(GcraProperty, AgreesWithATokenBucket, ()) {
  const auto limit = *any_limit();
  const auto steps = *rc::gen::container<std::vector<Step>>(any_step(0));
  Nanos level = limit.tolerance();  // what may be spent, in nanoseconds
  Nanos now{0};
  Tat tat{0};
  for (const Step& step : steps) {
    const Nanos wait = std::chrono::microseconds{step.wait_us};
    now += wait;
    level = std::min(level + wait, limit.tolerance());
    const Nanos cost = limit.emission_interval * step.hits;
    const bool expected = cost <= level;
    const auto said = conform(tat, step.hits, limit, Instant{now});
    RC_ASSERT(said.conforms == expected);
    if (!expected && step.hits <= limit.burst) RC_ASSERT(said.retry_after == cost - level);
    if (expected) level -= cost;
    RC_ASSERT(said.remaining == static_cast<std::uint64_t>(level / limit.emission_interval));
    RC_ASSERT(said.reset_after == limit.tolerance() - level);
    tat = said.tat;
  }
}

// Going back over the same time grants nothing twice.
RC_GTEST_PROP(GcraProperty, TimeGoingBackGrantsNothing, ()) {
  const auto limit = *any_limit();
  const auto steps = *rc::gen::container<std::vector<Step>>(any_step(-60000000));
  std::vector<Passed> passed;
  Nanos now{minutes{60}};
  Tat tat{0};
  for (const Step& step : steps) {
    now = std::max(now + std::chrono::microseconds{step.wait_us}, Nanos{0});
    const auto said = conform(tat, step.hits, limit, Instant{now});
    RC_ASSERT(said.tat >= tat);
    tat = said.tat;
    if (said.conforms) passed.push_back({now, 0, step.hits});
  }
  RC_ASSERT(within_bound(std::move(passed), limit));
}

RC_GTEST_PROP(GcraProperty, SwitchingBetweenScalesNeverExceedsTheBaseLimit, ()) {
  const auto base = *any_limit();
  const auto steps = *rc::gen::container<std::vector<Step>>(any_step(0));
  Nanos now{0};
  Tat tat{0};
  Nanos level = base.tolerance();  // of a token bucket under the base limit
  for (const Step& step : steps) {
    const auto scale = *rc::gen::inRange(1, 11);
    const Limit limit = scaled(base, scale / 10.0);
    const Nanos wait = std::chrono::microseconds{step.wait_us};
    now += wait;
    level = std::min(level + wait, base.tolerance());
    const auto said = conform(tat, step.hits, limit, Instant{now});
    tat = said.tat;
    if (!said.conforms) continue;
    level -= base.emission_interval * step.hits;
    RC_ASSERT(level >= Nanos{0});
  }
}

TEST(Gcra, IsToldByTheRateThatWasAskedFor) {
  const auto told = [](std::uint64_t count, Nanos period) {
    return nominal_per_minute(make_limit({count, period}, 1));
  };
  for (std::uint64_t count = 1; count <= 3000; ++count)
    EXPECT_EQ(told(count, minutes{1}), static_cast<double>(count));
  EXPECT_EQ(told(70'000, minutes{1}), 70'000);
  EXPECT_EQ(told(1700, seconds{1}), 102'000);
  EXPECT_EQ(told(1, std::chrono::hours{1}), 1.0 / 60);
  EXPECT_EQ(told(30, std::chrono::hours{1}), 0.5);
  EXPECT_EQ(told(7, std::chrono::hours{24}), 7.0 / 1440);
  EXPECT_EQ(nominal_per_minute(Limit{}), 0);
  EXPECT_NEAR(nominal_per_minute(scaled(per_minute(101, 10), 0.37)), 37.37, 1e-6);
}

}  // namespace
}  // namespace tidelimit::limiter
