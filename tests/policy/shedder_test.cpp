#include "policy/shedder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/shedding_upstream.hpp"

namespace tidelimit::policy::test {
namespace {

using testing::HasSubstr;

TEST(Shedder, LeavesACalmHourAlone) {
  Upstream upstream(with_shedding());
  for (int i = 0; i < 3600; ++i) {
    upstream.second(kCalm);
    ASSERT_FALSE(upstream.shedder.state().active) << upstream.shedder.state().cause;
  }
}

TEST(Shedder, ShedsTheLeastImportantWithinTwoSecondsOfAQueue) {
  Upstream upstream(with_shedding());
  upstream.run(300, kCalm);
  int waited = 0;
  for (int i = 0; i < 60 && !upstream.shedder.state().active; ++i) {
    waited += upstream.queue_s > 0.1 ? 1 : 0;
    upstream.second(kRush);
  }
  EXPECT_LE(waited, 2);
  EXPECT_TRUE(upstream.shedder.state().active);
  EXPECT_THAT(upstream.shedder.state().cause, HasSubstr("% is let in; sheds"));
  EXPECT_THAT(upstream.shedder.state().cause, HasSubstr("of browse/STD"));
}

TEST(Shedder, KeepsTheUpstreamBusyAndItsQueueShort) {
  Upstream upstream(with_shedding());
  upstream.run(300, kCalm);
  upstream.run(60, kRush);
  double admitted = 0, queue = 0;
  constexpr int kSeconds = 1200;
  for (int i = 0; i < kSeconds; ++i) {
    upstream.second(kRush);
    admitted += upstream.admitted / kSeconds;
    queue += upstream.queue_s / kSeconds;
    ASSERT_EQ(upstream.shedder.share(0 * kTiers + 0), 0) << "payment/PRM";
  }
  EXPECT_GT(admitted, 0.97 * kWorkers);
  EXPECT_LT(admitted, 1.01 * kWorkers);
  EXPECT_LT(queue, 0.25);
}

TEST(Shedder, DoesNotTakeALongOverloadForUsual) {
  Upstream upstream(with_shedding());
  upstream.run(300, kCalm);
  upstream.run(3 * 3600, kRush);
  EXPECT_TRUE(upstream.shedder.state().active);
  double queue = 0;
  for (int i = 0; i < 600; ++i) {
    upstream.second(kRush);
    queue += upstream.queue_s / 600;
  }
  EXPECT_LT(queue, 0.25);
}

TEST(Shedder, EndsWhenTheRushIsOver) {
  Upstream upstream(with_shedding());
  upstream.run(300, kCalm);
  upstream.run(600, kRush);
  EXPECT_TRUE(upstream.shedder.state().active);
  upstream.run(60, kCalm);
  EXPECT_FALSE(upstream.shedder.state().active);
  EXPECT_EQ(upstream.shedder.state().cause, "answers no longer wait");
  for (std::size_t cell = 0; cell < 6; ++cell) EXPECT_EQ(upstream.shedder.share(cell), 0);
}

TEST(Shedder, RefusesNobodyForWhatWasAskedBefore) {
  Upstream upstream(with_shedding());
  upstream.run(300, kCalm);
  upstream.run(60, {12, 12, 10, 200, 0, 0});
  EXPECT_GT(upstream.shedder.share(kTiers + 1), 0.3);
  upstream.run(4, kCalm);
  double refused = 0;
  for (int second = 0; second < 10; ++second) {
    for (std::size_t cell = 0; cell < kCalm.size(); ++cell)
      refused += kCalm[cell] * upstream.shedder.share(cell);
    upstream.run(1, kCalm);
  }
  EXPECT_LT(refused, 5) << "of 520";
}

TEST(Shedder, ServesTheMoreImportantFirstAndStarvesNobody) {
  const PolicySettings settings = with_shedding();
  Upstream upstream(settings);
  upstream.run(300, kCalm);
  const std::vector<double> flood{30, 60, 40, 200, 0, 0};  // 46 workers' work
  upstream.run(120, flood);
  const Shedder& shedder = upstream.shedder;
  EXPECT_NEAR(shedder.share(1 * kTiers + 1), 0.8, 1e-9) << "browse/STD stands at its floor";
  EXPECT_NEAR(shedder.share(1 * kTiers + 0), 0.5, 1e-9) << "browse/PRM likewise";
  EXPECT_NEAR(shedder.share(0 * kTiers + 1), 0.8, 1e-9) << "payment/STD likewise";
  EXPECT_LE(shedder.share(0 * kTiers + 0), 0.5);
  EXPECT_GE(shedder.share(0 * kTiers + 1), shedder.share(0 * kTiers + 0));
}

TEST(Shedder, OneSlowEndpointIsNoQueue) {
  Upstream upstream(with_shedding());
  upstream.run(300, kCalm);
  upstream.slow_payment = 3;
  upstream.run(300, kCalm);
  EXPECT_FALSE(upstream.shedder.state().active);
}

TEST(Shedder, ShedsNothingThatItsRuleDoesNotName) {
  PolicySettings settings = with_shedding();
  settings.rules[0].then.tiers = {"PRM"};
  Upstream upstream(settings);
  upstream.run(300, kCalm);
  upstream.run(60, kRush);
  EXPECT_EQ(upstream.shedder.share(1 * kTiers + 1), 0);
  EXPECT_GT(upstream.shedder.share(1 * kTiers + 0), 0);
}

TEST(Shedder, SaysNothingOverAHandfulOfAnswers) {
  Upstream upstream(with_shedding());
  upstream.run(300, kCalm);
  upstream.queue_s = 2;
  upstream.run(3, {1, 0, 0, 1, 0, 0});
  EXPECT_FALSE(upstream.shedder.state().active);
}

LoadSample queue_of(double ms) {
  LoadSample sample{seconds{1}, {}};
  sample.endpoints.push_back({"browse", {10, 90}, {}, {100, 100 * (100 + ms)}, {}, {}});
  return sample;
}

TEST(Planner, PublishesWhatIsShedAndNamesItsRule) {
  for (const Mode mode : {Mode::enforce, Mode::shadow}) {
    Planner planner(with_shedding(mode));
    EXPECT_TRUE(planner.wants_load());
    PlanInputs inputs;
    inputs.now = {Instant{seconds{1}}, WallTime{hours{24 * 20000}}};
    std::shared_ptr<const limiter::Plan> plan;
    std::vector<PlanChange> changes;
    for (int second = 0; second < 100; ++second) {
      inputs.now = {inputs.now.mono + seconds{1}, inputs.now.wall + seconds{1}};
      inputs.load = queue_of(second < 90 ? 0 : 500);
      const auto step = planner.step(inputs);
      if (step.plan) plan = step.plan;
      changes.insert(changes.end(), step.changes.begin(), step.changes.end());
    }
    ASSERT_TRUE(plan);
    const auto& cell = plan->cell(limiter::EndpointId{1}, limiter::TierId{1});
    const auto& effective = cell.in(limiter::View::effective);
    const auto& shadow = cell.in(limiter::View::shadow);
    EXPECT_EQ(effective.shed > 0, mode == Mode::enforce);
    EXPECT_GT(shadow.shed, 0);
    EXPECT_EQ(limiter::index(shadow.shed_rule), 0U);
    EXPECT_EQ(cell.in(limiter::View::base).shed, 0);
    EXPECT_EQ(effective.scale, 1.0) << "limits stay";
    EXPECT_TRUE(planner.rules()[0].active);
    ASSERT_FALSE(changes.empty());
    EXPECT_EQ(changes[0].of, PlanChange::Of::shed);
    EXPECT_EQ(changes[0].rule, "overload");
    EXPECT_EQ(changes[0].before_scale, 1);
    EXPECT_LT(changes[0].after_scale, 1);
    EXPECT_EQ(changes[0].shadow, mode != Mode::enforce);
    EXPECT_THAT(changes[0].cause, HasSubstr("longer than usual"));
  }
}

TEST(Planner, WantsNoLoadWithoutARuleOnQueueing) {
  EXPECT_FALSE(Planner(mission()).wants_load());
}

TEST(Shedder, GoesOnSheddingOverAReload) {
  const PolicySettings settings = with_shedding();
  Upstream upstream(settings);
  upstream.run(300, kCalm);
  upstream.run(120, kRush);
  Shedder heir(settings, 0);
  heir.inherit(upstream.shedder, {settings, settings});
  EXPECT_TRUE(heir.state().active);
  EXPECT_EQ(heir.state().cause, upstream.shedder.state().cause);
  for (std::size_t cell = 0; cell < 6; ++cell)
    EXPECT_EQ(heir.share(cell), upstream.shedder.share(cell));
  upstream.shedder = heir;
  double queue = 0;
  for (int i = 0; i < 120; ++i) {
    upstream.second(kRush);
    queue += upstream.queue_s / 120;
  }
  EXPECT_LT(queue, 0.25);
}

TEST(Shedder, KnowsEndpointsAndTiersByNameOverAReload) {
  PolicySettings settings = with_shedding();
  Upstream upstream(settings);
  upstream.run(300, kCalm);
  upstream.run(120, {30, 60, 40, 200, 0, 0});
  const PolicySettings before = settings;
  std::reverse(settings.endpoints.begin(), settings.endpoints.end());
  settings.endpoints.insert(settings.endpoints.begin(),
                            endpoint("new", Priority::normal, {limit(300), limit(100)}));
  std::reverse(settings.tiers.begin(), settings.tiers.end());
  Shedder heir(settings, 0);
  heir.inherit(upstream.shedder, {before, settings});
  for (std::size_t t = 0; t < kTiers; ++t) EXPECT_EQ(heir.share(t), 0) << "of the new one";
  for (std::size_t e = 0; e < 3; ++e) {
    for (std::size_t t = 0; t < kTiers; ++t) {
      EXPECT_EQ(heir.share((3 - e) * kTiers + (kTiers - 1 - t)),
                upstream.shedder.share(e * kTiers + t));
    }
  }
  EXPECT_GT(heir.share(2 * kTiers), 0.5) << "of browse/STD";
}

TEST(Shedder, ObeysANewFloorAtOnce) {
  PolicySettings settings = with_shedding();
  Upstream upstream(settings);
  upstream.run(300, kCalm);
  upstream.run(120, {30, 60, 40, 200, 0, 0});
  EXPECT_GT(upstream.shedder.share(1 * kTiers + 1), 0.5);
  settings.adapt.floors = {{"browse", 0.9}};
  Shedder heir(settings, 0);
  heir.inherit(upstream.shedder, {settings, settings});
  EXPECT_LE(heir.share(1 * kTiers + 1), 0.1 + 1e-9);
}

TEST(Shedder, DoesNotTakeTheRushThatItStartsInForUsual) {
  Upstream upstream(with_shedding());
  EXPECT_THAT(upstream.shedder.state().cause, HasSubstr("usual latency not yet known"));
  upstream.run(120, kRush);
  EXPECT_TRUE(upstream.shedder.state().active);
  EXPECT_GT(upstream.shedder.share(1 * kTiers + 1), 0);
  double queue = 0;
  for (int i = 0; i < 600; ++i) {
    upstream.second(kRush);
    queue += upstream.queue_s / 600;
  }
  EXPECT_LT(queue, 0.8) << "of the two seconds that wait where nothing is shed";
}

TEST(Planner, ReloadsWithoutAGapInShedding) {
  Planner planner(with_shedding());
  PlanInputs inputs;
  inputs.now = {Instant{seconds{1}}, WallTime{hours{24 * 20000}}};
  for (int second = 0; second < 100; ++second) {
    inputs.now = {inputs.now.mono + seconds{1}, inputs.now.wall + seconds{1}};
    inputs.load = queue_of(second < 90 ? 0 : 500);
    (void)planner.step(inputs);
  }
  planner.reconfigure(with_shedding());
  EXPECT_TRUE(planner.rules()[0].active);
  inputs.load.reset();
  const auto step = planner.step(inputs);
  ASSERT_TRUE(step.plan);
  EXPECT_GT(
      step.plan->cell(limiter::EndpointId{1}, limiter::TierId{1}).in(limiter::View::effective).shed,
      0);
}

}  // namespace
}  // namespace tidelimit::policy::test
