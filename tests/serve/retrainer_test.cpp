#include "serve/retrainer.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <future>
#include <gmock/gmock.h>
#include <utility>

#include "engine/memory_history.hpp"
#include "model/some_model.hpp"
#include "serve/eventually.hpp"
#include "store/bundles/bundle_archive.hpp"
#include "store/bundles/bundle_folder.hpp"
#include "store/temporary_folder.hpp"

namespace tidelimit::serve {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Gives its windows when it is let.
class SlowHistory final : public engine::test::MemoryHistory {
 public:
  Result<traffic::WindowGrid> windows(WallTime from, Nanos step,
                                      const std::vector<std::string>& endpoints,
                                      WallTime until) override {
    if (!asked_) {
      reached.set_value();
      let.get_future().wait();
    }
    asked_ = true;
    return MemoryHistory::windows(from, step, endpoints, until);
  }

  std::promise<void> reached;
  std::promise<void> let;

 private:
  bool asked_ = false;
};

/// What a thread that was let go refers to.
struct Setting {
  explicit Setting(Clock the_clock = {},
                   const std::filesystem::path& model = testing::TempDir() + "/no-model-here")
      : clock(the_clock) {
    config::Config config;
    config.retrain.every = std::chrono::hours{1};
    config.forecast_model = model;
    settings.publish(make_front_settings(std::move(config), 1));
    retrainer.start();
  }
  /// Not started yet.
  explicit Setting(config::Config config) {
    settings.publish(make_front_settings(std::move(config), 1));
  }

  std::shared_ptr<SlowHistory> history = std::make_shared<SlowHistory>();
  bool let = false;  ///< the history was
  engine::Engine engine{{}, history, 1};
  SettingsSlot settings;
  Clock clock;
  Notes notes;
  Retrainer retrainer{engine, settings, clock, notes, milliseconds{1}};
};

TEST(Retrainer, IsLetGoWhereItDoesNotEnd) {
  static auto* const kept = new Setting;  // until the process ends, as promised
  kept->history->reached.get_future().wait();
  EXPECT_FALSE(kept->retrainer.stop(milliseconds{20}));
}

TEST(Retrainer, TakesAModelOfTheFutureForOneOfNow) {
  // A rehearsal of days long past, with a model that was put there today.
  const std::filesystem::path folder = testing::TempDir() + "/model-of-today";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / model::kManifestName) << "{}";
  const WallTime begin{std::chrono::hours{24 * 18000}};
  constexpr int kPace = 18'000;  // an hour in 0.2 s
  Setting setting(Clock::rehearsal(begin, kPace), folder);
  EXPECT_TRUE(eventually([&] { return setting.retrainer.next().has_value(); }));
  EXPECT_LT(*setting.retrainer.next(), begin + std::chrono::hours{24});
  EXPECT_TRUE(eventually([&] { return setting.retrainer.count(Retrainer::Ending::failed) > 0; }))
      << "the manifest says nothing, but somebody must have looked";
  setting.history->let.set_value();
}

TEST(Retrainer, EndsInTime) {
  Setting setting;
  setting.history->reached.get_future().wait();
  setting.history->let.set_value();
  EXPECT_TRUE(setting.retrainer.stop(seconds{60}));
  EXPECT_EQ(setting.retrainer.count(Retrainer::Ending::failed), 1u) << "there are no windows";
}

/// Requests turn over every eight hours, which is the other way round a day and a week later: a
/// network of two steps learns it in no time, and no simple rule foresees it.
class RetrainedMeanwhile : public testing::Test {
 protected:
  static constexpr forecast::Shape kShape{hours{8}, hours{16}, hours{8}};

  static model::Bundle bundle(std::uint64_t seed) {
    model::Bundle made;
    made.manifest.preset = "baseline";
    made.manifest.endpoints = {"payment"};
    made.forecast = model::some_forecaster(forecast::Preset::baseline, seed);
    return made;
  }
  void put(const model::Bundle& bundle) { ASSERT_TRUE(store::replace_bundle(folder_, bundle)); }
  std::string in_force() const { return store::read_bundle(folder_)->manifest.version; }

  /// As if the bundle stood there for two hours.
  void age() const {
    std::filesystem::last_write_time(folder_ / model::kManifestName,
                                     std::filesystem::file_time_type::clock::now() - hours{2});
  }
  /// A gate whose training is due.
  std::unique_ptr<Setting> gate() const {
    age();
    config::Config config;
    config.retrain.every = hours{1};
    config.retrain.history = hours{24 * 60};
    config.forecast_model = folder_;
    config.engine.shape = kShape;
    config.engine.policy.endpoints.emplace_back().name = "payment";
    auto setting = std::make_unique<Setting>(std::move(config));
    const WallTime end = floor_to(setting->clock.now().wall, kShape.window);
    for (int i = 0; i < 120; ++i) {
      traffic::WindowStats stats;
      stats.requests = i % 2 == 0 ? 900 : 100;
      EXPECT_TRUE(setting->history->put_windows(end - (120 - i) * kShape.window, kShape.window,
                                                {"payment"}, {stats}));
    }
    return setting;
  }
  /// In the middle of its training.
  std::unique_ptr<Setting> training() const {
    auto setting = gate();
    setting->retrainer.start();
    setting->history->reached.get_future().wait();
    return setting;
  }
  static bool ends(Setting& setting, Retrainer::Ending ending, seconds patience = minutes{3}) {
    if (!std::exchange(setting.let, true)) setting.history->let.set_value();
    const auto& all = Retrainer::kEndings;
    const auto ended = [&] {
      return std::any_of(all.begin(), all.end(),
                         [&](auto any) { return setting.retrainer.count(any) > 0; });
    };
    return eventually(ended, patience) && setting.retrainer.count(ending) == 1;
  }

