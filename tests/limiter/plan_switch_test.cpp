// Plans that change under way: raising frees at once, lowering grants nothing.
#include <atomic>
#include <gtest/gtest.h>
#include <thread>

#include "base/random.hpp"
#include "limiter/gate_plan.hpp"
#include "limiter/interval_bound.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::microseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class PlanSwitch : public GateTest {
 protected:
  void base(const Limit& limit) {
    set_limits(plan, kPayment, kStandard, limit);
    ++plan.generation;
    ++plan.limits_epoch;
    publish();
  }
  void scale(double factor) {
    set_limits(plan, kPayment, kStandard, plan.cell(kPayment, kStandard).in(View::base).principal);
    scale_from(plan, kPayment, kStandard, View::without_forecast, factor);
    ++plan.generation;
    publish();
  }
};

TEST_F(PlanSwitch, EveryDecisionNamesItsPlan) {
  base(per_minute(60, 10));
  const auto generation = plan.generation;
  EXPECT_EQ(decide().plan_generation, generation);
  scale(0.5);
  EXPECT_EQ(decide().plan_generation, generation + 1);
}

TEST_F(PlanSwitch, RaisingABaseLimitFreesAtOnce) {
  base(make_limit({10, std::chrono::hours{1}}, 10));
  EXPECT_EQ(passes(call(), 20), 10);
  now = now + seconds{1};
  base(per_minute(60, 10));
  EXPECT_EQ(passes(call(), 20), 0) << "full, but by the new limit";
  now = now + seconds{1};
  EXPECT_EQ(passes(call(), 20), 1);
  now = now + seconds{10};
  EXPECT_EQ(passes(call(), 20), 10);
}

TEST_F(PlanSwitch, LoweringABaseLimitGrantsNothing) {
  base(per_minute(60, 10));
  EXPECT_EQ(passes(call(), 4), 4);
  base(per_minute(60, 2));
  EXPECT_EQ(passes(call(), 20), 0) << "four seconds of TAT are more than two hits";
  now = now + seconds{3};
  EXPECT_EQ(passes(call(), 20), 2) << "clamped to the new burst, which then drained";
}

TEST_F(PlanSwitch, ARulesScaleCutsTheBurstInProportionAndGivesItBack) {
  base(per_minute(100, 100));
  EXPECT_EQ(passes(call(), 40), 40);
  scale(0.5);
  EXPECT_EQ(passes(call(), 200), 30) << "60 of 100 were left: at half, 30 of 50";
  scale(1.0);
  EXPECT_EQ(passes(call(), 200), 0);
  scale(0.1);
  scale(1.0);
  now = now + seconds{6};
  EXPECT_EQ(passes(call(), 200), 10);
}

TEST_F(PlanSwitch, FlippingAScaleForEverGrantsNothing) {
  base(per_minute(60, 10));
  const Instant start = now;
  int passed = 0;
  for (int i = 0; i < 2000; ++i) {
    now = now + std::chrono::milliseconds{10};
    scale(i % 2 == 0 ? 0.3 : 1.0);
    passed += passes(call(), 2);
  }
  EXPECT_LE(passed, 10 + (now - start) / seconds{1});
}

TEST_F(PlanSwitch, ATierChangeInFlightGrantsNothing) {
  base(per_minute(60, 10));
  for (auto& view : plan.cell(kPayment, kPremium).views) view.principal = per_minute(120, 20);
  publish();
  EXPECT_EQ(passes(call(kPayment, kPremium), 50), 20);
  EXPECT_EQ(passes(call(kPayment, kStandard), 50), 0);
  EXPECT_EQ(passes(call(kPayment, kPremium), 50), 0);
}

// Threads decide for the same few users while another flips the rule's scale: in no interval does
// a user pass more than the base limit gives.
TEST_F(PlanSwitch, UnderThreadsAndFlipsTheBaseLimitHolds) {
  const Limit limit = make_limit({200, seconds{1}}, 20);
  base(limit);
  std::atomic<std::int64_t> clock_us{3'600'000'000};
  std::atomic<bool> done{false};
  std::array<std::vector<Passed>, 3> passed;
  std::vector<std::thread> threads;
  for (std::size_t id = 0; id < passed.size(); ++id) {
    threads.emplace_back([&, id] {
      Worker mine{limiter};
      Random random(id);
      for (int i = 0; i < 60'000; ++i) {
        const Instant read{microseconds{clock_us.fetch_add(30)}};
        Call made = call();
        made.user = 1 + random.below(4);
        if (mine.decide(made, read).allowed) passed[id].push_back({read.since_start, made.user, 1});
      }
    });
  }
  std::thread flipper([&] {
    for (int i = 0; !done; ++i) {
      scale(i % 2 == 0 ? 0.3 : 1.0);
      std::this_thread::yield();
    }
  });
  for (std::thread& thread : threads) thread.join();
  done = true;
  flipper.join();
  std::vector<Passed> all;
  for (const auto& some : passed) all.insert(all.end(), some.begin(), some.end());
  EXPECT_GT(all.size(), 1000U);
  EXPECT_TRUE(within_bound(std::move(all), limit));
}

}  // namespace
}  // namespace tidelimit::limiter
