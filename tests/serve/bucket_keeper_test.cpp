#include "serve/bucket_keeper.hpp"

#include <gmock/gmock.h>

#include "limiter/bucket_calls.hpp"
#include "store/temporary_folder.hpp"

namespace tidelimit::serve {
namespace {

using limiter::Charge;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

class BucketKeeperTest : public ::testing::Test {
 protected:
  /// One of 20 a day.
  bool charge() {
    Charge charge;
    const limiter::Limit daily = limiter::every(minutes{72}, 20);
    return region.charge(limiter::call_on(1, daily, clock.mono()), charge) &&
           charge.conformance.conforms;
  }

  BucketKeeperTest() { settings.publish(std::make_shared<const FrontSettings>()); }

  test::TemporaryFolder folder;
  SettingsSlot settings;
  Clock clock;
  Notes notes;
  limiter::BucketRegion region{4096};
  store::BucketFile file{folder / "gate.db", 1};
};

TEST_F(BucketKeeperTest, AStopSavesWhatWasChargedLast) {
  const WallTime zero = clock.now().wall - clock.mono().since_start;
  BucketKeeper keeper(file, region, settings, clock, zero, notes);
  keeper.restore();
  keeper.start();
  ASSERT_TRUE(charge());
  ASSERT_TRUE(keeper.stop(seconds{30}));
  EXPECT_EQ(keeper.figures().saved, 1U);
  EXPECT_GT(keeper.figures().saved_at, 0);

  store::BucketFile again(folder / "gate.db", 2);
  limiter::BucketRegion next{4096};
  BucketKeeper successor(again, next, settings, clock, zero, notes);
  successor.restore();
  EXPECT_EQ(successor.figures().restored, 1U);
  EXPECT_TRUE(successor.figures().restored_well);
}

TEST_F(BucketKeeperTest, WhatCannotBeSavedIsNotedUntilItCan) {
  const auto in_the_way = folder / "gate.db.buckets";
  std::filesystem::create_directory(in_the_way);
  const auto end_after_a_charge = [&] {
    BucketKeeper keeper(file, region, settings, clock, clock.now().wall, notes);
    keeper.start();
    EXPECT_TRUE(charge());
    EXPECT_TRUE(keeper.stop(seconds{30}));
    return keeper.figures().saved;
  };
  EXPECT_EQ(end_after_a_charge(), 0U);
  EXPECT_THAT(notes.of("limits"), HasSubstr(in_the_way.string()));
  std::filesystem::remove(in_the_way);
  EXPECT_EQ(end_after_a_charge(), 1U);
  EXPECT_EQ(notes.of("limits"), "");
}

}  // namespace
}  // namespace tidelimit::serve
