#include "policy/planner.hpp"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "policy/mission.hpp"

namespace tidelimit::policy::test {
namespace {

using limiter::View;
using testing::HasSubstr;

std::vector<forecast::EndpointForecast> spike(double times) {
  return {forecast_of("payment", 840 * times, 840), forecast_of("browse", 2000, 2000)};
}

TEST(Planner, PublishesBaseLimitsAtFirst) {
  World world(mission());
  const PlanStep step = world.step();
  ASSERT_TRUE(step.plan);
  EXPECT_TRUE(step.changes.empty());
  EXPECT_EQ(step.plan->generation, 1u);
  EXPECT_NEAR(world.rate(kPayment, kPrm), 300, 1e-6);
  EXPECT_NEAR(world.rate(kBrowse, kStd), 100, 1e-6);
  EXPECT_EQ(world.at(kBrowse, kStd).principal.burst, 100u);
  EXPECT_TRUE(world.at(2, kStd).principal.unlimited());
}

TEST(Planner, HalvesStandardBrowsingInOneStepWhenPaymentWillSpike) {
  World world(mission());
  world.step();
  world.see(spike(2.01));
  world.run(seconds{1});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 50, 1e-6);
  EXPECT_EQ(world.at(kBrowse, kStd).principal.burst, 50u);
  EXPECT_NEAR(world.at(kBrowse, kStd).total.per_minute(), 25 * 60, 1e-6);
  EXPECT_NEAR(world.rate(kBrowse, kPrm), 300, 1e-6);
  EXPECT_NEAR(world.rate(kPayment, kPrm), 300, 1e-6);

  const auto change = std::find_if(world.changes.begin(), world.changes.end(),
                                   [](const auto& c) { return c.endpoint == "browse"; });
  ASSERT_NE(change, world.changes.end());
  EXPECT_EQ(change->tier, "STD");
  EXPECT_EQ(change->rule, "shield-payment");
  EXPECT_EQ(change->before_per_minute, 100);
  EXPECT_EQ(change->after_per_minute, 50);
  EXPECT_FALSE(change->shadow);
  EXPECT_EQ(change->cause,
            "forecast of payment: 1,688 requests in the next hour, 2.0 times the usual 840");
}

TEST(Planner, AHotEndpointHalvesStandardAndLeavesPremium) {
  World world(mission());
  world.see({forecast_of("browse", 4000, 2000)});
  world.step();
  EXPECT_NEAR(world.rate(kBrowse, kStd), 50, 1e-6);
  EXPECT_NEAR(world.rate(kBrowse, kPrm), 300, 1e-6);
  EXPECT_NEAR(world.rate(kPayment, kStd), 100, 1e-6) << "only the endpoint that is hot";
  EXPECT_EQ(limiter::index(world.at(kBrowse, kStd).rule), 1u);
}

TEST(Planner, CpuThrottlesLowPriorityAtOnceDownToTheFloor) {
  World world(mission());
  world.cpu = 0.79;
  world.step();
  EXPECT_NEAR(world.rate(kBrowse, kStd), 100, 1e-6);
  world.cpu = 0.80;
  world.run(seconds{1});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 25, 1e-6);
  EXPECT_NEAR(world.rate(kBrowse, kPrm), 150, 1e-6) << "the floor of PRM is 0.5";
  EXPECT_NEAR(world.rate(kPayment, kStd), 100, 1e-6);
  EXPECT_TRUE(world.planner.rules()[2].active);
  EXPECT_THAT(world.planner.rules()[2].cause, HasSubstr("cpu is at 80 %"));
}

TEST(Planner, CpuReleasesOnlyBelowUntilAndRelaxesATenthAMinute) {
  World world(mission());
  world.cpu = 0.9;
  world.step();
  world.cpu = 0.66;
  world.run(minutes{10});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 25, 1e-6) << "0.66 is above until (0.65)";
  world.cpu = 0.64;
  world.run(minutes{1});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 35, 1.0);
  EXPECT_FALSE(world.planner.rules()[2].active);
  EXPECT_EQ(world.planner.rules()[2].cause, "cpu is back at 64 %");
  world.run(minutes{6});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 95, 1.1);
  world.run(minutes{1});
  EXPECT_EQ(world.at(kBrowse, kStd).scale, 1.0);
  EXPECT_EQ(world.at(kBrowse, kStd).rule, limiter::kNoRule);
}

