// Bundles that were replaced are kept, and one of them can be put in force again.

#include <fstream>
#include <future>
#include <gmock/gmock.h>
#include <optional>

#include "model/some_model.hpp"
#include "store/bundles/bundle_archive.hpp"
#include "store/bundles/bundle_folder.hpp"
#include "store/temporary_folder.hpp"

namespace tidelimit::store {
namespace {

using ::testing::HasSubstr;

model::Bundle bundle(std::uint64_t seed) {
  model::Bundle made;
  made.manifest.preset = "best";
  made.manifest.endpoints = {"payment"};
  made.forecast = model::some_forecaster(forecast::Preset::best, seed);
  return made;
}

class Archive : public testing::Test {
 protected:
  /// Puts it in force and returns its version.
  std::string put(std::uint64_t seed) {
    const auto done = replace_bundle(folder_, bundle(seed));
    EXPECT_TRUE(done) << done.error().message;
    return in_force();
  }
  std::string in_force() const { return read_bundle(folder_)->manifest.version; }
  std::vector<std::string> versions() const {
    const auto bundles = kept_bundles(folder_);
    std::vector<std::string> all;
    for (const auto& kept : bundles.value()) all.push_back(kept.manifest.version);
    return all;
  }

  test::TemporaryFolder outer_;
  const std::filesystem::path folder_ = outer_ / "model";
};

TEST_F(Archive, AskingForAPlaceLeavesNothing) {
  const std::filesystem::path deep = outer_ / "new" / "newer" / "model";
  EXPECT_TRUE(check_bundle_place(deep));
  EXPECT_FALSE(std::filesystem::exists(outer_ / "new"));
  ASSERT_TRUE(replace_bundle(deep, bundle(1)));
  EXPECT_TRUE(check_bundle_place(deep));
  EXPECT_TRUE(read_bundle(deep)) << "what was there stays";
  std::ofstream(outer_ / "file") << "in the way";
  EXPECT_FALSE(check_bundle_place(outer_ / "file" / "model"));
}

TEST_F(Archive, KeepsWhatItReplacesAndReturnsToIt) {
  const std::string first = put(1), second = put(2);
  ASSERT_NE(first, second);
  EXPECT_THAT(versions(), testing::ElementsAre(second, first));
  EXPECT_TRUE(kept_bundles(folder_)->front().in_force);
  EXPECT_FALSE(held(folder_));

  ASSERT_TRUE(return_to(folder_, first));
  EXPECT_EQ(in_force(), first);
  EXPECT_THAT(versions(), testing::ElementsAre(first, second));
  EXPECT_TRUE(held(folder_)) << "what was chosen by hand is not retrained away";
  ASSERT_TRUE(return_to(folder_, second));
  EXPECT_EQ(in_force(), second);
  ASSERT_TRUE(set_held(folder_, false));
  EXPECT_FALSE(held(folder_));
  EXPECT_TRUE(set_held(folder_, false)) << "releasing twice is no mistake";
}

TEST_F(Archive, KeepsNoMoreThanItSays) {
  std::vector<std::string> put_in_turn;
  for (std::uint64_t seed = 1; seed <= kKeptBundles + 3; ++seed) put_in_turn.push_back(put(seed));
  const auto kept = versions();
  ASSERT_EQ(kept.size(), kKeptBundles + 1);
  for (std::size_t i = 0; i < kept.size(); ++i)
    EXPECT_EQ(kept[i], put_in_turn[put_in_turn.size() - 1 - i]) << i;
}

TEST_F(Archive, NamesTheVersionsThereAre) {
  const auto none = kept_bundles(folder_);
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::not_found);
  const std::string first = put(1), second = put(2);
  for (const char* wrong : {"20200101T000000Z-00000000", "..", "", "../model"}) {
    const auto refused = return_to(folder_, wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_EQ(refused.error().code, Code::not_found);
    EXPECT_THAT(refused.error().message, HasSubstr("there is " + first)) << wrong;
  }
  EXPECT_EQ(in_force(), second);
  EXPECT_FALSE(held(folder_));
}

TEST_F(Archive, ADamagedOneIsShownAsThatAndNotPutInForce) {
  const std::string first = put(1), second = put(2);
  std::ofstream(outer_ / ("model.past/" + first + "/traffic.onnx")) << "no model";
  const auto bundles = kept_bundles(folder_).value();
  EXPECT_THAT(versions(), testing::ElementsAre(second, first));
  EXPECT_EQ(bundles[0].damage, "");
  EXPECT_THAT(bundles[1].damage, HasSubstr("traffic.onnx"));
  EXPECT_FALSE(return_to(folder_, first));
  EXPECT_EQ(in_force(), second);
}

TEST_F(Archive, NamesWhatIsNotForTheWindowsOfTheGate) {
  put(1), put(2);
  const forecast::Shape same;
  forecast::Shape other;
  other.window = std::chrono::minutes{5};
  const std::string words =
      "it is for window 15m, history 24h, horizon 1h, the gate forecasts with window 5m, history "
      "24h, horizon 1h";
  const auto misfits = [&](const forecast::Shape* of_gate) {
    std::vector<std::string> all;
    const auto bundles = kept_bundles(folder_, of_gate);
    for (const auto& kept : bundles.value()) all.push_back(kept.misfit);
    return all;
  };
  EXPECT_THAT(misfits(nullptr), testing::ElementsAre("", ""));
  EXPECT_THAT(misfits(&same), testing::ElementsAre("", ""));
  EXPECT_THAT(misfits(&other), testing::ElementsAre(words, words));
}

TEST_F(Archive, NobodyReplacesWhatAnotherLooksAt) {
  const std::string first = put(1);
  std::optional<BundleLock> lock(folder_);
  auto other = std::async(std::launch::async, [&] { return replace_bundle(folder_, bundle(2)); });
  EXPECT_EQ(other.wait_for(std::chrono::milliseconds{200}), std::future_status::timeout);
  EXPECT_EQ(in_force(), first);
  ASSERT_TRUE(replace_bundle(*lock, bundle(3))) << "who has it may";
  lock.reset();
  EXPECT_TRUE(other.get());
  EXPECT_EQ(versions().size(), 3U);
}

TEST_F(Archive, WhoWaitedLongEnoughGoesOnWithoutTheLock) {
  using std::chrono::milliseconds;
  const std::string first = put(1);
  const BundleLock lock(folder_);
  const auto begin = std::chrono::steady_clock::now();
  const BundleLock impatient(folder_, milliseconds{100});
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds{100}) << "it did wait";
  EXPECT_TRUE(replace_bundle(impatient, bundle(2)));
  EXPECT_NE(in_force(), first);
}

TEST_F(Archive, ALinkToTheFolderIsLockedAsTheFolderIs) {
  const std::string first = put(1);
  std::filesystem::create_directories(outer_ / "etc");
  const std::filesystem::path link = outer_ / "etc/model";
  std::filesystem::create_directory_symlink(folder_, link);
  std::optional<BundleLock> lock(link);
  auto other = std::async(std::launch::async, [&] { return replace_bundle(folder_, bundle(2)); });
  EXPECT_EQ(other.wait_for(std::chrono::milliseconds{200}), std::future_status::timeout);
  EXPECT_EQ(in_force(), first);
  lock.reset();
  EXPECT_TRUE(other.get());
  EXPECT_NE(in_force(), first);
}

TEST_F(Archive, ADamagedOneInForceIsShownAndReplacedByOneBefore) {
  const std::string first = put(1), second = put(2);
  std::ofstream(folder_ / "traffic.onnx") << "no model";
  const auto bundles = kept_bundles(folder_).value();
  ASSERT_THAT(versions(), testing::ElementsAre("", first));
  EXPECT_TRUE(bundles[0].in_force);
  EXPECT_THAT(bundles[0].damage, HasSubstr("traffic.onnx"));
  EXPECT_EQ(bundles[1].damage, "");
  ASSERT_TRUE(return_to(folder_, first));
  EXPECT_THAT(versions(), testing::ElementsAre(first));
}

}  // namespace
}  // namespace tidelimit::store
