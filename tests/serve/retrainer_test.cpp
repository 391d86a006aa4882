#include "serve/retrainer.hpp"

#include <filesystem>
#include <fstream>
#include <future>
#include <gtest/gtest.h>

#include "engine/memory_history.hpp"
#include "serve/eventually.hpp"

namespace tidelimit::serve {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Gives its windows, which are none, when it is let.
class SlowHistory final : public engine::test::MemoryHistory {
 public:
  Result<traffic::WindowGrid> windows(WallTime from, Nanos step,
                                      const std::vector<std::string>& endpoints,
                                      WallTime until) override {
    if (!asked_) reached.set_value();
    asked_ = true;
    let.get_future().wait();
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

  std::shared_ptr<SlowHistory> history = std::make_shared<SlowHistory>();
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

}  // namespace
}  // namespace tidelimit::serve