TEST(Planner, IgnoresASignalOlderThanFifteenSeconds) {
  World world(mission());
  world.cpu = 0.9;
  world.cpu_at = world.now().mono;
  world.step();
  world.run(seconds{15});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 25, 1e-6);
  world.run(seconds{61});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 35, 1.0);
  EXPECT_EQ(world.planner.rules()[2].cause, "no fresh cpu signal");
}

TEST(Planner, TheSmallestScaleWinsNeverTheProduct) {
  World world(mission());
  world.see(spike(2));
  world.cpu = 0.9;
  world.step();
  EXPECT_NEAR(world.rate(kBrowse, kStd), 25, 1e-6) << "not 12.5";
  EXPECT_EQ(limiter::index(world.at(kBrowse, kStd).rule), 2u);
  EXPECT_NEAR(world.at(kBrowse, kStd, View::without_forecast).scale, 0.25, 1e-9);
  EXPECT_EQ(world.at(kBrowse, kStd, View::base).scale, 1.0);
}

TEST(Planner, AForecastRuleHoldsBetweenSteps) {
  auto settings = mission();
  settings.rules[0].then.scale = 0.2;
  World world(settings);
  world.see(spike(3));
  world.step();
  EXPECT_NEAR(world.rate(kBrowse, kStd), 50, 1e-6) << "one step goes at most to half";
  world.run(minutes{15} - seconds{1});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 50, 1e-6);
  world.run(seconds{1});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 25, 1e-6);
  world.see(spike(3));
  world.run(minutes{15});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 20, 1e-6) << "and never below the rule's scale";
}

TEST(Planner, AForecastRuleTightensFurtherOnlyWhileItsConditionHolds) {
  auto settings = mission();
  settings.rules[0].then.scale = 0.2;
  World world(settings);
  world.see(spike(3));
  world.step();
  EXPECT_NEAR(world.rate(kBrowse, kStd), 50, 1e-6);
  for (const double times : {1.2, 1.4, 1.2}) {  // calm, above the release line, calm
    world.run(minutes{14});
    world.see(spike(times));
  }
  world.run(minutes{14});
  EXPECT_TRUE(world.planner.rules()[0].active) << "not calm for two windows in a row";
  EXPECT_NEAR(world.rate(kBrowse, kStd), 50, 1e-6) << "no more than what the spike explains";
  world.see(spike(3));
  world.run(seconds{1});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 25, 1e-6);
}

TEST(Planner, FloorsBindEveryRuleAndTheLargerWins) {
  auto settings = mission();
  settings.rules[0].then.tiers.clear();
  settings.adapt.floors = {{"PRM", 0.5}, {"browse", 0.7}};
  World world(settings);
  world.see(spike(2));
  world.cpu = 0.9;
  world.step();
  EXPECT_NEAR(world.at(kBrowse, kStd).scale, 0.7, 1e-9);
  EXPECT_NEAR(world.at(kBrowse, kPrm).scale, 0.7, 1e-9);
  EXPECT_NEAR(settings.adapt.floor_of("payment", "PRM"), 0.5, 0);
  EXPECT_NEAR(settings.adapt.floor_of("payment", "STD"), 0.2, 0);
}

TEST(Planner, EndsASpikeAfterTwoCalmWindowsThenRelaxesAfterTheHold) {
  World world(mission());
  world.see(spike(2));
  world.step();
  world.run(minutes{15});
  world.see(spike(1.34));  // below 0.9 of 1.5
  world.run(minutes{15});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 50, 1e-6) << "one calm window is not enough";
  world.see(spike(1.34));
  world.run(minutes{2});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 70, 1.1);
  EXPECT_THAT(world.planner.rules()[0].cause, HasSubstr("calm again: forecast of payment: 1,126"));
  world.run(minutes{4});
  EXPECT_EQ(world.at(kBrowse, kStd).scale, 1.0);
  EXPECT_EQ(world.changes.back().rule, "");
  EXPECT_NEAR(world.changes.back().after_per_minute, 100, 1e-6);
}

