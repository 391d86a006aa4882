#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

/// A gate that has hardly any windows of its own.
using YoungGate = GateInTime;

TEST_F(YoungGate, ForecastsFromThePastThatItsModelKeeps) {
  auto model = std::make_shared<forecast::ForecastModel>(*seasonal_forecaster());
  model->past = {kMidnight - hours{72}, minutes{15}, {"browse"}, {{}}};
  model->past.stats[0].resize(3 * 96 + 2);  // as far as into the gate's own time
  for (auto& window : model->past.stats[0]) window.requests = 40;
  const auto history = std::make_shared<MemoryHistory>();
  start(mission(), history);
  engine->set_models(bundle(model, nullptr));
  ASSERT_TRUE(engine->restore(now));
  engine->tick(now);
  passed(10);
  pass(minutes{16});
  const auto status = engine->status();
  EXPECT_EQ(status->forecasts[kBrowse].source, forecast::Source::seasonal);
  EXPECT_NEAR(status->forecasts[kBrowse].median(), 4 * 40, 1);
  EXPECT_EQ(status->forecasts[kPayment].median(), 0) << "of which the model keeps nothing";
  // Its own windows are as they were.
  const auto grid = engine->windows(WallTime{});
  EXPECT_EQ(grid.start, kMidnight);
  ASSERT_EQ(grid.size(), 1u);
  EXPECT_EQ(grid.stats[kBrowse][0].requests, 10);
  EXPECT_FALSE(history->closed.contains({kMidnight - minutes{15}, "browse"}));
}

}  // namespace
}  // namespace tidelimit::engine::test
