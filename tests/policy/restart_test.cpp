// Where limits stand after a restart, or a new configuration.

#include <gtest/gtest.h>

#include "policy/mission.hpp"

namespace tidelimit::policy::test {
namespace {

/// Another gate, started ten seconds later with what this one has put on record.
World restarted(const World& before, const PolicySettings& settings) {
  World after(settings);
  after.elapsed = before.elapsed + seconds{10};
  after.planner.restore(before.changes, Mode::enforce, after.now());
  after.step();
  return after;
}

PolicySettings with_floor(double floor) {
  PolicySettings settings = mission();
  settings.adapt.default_floor = floor;
  return settings;
}

TEST(Restart, AHigherFloorHoldsAtOnceAfterAReloadAndAfterARestart) {
  World world(mission());
  world.cpu = 0.95;
  world.run(seconds{3});
  ASSERT_NEAR(world.at(kBrowse, kStd).scale, 0.25, 1e-9);
  World after = restarted(world, with_floor(0.6));
  EXPECT_NEAR(after.at(kBrowse, kStd).scale, 0.6, 0.01);

  world.planner.reconfigure(with_floor(0.6));
  world.step();
  EXPECT_NEAR(world.at(kBrowse, kStd).scale, 0.6, 1e-9);
}

TEST(Restart, GoesOnRelaxingWithoutAnotherHold) {
  World before(mission());
  before.see({forecast_of("payment", 2000, 840)});
  before.step();
  before.run(minutes{15});
  before.see({forecast_of("payment", 840, 840)});
  before.run(minutes{5});
  before.see({forecast_of("payment", 840, 840)});
  before.run(minutes{2});
  const double scale = before.at(kBrowse, kStd).scale;
  ASSERT_GT(scale, 0.6) << "it relaxes";
  ASSERT_LT(scale, 0.95);
  World after = restarted(before, mission());
  after.run(minutes{1});
  EXPECT_GT(after.at(kBrowse, kStd).scale, before.changes.back().after_scale + 0.05);
}

TEST(Restart, HoldsAfterAStepDownForTheRestOfItsTime) {
  World before(mission());
  before.see({forecast_of("payment", 2000, 840)});
  before.step();
  before.run(minutes{5});
  World after = restarted(before, mission());
  after.run(minutes{9});
  EXPECT_NEAR(after.at(kBrowse, kStd).scale, 0.5, 1e-9);
  after.run(minutes{2});
  EXPECT_GT(after.at(kBrowse, kStd).scale, 0.5);
}

TEST(Restart, ALimitBackAtItsBaseSaysNothingOfARuleThatIsOnlyWatched) {
  PolicySettings settings = mission();
  Rule watched = settings.rules.back();
  watched.name = "watched";
  watched.mode.mode = Mode::shadow;
  watched.when.cpu = 0.5;
  watched.then.scale = 0.2;
  settings.rules.push_back(watched);
  World before(settings);
  before.cpu = 0.95;
  before.run(seconds{3});
  before.cpu = 0.6;  // the one that is enforced lets go, the other does not
  before.run(minutes{20});
  ASSERT_EQ(before.at(kBrowse, kStd).scale, 1);
  ASSERT_NEAR(before.at(kBrowse, kStd, limiter::View::shadow).scale, 0.2, 1e-9);
  World after = restarted(before, settings);
  EXPECT_EQ(after.at(kBrowse, kStd).scale, 1);
  EXPECT_NEAR(after.at(kBrowse, kStd, limiter::View::shadow).scale, 0.2, 0.05);
}

TEST(Restart, NoRuleStandsLowerThanTheOneThatSetTheLimit) {
  PolicySettings settings = mission();
  Rule mild = settings.rules.back();
  mild.name = "mild";
  mild.when.cpu = 0.5;
  mild.then.scale = 0.8;
  settings.rules.push_back(mild);
  World before(settings);
  before.cpu = 0.95;
  before.run(seconds{3});
  ASSERT_NEAR(before.at(kBrowse, kStd).scale, 0.25, 1e-9) << "by cpu-pressure";
  before.cpu = 0.6;  // which lets go, while the mild one stays
  before.run(minutes{20});
  ASSERT_NEAR(before.at(kBrowse, kStd).scale, 0.8, 1e-9);
  World after = restarted(before, settings);
  EXPECT_NEAR(after.at(kBrowse, kStd).scale, 0.8, 0.02);
}

}  // namespace
}  // namespace tidelimit::policy::test