TEST(Planner, OnlyObservedQuietRelaxes) {
  World world(mission());
  world.see(spike(2));
  world.step();
  world.demand = {{"payment", 1700}};  // the traffic is still there, whatever the forecast says
  for (int window = 0; window < 4; ++window) {
    world.run(minutes{15});
    world.see(spike(1));
  }
  world.step();
  EXPECT_NEAR(world.rate(kBrowse, kStd), 50, 1e-6);
  world.demand = {{"payment", 850}};
  for (int window = 0; window < 2; ++window) {
    world.run(minutes{15});
    world.see(spike(1));
  }
  world.run(minutes{6});
  EXPECT_EQ(world.at(kBrowse, kStd).scale, 1.0);
}

TEST(Planner, DemandAloneNeverTightens) {
  World world(mission());
  world.demand = {{"payment", 5000}};
  world.see(spike(1));
  world.run(minutes{15});
  EXPECT_EQ(world.at(kBrowse, kStd).scale, 1.0);
}

TEST(Planner, AStaleForecastDoesNotCountAndRelaxesWithoutAJump) {
  World world(mission());
  world.see(spike(2));
  world.step();
  world.run(minutes{16});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 50, 1e-6);
  double before = world.rate(kBrowse, kStd);
  for (int second = 0; second < 600; ++second) {
    world.run(seconds{1});
    const double after = world.rate(kBrowse, kStd);
    ASSERT_LE(after - before, 1.2) << "a jump at second " << second;
    before = after;
  }
  EXPECT_EQ(world.at(kBrowse, kStd).scale, 1.0);
  EXPECT_EQ(world.planner.rules()[0].cause, "forecast of payment is stale");
  EXPECT_THAT(world.changes.back().cause, HasSubstr("stale"));
}

TEST(Planner, VanishedForecastsRelaxToo) {
  World world(mission());
  world.see(spike(2));
  world.step();
  world.have_forecasts = false;
  world.run(minutes{14});
  EXPECT_NEAR(world.rate(kBrowse, kStd), 50, 1e-6) << "held";
  world.run(minutes{7});
  EXPECT_EQ(world.at(kBrowse, kStd).scale, 1.0);
  EXPECT_EQ(world.planner.rules()[0].cause, "no forecast of payment");
}

TEST(Planner, AForecastThatSwingsAroundItsThresholdForADayChangesLittle) {
  World world(mission());
  Random random(7);
  for (int window = 0; window < 96; ++window) {
    world.see(spike(1.5 + 0.2 * random.normal()));
    world.run(minutes{15});
  }
  const auto tightenings =
      std::count_if(world.changes.begin(), world.changes.end(), [](const PlanChange& change) {
        return change.endpoint == "browse" && change.after_scale < change.before_scale;
      });
  // Without hysteresis about half of the 96 windows would cross the threshold.
  EXPECT_GE(tightenings, 1);
  EXPECT_LE(tightenings, 8);
  EXPECT_LE(world.changes.size(), 120u);
}

TEST(Planner, RelaxingPublishesInSmallStepsButRecordsTenths) {
  World world(mission());
  world.cpu = 0.9;
  world.step();
  world.cpu = 0.5;
  const std::size_t changes_before = world.changes.size();
  world.plans = 0;
  world.run(minutes{10});
  EXPECT_GE(world.plans, 70);
  EXPECT_LE(world.plans, 90) << "about one for each percent of the base limit, not one a second";
  // STD from 0.25 in eight tenths, PRM from 0.5 in five.
  EXPECT_NEAR(static_cast<double>(world.changes.size() - changes_before), 13, 1);
}

TEST(Planner, ShadowRulesSpeakInTheShadowViewAlone) {
  auto settings = mission();
  settings.rules[0].mode.mode = Mode::shadow;
  settings.rules[1].mode.mode = Mode::off;
  World world(settings);
  world.see(spike(2));
  world.step();
  EXPECT_EQ(world.at(kBrowse, kStd, View::effective).scale, 1.0);
  EXPECT_NEAR(world.at(kBrowse, kStd, View::shadow).scale, 0.5, 1e-9);
  EXPECT_EQ(world.at(kPayment, kStd, View::shadow).scale, 1.0) << "hot-endpoint is off";
  ASSERT_EQ(world.changes.size(), 1u);
  EXPECT_TRUE(world.changes[0].shadow);
  EXPECT_EQ(world.planner.rules()[0].mode.mode, Mode::shadow);
  EXPECT_TRUE(world.planner.rules()[0].active);
  EXPECT_FALSE(world.planner.rules()[1].active);
}

