#include "policy/divider.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

#include "base/random.hpp"
#include "policy/mission.hpp"

namespace tidelimit::policy::test {
namespace {

using limiter::View;
using testing::HasSubstr;

/// The mission without its rules, with payment and browse before one upstream of 100/s, of which 90
/// are divided.
PolicySettings shared() {
  PolicySettings settings = mission();
  settings.endpoints[0].capacity.reset();
  settings.endpoints[1].limits[1].total.reset();
  settings.upstreams = {{"core", Rate{100, seconds{1}}, {}, {"payment", "browse"}}};
  Rule rule;
  rule.name = std::string(kDivisionRule);
  rule.when.utilisation = kDefaultUtilisation;
  rule.then.divide = true;
  settings.rules = {rule};
  return settings;
}

/// A planner that sees so many requests a second, by endpoint and tier.
class Shared : public World {
 public:
  explicit Shared(PolicySettings settings = shared()) : World(std::move(settings)) {}

  void ask(double payment_prm, double payment_std, double browse_prm, double browse_std) {
    load.emplace();
    load->span = seconds{1};
    load->endpoints = {{"payment", {payment_prm, payment_std}, {}, {}, {}, {}},
                       {"browse", {browse_prm, browse_std}, {}, {}, {}, {}}};
  }

  [[nodiscard]] double total(std::size_t endpoint, std::size_t tier) {
    const auto& limit = at(endpoint, tier).total;
    return limit.unlimited() ? Divider::kNoTotal : limit.per_minute() / 60;
  }
};

TEST(Divider, LeavesAllAsItIsWhileThereIsRoom) {
  Shared world;
  world.ask(20, 20, 20, 29);
  world.run(minutes{10});
  EXPECT_EQ(world.total(kBrowse, kStd), Divider::kNoTotal);
  EXPECT_NEAR(world.rate(kBrowse, kStd), 100, 1e-6);
  EXPECT_TRUE(world.changes.empty());
  EXPECT_FALSE(world.planner.rules()[0].active);
}

TEST(Divider, ServesTheImportantInFullAndGivesTheRestWhatIsLeft) {
  Shared world;
  world.ask(20, 20, 40, 80);
  world.run(minutes{2});
  EXPECT_EQ(world.total(kPayment, kPrm), Divider::kNoTotal);
  EXPECT_EQ(world.total(kPayment, kStd), Divider::kNoTotal);
  // 50 are left: browse PRM weighs twice browse STD.
  EXPECT_NEAR(world.total(kBrowse, kPrm), 50 * 2.0 / 3, 0.7);
  EXPECT_NEAR(world.total(kBrowse, kStd), 50 / 3.0, 0.4);
  EXPECT_THAT(world.planner.cause(1 * 2 + 1),
              HasSubstr("core can take 90/s, claims are 160/s; payment gets 44 % of it; "
                        "browse STD gets 21 % of the 80/s it claims"));
}

TEST(Divider, ServesFloorsBeforeItDividesTheRest) {
  PolicySettings settings = shared();
  settings.adapt.floors = {{"PRM", 0.5}, {"browse", 0.4}};
  Shared world(settings);
  world.ask(80, 60, 10, 50);
  world.run(minutes{2});
  // An equal part of the 90 is 22.5. Minimums: browse PRM 0.5 of the 10 it claims, STD 0.4 of 22.5;
  // payment has far more than its own.
  EXPECT_NEAR(world.total(kBrowse, kStd), 9, 0.3);
  EXPECT_NEAR(world.total(kBrowse, kPrm), 5, 0.2);
  EXPECT_NEAR(world.total(kPayment, kPrm) + world.total(kPayment, kStd), 76, 1.5);
}

TEST(Divider, ASurgeOfTheLeastImportantGuaranteesItselfNothing) {
  Shared world;
  world.ask(20, 30, 5, 600);
  world.run(minutes{3});
  EXPECT_EQ(world.total(kPayment, kPrm), Divider::kNoTotal);
  EXPECT_EQ(world.total(kPayment, kStd), Divider::kNoTotal);
  EXPECT_EQ(world.total(kBrowse, kPrm), Divider::kNoTotal);
  EXPECT_NEAR(world.total(kBrowse, kStd), 35, 0.7);
}

TEST(Divider, AForecastTightensAheadButTotalsWaitForTheCrowd) {
  Shared world;
  world.ask(5, 5, 10, 30);
  world.run(minutes{20});
  auto rush = forecast_of("payment", 60 * 3600, 30 * 3600);  // its 0.9 quantile: 66 a second
  world.see({rush});
  world.run(seconds{2});
  // Claims: payment 66, browse 40: browse gets 24, a third of it for STD, who claim 30.
  EXPECT_NEAR(world.at(kBrowse, kStd).scale, 0.5, 1e-6) << "one step at most";
  EXPECT_EQ(world.total(kBrowse, kStd), Divider::kNoTotal) << "the reserve is lent meanwhile";
  EXPECT_THAT(world.planner.cause(1 * 2 + 1), HasSubstr("(forecast 2.0 times the usual)"));

  world.ask(33, 33, 10, 30);
  world.run(minutes{1});
  EXPECT_NEAR(world.total(kBrowse, kStd), 14, 0.5) << "90 - 66 - browse PRM's 10";
}

TEST(Divider, LendsWhatIsReservedAndNotUsed) {
  Shared world;
  world.ask(10, 10, 30, 50);  // 100 asked for
  world.run(minutes{20});
  world.see({forecast_of("payment", 50 * 3600, 30 * 3600)});
  world.run(seconds{30});
  // By the forecast, payment claims 55; of the 35 left browse STD would get 12, PRM 23.
  // Payment uses 20 and may grow to 25: 65 are there for browse now.
  EXPECT_NEAR(world.total(kBrowse, kStd), 65 - 30, 1.5);
}

TEST(Divider, AnEndpointsOwnCapacityIsDividedBetweenItsTiers) {
  PolicySettings settings = shared();
  settings.upstreams.clear();
  settings.endpoints[0].capacity = Rate{50, seconds{1}};
  Shared world(settings);
  world.ask(30, 40, 100, 100);
  world.run(minutes{2});
  EXPECT_NEAR(world.total(kPayment, kStd), 15, 0.5);
  EXPECT_EQ(world.total(kPayment, kPrm), Divider::kNoTotal);
  EXPECT_EQ(world.total(kBrowse, kStd), Divider::kNoTotal);
}

TEST(Divider, ASecondCapacityOnTheWayCutsTheSameClaimFurther) {
  PolicySettings settings = shared();
  settings.endpoints[kBrowse].capacity = Rate{50, seconds{1}};  // 45 are divided
  settings.upstreams[0].capacity = Rate{40, seconds{1}};        // 36
  settings.adapt.default_floor = 0.05;
  settings.adapt.floors.clear();
  Shared world(settings);
  world.ask(18, 0, 0, 90);
  world.run(hours{2});  // step by step
  EXPECT_NEAR(world.at(kBrowse, kStd).scale, 18.0 / 90, 0.01);
  EXPECT_THAT(world.planner.cause(3),
              HasSubstr("core can take 36/s, claims are 63/s; payment gets 50 % of it; browse STD "
                        "gets 20 % of the 90/s it claims"));
}

/// Asks as in the tests above, and is answered half to each endpoint.
void ask_and_answer(Shared& world, double browse_std, double answered, double latency_ms) {
  world.ask(20, 20, 40, browse_std);
  for (EndpointLoad& load : world.load->endpoints) {
    load.served = {answered / 2, answered / 2 * latency_ms};
  }
}

PolicySettings learned() {
  PolicySettings settings = shared();
  settings.upstreams[0].capacity.reset();
  settings.upstreams[0].learned.emplace();
  return settings;
}

/// So asked and answered the upstream shows that it takes 100/s.
void learn(Shared& world) {
  ask_and_answer(world, 10, 90, 50);
  world.run(minutes{5});
  ask_and_answer(world, 80, 100, 400);
}

TEST(Divider, DividesACapacityOnceItIsLearned) {
  PolicySettings settings = learned();
  Shared world(settings);
  ask_and_answer(world, 10, 90, 50);
  world.run(minutes{5});
  EXPECT_EQ(world.total(kBrowse, kStd), Divider::kNoTotal);
  ASSERT_EQ(world.planner.capacities().size(), 1u);
  EXPECT_TRUE(world.planner.capacities()[0].learned);
  EXPECT_FALSE(world.planner.capacities()[0].per_second);

  ask_and_answer(world, 80, 100, 400);
  world.run(seconds{30});
  ASSERT_TRUE(world.planner.capacities()[0].per_second);
  EXPECT_NEAR(*world.planner.capacities()[0].per_second, 100, 1);
  // As with a capacity of 100/s that is given: 50 are left for browse.
  EXPECT_NEAR(world.total(kBrowse, kStd), 50 / 3.0, 0.5);
  EXPECT_THAT(world.planner.cause(1 * 2 + 1), HasSubstr("core can take 90/s (learned)"));
}

TEST(Divider, DividesTheCeilingWhileNothingIsLearned) {
  PolicySettings settings = shared();
  settings.upstreams[0].capacity.reset();
  settings.upstreams[0].learned = LearnedCapacity{Rate{100, seconds{1}}};
  Shared world(settings);
  world.ask(20, 20, 40, 80);
  world.run(minutes{2});
  EXPECT_NEAR(world.total(kBrowse, kStd), 50 / 3.0, 0.4);
  EXPECT_EQ(world.planner.capacities()[0].ceiling, 100);
}

/// What is let in right now, in requests a second, after half of the workers have gone.
double let_in_when_halved(const PolicySettings& settings, limiter::View enforced = View::effective,
                          Mode all = Mode::enforce) {
  Shared world(settings);
  world.enforced = enforced;
  world.all = all;
  ask_and_answer(world, 10, 90, 50);
  world.run(minutes{5});
  ask_and_answer(world, 80, 100, 400);
  world.run(seconds{30});
  ask_and_answer(world, 20, 50, 800);
  world.run(seconds{15});
  const std::string& cause = world.planner.rules()[0].cause;
  return std::stod(cause.substr(cause.find("take ") + 5));
}

TEST(Divider, DrainsAServiceOnlyWhereThatHoldsBackEnough) {
  PolicySettings settings = learned();
  EXPECT_NEAR(let_in_when_halved(settings), 22.5, 1) << "0.9 of half of what is served";
  EXPECT_EQ(let_in_when_halved(settings, View::without_forecast), 90);
  EXPECT_EQ(let_in_when_halved(settings, View::effective, Mode::shadow), 90);
  const auto with = [&](auto change) {
    PolicySettings changed = settings;
    change(changed);
    return let_in_when_halved(changed);
  };
  const ModeFor shadow{Mode::shadow, 1}, few{Mode::enforce, 0.05}, most{Mode::enforce, 0.9};
  EXPECT_EQ(with([&](auto& s) { s.mode = shadow; }), 90);
  EXPECT_EQ(with([&](auto& s) { s.forecast_mode = shadow; }), 90);
  EXPECT_EQ(with([&](auto& s) { s.rules[0].mode = few; }), 90);
  EXPECT_NEAR(with([&](auto& s) { s.rules[0].mode = most; }), 22.5, 1);
  EXPECT_EQ(with([&](auto& s) { s.endpoints[kBrowse].mode = shadow; }), 90);
}

TEST(Divider, WhatIsLearnedOutlivesAReload) {
  PolicySettings settings = learned();
  Shared world(settings);
  learn(world);
  world.run(seconds{30});
  settings.endpoints[1].limits[1] = limit(50);
  world.planner.reconfigure(settings);
  ASSERT_TRUE(world.planner.capacities()[0].per_second);
  EXPECT_NEAR(*world.planner.capacities()[0].per_second, 100, 1);
  world.load.reset();
  world.step();  // before anything is measured under the new configuration
  EXPECT_THAT(world.planner.rules()[0].cause, HasSubstr("core can take 90/s (learned)"));
  EXPECT_NEAR(world.total(kBrowse, kStd), 50 / 3.0, 0.5);
}

TEST(Divider, WhatIsLearnedIsToldInTheNewWorkWhereCostsChange) {
  PolicySettings settings = learned();
  Shared world(settings);
  learn(world);
  world.run(minutes{1});
  const double before = world.total(kBrowse, kStd);
  for (auto& endpoint : settings.endpoints) endpoint.cost = 5;
  world.planner.reconfigure(settings);
  world.run(seconds{2});
  EXPECT_NEAR(*world.planner.capacities()[0].per_second, 500, 5);
  EXPECT_NEAR(world.total(kBrowse, kStd), before, 0.5)
      << "the same requests, however they are weighed";
}

TEST(Divider, SaysOfACapacityThatIsNoMoreKnownThatItIsNot) {
  PolicySettings settings = shared();
  Shared world(settings);
  world.ask(20, 20, 40, 80);
  world.run(minutes{2});
  settings.upstreams[0].capacity.reset();
  settings.upstreams[0].learned.emplace();
  world.planner.reconfigure(settings);
  world.step();
  EXPECT_THAT(world.planner.rules()[0].cause, testing::Not(HasSubstr("inf")));
}

TEST(Divider, DividesWorkNotRequests) {
  PolicySettings settings = shared();
  settings.endpoints[0].cost = 3;
  settings.endpoints[1].cost = 0.5;
  Shared world(settings);
  world.ask(10, 10, 10, 100);  // 30, 30, 5 and 50 units of work
  world.run(minutes{2});
  EXPECT_EQ(world.total(kPayment, kStd), Divider::kNoTotal);
  EXPECT_NEAR(world.total(kBrowse, kStd), (90 - 65) / 0.5, 1);

  world.ask(10, 0, 0, 0);
  world.run(minutes{30});
  world.see({forecast_of("payment", 40 * 3600, 40 * 3600)});
  world.run(seconds{2});
  const std::string cause = world.planner.cause(0);
  EXPECT_NE(cause.find("claims are 132/s"), std::string::npos) << cause;
  EXPECT_NE(cause.find("/s of work"), std::string::npos) << "these are no requests: " << cause;
}

TEST(Divider, CutsNobodyWhomTheRuleDoesNotReach) {
  PolicySettings settings = shared();
  settings.rules[0].then.tiers = {"STD"};
  Shared world(settings);
  world.ask(20, 20, 60, 60);
  world.run(minutes{2});
  EXPECT_EQ(world.total(kBrowse, kPrm), Divider::kNoTotal);
  EXPECT_NEAR(world.at(kBrowse, kPrm).scale, 1, 1e-9);
  EXPECT_NEAR(world.total(kBrowse, kStd), 4.5, 0.2) << "its floor, 0.2 of a quarter of the 90";
}

TEST(Divider, EndsCalmlyAndRelaxesSlowly) {
  Shared world;
  world.ask(20, 20, 40, 80);
  world.run(minutes{20});
  world.ask(20, 20, 20, 20);
  world.run(seconds{59});
  EXPECT_TRUE(world.planner.rules()[0].active);
  EXPECT_EQ(world.total(kBrowse, kStd), Divider::kNoTotal);
  const double tight = world.at(kBrowse, kStd).scale;
  EXPECT_LT(tight, 0.5);
  world.run(seconds{60});
  EXPECT_FALSE(world.planner.rules()[0].active);
  EXPECT_LT(world.at(kBrowse, kStd).scale, tight + 0.3);
  world.run(minutes{30});
  EXPECT_EQ(world.at(kBrowse, kStd).scale, 1.0);
  EXPECT_EQ(world.planner.cause(1 * 2 + 1), "");
}

/// Claims at the threshold for a day, with the noise of a Poisson process: few changes.
TEST(Divider, DoesNotOscillateAtItsThreshold) {
  Shared world;
  Random random(3);
  int changes = 0;
  bool active = false;
  for (int second = 0; second < 86400; ++second) {
    world.ask(double(random.poisson(20)), double(random.poisson(20)), double(random.poisson(20)),
              double(random.poisson(30)));
    world.run(seconds{1});
    changes += active != world.planner.rules()[0].active ? 1 : 0;
    active = world.planner.rules()[0].active;
  }
  EXPECT_LE(changes, 20);
}

TEST(Divider, LetsGoOfTotalsAsSoonAsASurgeIsOver) {
  Shared world;
  world.ask(0, 10, 0, 30);
  world.run(minutes{1});
  world.ask(0, 400, 0, 30);
  world.run(seconds{20});
  EXPECT_LT(world.total(kBrowse, kStd), 30);
  world.ask(0, 10, 0, 30);
  world.run(seconds{3});
  EXPECT_EQ(world.total(kBrowse, kStd), Divider::kNoTotal) << "40 of 90 are asked for";
}

TEST(Divider, KeepsItsTotalsWhileAnOverloadFluctuates) {
  Shared world;
  Random random(5);
  double least = Divider::kNoTotal, most = 0;
  for (int second = 0; second < 600; ++second) {
    const auto asked = [&](double mean) { return static_cast<double>(random.poisson(mean)); };
    world.ask(asked(10), asked(20), asked(20), asked(60));
    world.run(seconds{1});
    if (second < 60) continue;
    least = std::min(least, world.total(kBrowse, kStd));
    most = std::max(most, world.total(kBrowse, kStd));
  }
  EXPECT_GT(least, 15);
  EXPECT_LT(most, 60);
  std::map<std::string, int> noted;
  for (const PlanChange& change : world.changes)
    if (change.of == PlanChange::Of::total) ++noted[change.endpoint + change.tier];
  EXPECT_GT(noted["browseSTD"], 0);
  for (const auto& [cell, count] : noted) EXPECT_LE(count, 60) << "one in ten seconds at most";
}

TEST(Divider, PutsItsTotalsOnRecord) {
  Shared world;
  world.ask(0, 10, 0, 30);
  world.run(minutes{1});
  world.ask(0, 80, 0, 30);
  world.run(minutes{1});
  world.ask(0, 10, 0, 30);
  world.run(minutes{1});
  std::vector<PlanChange> totals;
  for (const PlanChange& change : world.changes)
    if (change.of == PlanChange::Of::total && change.endpoint == "browse") totals.push_back(change);
  ASSERT_GE(totals.size(), 2U);
  EXPECT_EQ(totals.front().before_per_minute, 0) << "none";
  EXPECT_GT(totals.front().after_per_minute, 0);
  EXPECT_EQ(totals.front().rule, kDivisionRule);
  EXPECT_THAT(totals.front().cause, HasSubstr("core can take 90/s"));
  EXPECT_EQ(totals.back().after_per_minute, 0);
  EXPECT_EQ(totals.back().rule, "");
  EXPECT_LT(totals.size(), 8U);
}

TEST(Divider, TakesTheConfiguredTotalWhereThatIsLess) {
  PolicySettings settings = shared();
  settings.endpoints[1].limits[1].total = Rate{10, seconds{1}};
  Shared world(settings);
  world.ask(20, 20, 40, 80);
  world.run(minutes{2});
  EXPECT_NEAR(world.total(kBrowse, kStd), 10 * world.at(kBrowse, kStd).scale, 1e-3);
}

TEST(Divider, InShadowMovesOnlyTheShadowView) {
  PolicySettings settings = shared();
  settings.rules[0].mode.mode = Mode::shadow;
  Shared world(settings);
  world.ask(20, 20, 40, 80);
  world.run(minutes{2});
  EXPECT_EQ(world.total(kBrowse, kStd), Divider::kNoTotal);
  EXPECT_FALSE(world.at(kBrowse, kStd, View::shadow).total.unlimited());
  EXPECT_TRUE(world.at(kBrowse, kStd, View::without_forecast).total.unlimited());
}

TEST(Divider, KeepsItsScalesOverANewConfiguration) {
  Shared world;
  world.ask(20, 20, 40, 80);
  world.run(minutes{20});
  const double before = world.at(kBrowse, kStd).scale;
  PolicySettings settings = shared();
  settings.endpoints[0].limits[0] = limit(400);
  world.planner.reconfigure(settings);
  world.run(seconds{1});
  EXPECT_NEAR(world.at(kBrowse, kStd).scale, before, 0.01);
  EXPECT_TRUE(world.planner.rules()[0].active);

  settings.adapt.default_floor = 0.9;
  world.planner.reconfigure(settings);
  world.run(seconds{1});
  EXPECT_NEAR(world.at(kBrowse, kStd).scale, 0.9, 1e-9) << "a higher floor holds at once";
}

}  // namespace
}  // namespace tidelimit::policy::test
