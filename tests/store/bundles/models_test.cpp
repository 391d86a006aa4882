// The models that a configuration names, out of one folder or of two.

#include <gmock/gmock.h>

#include "model/some_model.hpp"
#include "store/bundles/bundle_folder.hpp"
#include "store/temporary_folder.hpp"

namespace tidelimit::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ReadModels : public testing::Test {
 protected:
  /// Its version.
  std::string put(const std::filesystem::path& folder, std::uint64_t seed) {
    model::Bundle made;
    made.manifest.preset = "best";
    made.manifest.endpoints = {"payment"};
    made.forecast = model::some_forecaster(forecast::Preset::best, seed);
    made.anomaly = detector_;
    EXPECT_TRUE(write_bundle(folder, made));
    return read_bundle(folder)->manifest.version;
  }

  test::TemporaryFolder outer_;
  const std::filesystem::path a_ = outer_ / "a";
  const std::filesystem::path b_ = outer_ / "b";
  const std::shared_ptr<const anomaly::Detector> detector_ = model::some_detector();
};

TEST_F(ReadModels, EachModelHasTheVersionOfItsOwnBundle) {
  const std::string of_a = put(a_, 1), of_b = put(b_, 2);
  ASSERT_NE(of_a, of_b);
  const auto models = read_models(a_, b_);
  ASSERT_TRUE(models) << models.error().message;
  EXPECT_TRUE(models->bundle->forecast && models->bundle->anomaly);
  EXPECT_EQ(models->bundle->manifest.forecast_version, of_a);
  EXPECT_EQ(models->bundle->manifest.anomaly_version, of_b);
  EXPECT_THAT(models->warnings, IsEmpty());
}

TEST_F(ReadModels, OneFolderGivesBothAndNoFolderNone) {
  const std::string version = put(a_, 1);
  const auto both = read_models(a_, a_).value();
  EXPECT_TRUE(both.bundle->forecast && both.bundle->anomaly);
  EXPECT_EQ(both.bundle->manifest.version, version);
  const auto none = read_models({}, {}).value();
  EXPECT_FALSE(none.bundle->forecast || none.bundle->anomaly);
  const auto detector = read_models({}, a_).value();
  EXPECT_FALSE(detector.bundle->forecast);
  EXPECT_TRUE(detector.bundle->anomaly);
  EXPECT_EQ(detector.bundle->manifest.forecast_version, "");
}

TEST_F(ReadModels, AFolderThatIsNotThereTakesTheOtherModelNotAlong) {
  const std::string of_b = put(b_, 2);
  const auto models = read_models(a_, b_);
  ASSERT_TRUE(models) << models.error().message;
  EXPECT_FALSE(models->bundle->forecast);
  EXPECT_TRUE(models->bundle->anomaly);
  EXPECT_EQ(models->bundle->manifest.anomaly_version, of_b);
  EXPECT_THAT(models->warnings, ElementsAre(HasSubstr(a_.string() + ": there is no model")));
}

TEST_F(ReadModels, WhatRunsStaysWhereItsFolderIsGone) {
  const std::string of_a = put(a_, 1);
  put(b_, 2);
  const auto running = read_models(a_, b_).value().bundle;
  std::filesystem::remove_all(a_);
  const std::string again = put(b_, 3);
  const auto models = read_models(a_, b_, running.get()).value();
  EXPECT_EQ(models.bundle->forecast, running->forecast);
  EXPECT_EQ(models.bundle->manifest.forecast_version, of_a);
  EXPECT_EQ(models.bundle->manifest.anomaly_version, again);
  EXPECT_THAT(models.warnings, ElementsAre(HasSubstr("there is no model")));
}

TEST_F(ReadModels, AGateServesTheModelWhoseFolderIsWhole) {
  const std::string of_a = put(a_, 1), of_b = put(b_, 2);
  const auto running = read_models(a_, b_).value().bundle;
  const auto damage = [](const std::filesystem::path& folder) {
    std::filesystem::resize_file(folder / "manifest.json", 100);
  };
  damage(a_);
  EXPECT_FALSE(read_models(a_, b_)) << "who names it by hand is told";
  const auto fresh = read_models(a_, b_, nullptr, Damaged::left_out).value();
  EXPECT_FALSE(fresh.bundle->forecast);
  EXPECT_EQ(fresh.bundle->manifest.anomaly_version, of_b);
  EXPECT_THAT(fresh.warnings, ElementsAre(HasSubstr(a_.string() + ": manifest.json: damaged")));
  const std::string again = put(b_, 3);
  const auto later = read_models(a_, b_, running.get(), Damaged::left_out).value();
  EXPECT_EQ(later.bundle->forecast, running->forecast);
  EXPECT_EQ(later.bundle->manifest.forecast_version, of_a);
  EXPECT_EQ(later.bundle->manifest.anomaly_version, again);
  EXPECT_FALSE(read_models(a_, a_, running.get(), Damaged::left_out)) << "it is all there is";
}

}  // namespace
}  // namespace tidelimit::store