TEST(Planner, ForecastModeGovernsForecastRulesOnly) {
  auto settings = mission();
  settings.forecast_mode.mode = Mode::shadow;
  World world(settings);
  world.see(spike(2));
  world.cpu = 0.9;
  world.step();
  EXPECT_NEAR(world.at(kBrowse, kStd, View::effective).scale, 0.25, 1e-9);
  EXPECT_EQ(world.at(kPayment, kStd, View::effective).scale, 1.0);
  EXPECT_NEAR(world.at(kPayment, kStd, View::shadow).scale, 0.5, 1e-9);
}

TEST(Planner, RenewsItsPlanLongBeforeItExpires) {
  World world(mission());
  world.step();
  world.plans = 0;
  for (int minute = 0; minute < 120; ++minute) {
    world.run(minutes{1});
    ASSERT_GE(world.planner.current()->expires_at - world.now().mono, minutes{14});
  }
  EXPECT_EQ(world.plans, 8) << "every fifteen minutes with a plan_ttl of thirty";
  EXPECT_TRUE(world.changes.empty());
}

TEST(Planner, NewBaseLimitsMakeANewEpochAndRulesKeepTheirState) {
  World world(mission());
  world.see(spike(2));
  world.step();
  const auto epoch = world.planner.current()->limits_epoch;

  auto settings = mission();
  settings.endpoints[kBrowse].limits[kStd].rate = per_minute(200);
  std::swap(settings.rules[0], settings.rules[2]);
  world.planner.reconfigure(settings);
  world.run(seconds{1});
  EXPECT_GT(world.planner.current()->limits_epoch, epoch);
  EXPECT_NEAR(world.rate(kBrowse, kStd), 100, 1e-6) << "half of 200";
  EXPECT_EQ(limiter::index(world.at(kBrowse, kStd).rule), 2u);
  EXPECT_TRUE(world.planner.rules()[2].active);

  world.planner.reconfigure(settings);
  world.run(seconds{1});
  EXPECT_EQ(world.planner.current()->limits_epoch, epoch + 1) << "the same limits, the same epoch";
}

TEST(Planner, ARuleThatAsksForMoreByAReloadLetsGoWhereThatIsNotMet) {
  PolicySettings settings = mission();
  World world(settings);
  world.cpu = 0.9;
  world.run(seconds{2});
  ASSERT_NEAR(world.at(kBrowse, kStd).scale, 0.25, 1e-9);
  settings.rules.back().when.cpu = 0.95;
  world.planner.reconfigure(settings);
  world.run(minutes{1});
  EXPECT_FALSE(world.planner.rules().back().active) << "at 90 %, of 95 %";
  EXPECT_GT(world.at(kBrowse, kStd).scale, 0.3) << "it relaxes";
  EXPECT_LT(world.at(kBrowse, kStd).scale, 0.4) << "as slowly as ever";

  settings.rules.back().when.cpu = 0.7;
  world.planner.reconfigure(settings);
  world.step();
  EXPECT_TRUE(world.planner.rules().back().active);
  world.cpu = 0.6;
  world.planner.reconfigure(settings);
  world.run(seconds{2});
  EXPECT_TRUE(world.planner.rules().back().active) << "one that asks the same holds to its release";
}

TEST(Planner, ARemovedRuleFreesItsLimits) {
  World world(mission());
  world.see(spike(2));
  world.step();
  auto settings = mission();
  settings.rules.clear();
  world.planner.reconfigure(settings);
  world.run(seconds{1});
  EXPECT_EQ(world.at(kBrowse, kStd).scale, 1.0);
  EXPECT_EQ(world.changes.back().cause, "the configuration changed");
}