  test::TemporaryFolder outer_;
  const std::filesystem::path folder_ = outer_ / "model";
};

TEST_F(RetrainedMeanwhile, NothingHappenedAndTheCloserModelTakesOver) {
  put(bundle(1));
  const std::string before = in_force();
  auto setting = training();
  EXPECT_TRUE(ends(*setting, Retrainer::Ending::taken));
  EXPECT_NE(in_force(), before);
}

TEST_F(RetrainedMeanwhile, WhatWasInstalledStays) {
  put(bundle(1));
  auto setting = training();
  put(bundle(2));
  const std::string installed = in_force();
  EXPECT_TRUE(ends(*setting, Retrainer::Ending::kept));
  EXPECT_EQ(in_force(), installed);
}

TEST_F(RetrainedMeanwhile, WhatIsGoneDoesNotComeBack) {
  put(bundle(1));
  auto setting = training();
  std::filesystem::remove_all(folder_);
  EXPECT_TRUE(ends(*setting, Retrainer::Ending::kept));
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

TEST_F(RetrainedMeanwhile, WhatIsHeldStays) {
  put(bundle(1));
  auto setting = training();
  const std::string chosen = in_force();
  {
    // An operator looks at what there is, and holds it: no training that ends meanwhile may be in
    // between.
    const store::BundleLock looks(folder_);
    EXPECT_FALSE(ends(*setting, Retrainer::Ending::taken, seconds{2}));
    std::filesystem::create_directories(outer_ / "model.past");
    std::ofstream(outer_ / "model.past/held") << "by hand\n";
  }
  EXPECT_TRUE(ends(*setting, Retrainer::Ending::kept));
  EXPECT_EQ(in_force(), chosen);
}

TEST_F(RetrainedMeanwhile, WhileItRunsItSaysSinceWhenAndWhenTheNextOneIsDue) {
  put(bundle(1));
  auto setting = training();
  const WallTime now = setting->clock.now().wall;
  ASSERT_TRUE(setting->retrainer.since());
  EXPECT_LE(*setting->retrainer.since(), now);
  ASSERT_TRUE(setting->retrainer.next());
  EXPECT_EQ(*setting->retrainer.next(), *setting->retrainer.since() + hours{1});
  EXPECT_TRUE(ends(*setting, Retrainer::Ending::taken));
  EXPECT_TRUE(eventually([&] { return !setting->retrainer.since(); }));
}

TEST_F(RetrainedMeanwhile, WhatTheGateRefusesIsNotJudgedAgainst) {
  put(bundle(1));
  auto setting = gate();
  auto running = std::make_shared<model::Bundle>();
  auto fitting = std::make_shared<forecast::ForecastModel>(*bundle(2).forecast);
  fitting->shape = kShape;
  running->forecast = fitting;
  setting->engine.set_models(running);
  setting->retrainer.start();
  EXPECT_TRUE(eventually([&] { return setting->retrainer.count(Retrainer::Ending::failed) > 0; }));
  EXPECT_THAT(setting->notes.of("retraining"), testing::HasSubstr("it is for window 15m"));
  EXPECT_FALSE(setting->retrainer.since());
}

TEST(Retrainer, ABundleThatCanNotBeReadIsNoAttempt) {
  const test::TemporaryFolder outer;
  const std::filesystem::path folder = outer / "model";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / model::kManifestName) << "{}";
  const WallTime begin{hours{24 * 18'000}};
  constexpr int kSpeed = 3'600;  // an hour in a second
  Setting setting(Clock(begin, kSpeed), folder);
  const auto noted = [&] { return !setting.notes.of("retraining").empty(); };
  const auto failed = [&] { return setting.retrainer.count(Retrainer::Ending::failed); };
  EXPECT_TRUE(eventually([&] { return failed() > 0; }));  // counted after it was noted
  const auto seen = setting.clock.mono();
  EXPECT_TRUE(eventually([&] { return setting.clock.mono() > seen + minutes{5}; }));
  EXPECT_EQ(failed(), 1U) << "it is one trouble";
  EXPECT_FALSE(setting.retrainer.since());
  // A good one, which came now and is not to be renewed for an hour.
  model::Bundle good;
  good.manifest.preset = "best";
  good.manifest.endpoints = {"payment"};
  good.forecast = model::some_forecaster(forecast::Preset::best, 1);
  ASSERT_TRUE(store::write_bundle(folder, good));
  EXPECT_TRUE(eventually([&] { return !noted(); }));
  // The hour is over.
  setting.history->reached.get_future().wait();
  EXPECT_TRUE(setting.retrainer.since());
  setting.history->let.set_value();
}

}  // namespace
}  // namespace tidelimit::serve
