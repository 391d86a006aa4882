// What is remembered changes no forecast.

#include "forecast/memory.hpp"

#include <gtest/gtest.h>

#include "synthetic.hpp"

namespace tidelimit::forecast {
namespace {

constexpr Shape kShape{};

std::shared_ptr<const ForecastModel> trained(Preset preset) {
  TrainOptions options;
  options.preset = preset;
  options.epochs = 1;
  auto model = train(rhythm(2, 6, 1), options, {});
  EXPECT_TRUE(model) << (model ? "" : model.error().message);
  return model.value_or(nullptr);
}

void expect_equal(const std::vector<EndpointForecast>& remembered,
                  const std::vector<EndpointForecast>& fresh) {
  ASSERT_EQ(remembered.size(), fresh.size());
  for (std::size_t e = 0; e < fresh.size(); ++e) {
    EXPECT_EQ(remembered[e].endpoint, fresh[e].endpoint);
    EXPECT_EQ(remembered[e].source, fresh[e].source);
    EXPECT_EQ(remembered[e].made_at, fresh[e].made_at);
    for (std::size_t q = 0; q < kQuantiles.size(); ++q)
      EXPECT_NEAR(remembered[e].quantiles[q], fresh[e].quantiles[q], 1e-9 * fresh[e].quantiles[q]);
  }
}

class Memory : public testing::TestWithParam<Preset> {};

TEST_P(Memory, ChangesNoForecast) {
  const auto model = trained(GetParam());
  const auto grid = rhythm(2, 12, 7);
  ForecastMemory memory;
  // Window by window through the day on which history becomes long enough, and later with a jump,
  // as after a pause.
  for (std::size_t size = 80; size < 112; ++size) {
    const auto known = first_windows(grid, size);
    expect_equal(predict_next(model.get(), known, kShape, memory),
                 predict(model.get(), known, size, kShape));
  }
  for (const std::size_t size : {300U, 301U, 302U, 303U, 304U, 305U, 1000U, 1001U}) {
    const auto known = first_windows(grid, size);
    expect_equal(predict_next(model.get(), known, kShape, memory),
                 predict(model.get(), known, size, kShape));
  }
}
INSTANTIATE_TEST_SUITE_P(Presets, Memory, testing::Values(Preset::best, Preset::baseline));

TEST(ForecastMemory, WhatIsDroppedOfOldJudgementsChangesNoForecast) {
  const auto grid = rhythm(2, 46, 9);
  ForecastMemory memory;
  // Day by day and window by window, and at last over a pause.
  for (const std::size_t size : {192U, 2000U, 3400U, 3496U, 3592U, 3688U, 3689U, 3690U, 4416U}) {
    const auto known = first_windows(grid, size);
    expect_equal(predict_next(nullptr, known, kShape, memory),
                 predict(nullptr, known, size, kShape));
  }
}

TEST(ForecastMemory, ForgetsWhenTheGridOrTheModelIsAnother) {
  const auto model = trained(Preset::best);
  TrainOptions options;
  options.seed = 5;
  options.epochs = 1;
  const auto other = train(rhythm(2, 6, 2), options, {});
  ASSERT_TRUE(other);
  ForecastMemory memory;
  const auto grid = rhythm(2, 8, 3);
  (void)predict_next(model.get(), grid, kShape, memory);
  expect_equal(predict_next(other->get(), grid, kShape, memory),
               predict(other->get(), grid, grid.size(), kShape));

  auto later = rhythm(2, 9, 4);
  later.start += std::chrono::hours{24};
  expect_equal(predict_next(other->get(), later, kShape, memory),
               predict(other->get(), later, later.size(), kShape));
}

/// Two days of traffic, then `days` of silence.
traffic::WindowGrid silent_for(std::size_t days) {
  auto grid = rhythm(2, 2, 3);
  for (auto& row : grid.stats) row.resize(row.size() + days * 96);
  return grid;
}

TEST(ForecastMemory, AfterALongSilenceNothingIsSaid) {
  const auto last_word = silent_for(kQuietDays - 1);
  ForecastMemory memory;
  for (const auto& made : predict_next(nullptr, last_word, kShape, memory))
    EXPECT_NE(made.source, Source::none);
  const auto silence = silent_for(kQuietDays);
  for (const auto& made : predict_next(nullptr, silence, kShape, memory)) {
    EXPECT_EQ(made.source, Source::none);
    EXPECT_EQ(made.made_at, silence.time_of(silence.size()));
    EXPECT_EQ(made.note, "no request in 35 days");
  }
}

TEST(ForecastMemory, SilenceEndsWithTheFirstWindowInWhichSomethingCame) {
  auto grid = silent_for(50);
  ForecastMemory memory;
  (void)predict_next(nullptr, grid, kShape, memory);
  for (auto& row : grid.stats) row.resize(row.size() + 4);
  grid.stats[1].back().requests = 7;
  expect_equal(predict_next(nullptr, grid, kShape, memory),
               predict(nullptr, grid, grid.size(), kShape));
}

TEST(ForecastMemory, WindowsThatNobodySawAreNoSilence) {
  auto grid = silent_for(50);
  for (auto& row : grid.stats) row[500].observed = false;
  ForecastMemory memory;
  EXPECT_NE(predict_next(nullptr, first_windows(grid, 500 + kQuietDays * 96), kShape, memory)
                .front()
                .source,
            Source::none);
  EXPECT_EQ(predict_next(nullptr, first_windows(grid, 501 + kQuietDays * 96), kShape, memory)
                .front()
                .source,
            Source::none);
}

}  // namespace
}  // namespace tidelimit::forecast