TEST(Planner, EqualInputsGiveEqualPlans) {
  const auto play = [] {
    World world(mission());
    Random random(3);
    std::vector<double> rates;
    for (int window = 0; window < 20; ++window) {
      world.see(spike(1 + random.uniform()));
      world.cpu = random.uniform();
      world.run(minutes{15});
      rates.push_back(world.rate(kBrowse, kStd));
    }
    return rates;
  };
  EXPECT_EQ(play(), play());
}

/// Those of browse STD, in force.
std::vector<PlanChange> of_browse(const World& world) {
  std::vector<PlanChange> changes;
  for (const PlanChange& change : world.changes)
    if (change.endpoint == "browse" && change.tier == "STD" && !change.shadow)
      changes.push_back(change);
  return changes;
}

TEST(Planner, PutsOnRecordWhatIsSetByHandAndByWhom) {
  World world(mission());
  world.cpu = 0.95;
  world.run(seconds{3});
  ASSERT_EQ(of_browse(world).size(), 1U);
  EXPECT_THAT(of_browse(world)[0].cause, testing::HasSubstr("cpu is at"));

  world.by_hand = "mode of rules set to shadow by ann: ticket 12";
  world.enforced = View::base;  // the switch: the planner's own settings are the same
  world.run(seconds{3});
  auto changes = of_browse(world);
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_NEAR(changes[1].before_scale, 0.25, 1e-9);
  EXPECT_EQ(changes[1].after_scale, 1);
  EXPECT_EQ(changes[1].rule, "");
  EXPECT_EQ(changes[1].cause, "mode of rules set to shadow by ann: ticket 12");

  world.by_hand = "mode of rules set to enforce by ann";
  world.enforced = View::effective;
  world.run(seconds{3});
  changes = of_browse(world);
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_EQ(changes[2].rule, "cpu-pressure");
  EXPECT_THAT(changes[2].cause,
              testing::StartsWith("mode of rules set to enforce by ann; cpu is at"));

  PolicySettings off = mission();
  off.rules.back().mode.mode = Mode::off;
  world.by_hand = "mode of rule/cpu-pressure set to off by ann";
  world.planner.reconfigure(off);
  world.run(seconds{1});
  changes = of_browse(world);
  ASSERT_EQ(changes.size(), 4U);
  EXPECT_EQ(changes[3].after_scale, 1);
  EXPECT_EQ(changes[3].cause, "mode of rule/cpu-pressure set to off by ann");
}

TEST(Planner, GoesOnAfterARestartWhereItStood) {
  World before(mission());
  before.cpu = 0.95;
  before.run(seconds{3});
  before.cpu = 0.1;
  before.run(minutes{3});
  ASSERT_NEAR(before.at(kBrowse, kStd).scale, 0.55, 0.02);

  World after(mission());
  after.elapsed = before.elapsed + seconds{10};
  after.planner.restore(before.changes, Mode::enforce, after.now());
  after.step();
  EXPECT_NEAR(after.at(kBrowse, kStd).scale, before.at(kBrowse, kStd).scale, 0.1);
  EXPECT_TRUE(after.changes.empty()) << after.changes[0].cause;
  after.run(minutes{2});
  EXPECT_GT(after.at(kBrowse, kStd).scale, 0.6);
  EXPECT_LT(after.at(kBrowse, kStd).scale, 0.8);
  after.run(minutes{4});
  EXPECT_EQ(after.at(kBrowse, kStd).scale, 1);
  EXPECT_EQ(after.changes.back().after_scale, 1);
}

TEST(Planner, SaysOfWhatTheSwitchOverEverythingWatchesThatItIsWatched) {
  World before(mission());
  before.all = Mode::shadow;
  before.cpu = 0.95;
  before.run(seconds{3});
  ASSERT_FALSE(before.changes.empty());
  for (const auto& change : before.changes) EXPECT_TRUE(change.shadow);

  World after(mission());
  after.all = Mode::shadow;
  after.cpu = 0.95;
  after.elapsed = before.elapsed + seconds{10};
  after.planner.restore(before.changes, Mode::shadow, after.now());
  after.step();
  EXPECT_TRUE(after.changes.empty()) << "put on record twice: " << after.changes[0].cause;
}

}  // namespace
}  // namespace tidelimit::policy::test
