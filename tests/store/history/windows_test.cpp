#include "store/history/fixture.hpp"

namespace tidelimit::store {
namespace {

const std::vector<std::string> kEndpoints{"payment", "browse"};

using WindowsTest = HistoryTest;

TEST_F(WindowsTest, ComeBackWithEveryNumber) {
  const auto history = open();
  ASSERT_TRUE(history->put_windows(kStart, kStep, kEndpoints, {stats(100), stats(900)}));
  const auto grid = history->windows(kStart, kStep, kEndpoints).value();
  EXPECT_EQ(grid.start, kStart);
  EXPECT_EQ(grid.step, kStep);
  EXPECT_EQ(grid.endpoints, kEndpoints);
  ASSERT_EQ(grid.size(), 1U);
  const auto& back = grid.stats[1][0];
  const auto put = stats(900);
  EXPECT_EQ(back.requests, put.requests);
  EXPECT_EQ(back.premium, put.premium);
  EXPECT_EQ(back.errors, put.errors);
  EXPECT_EQ(back.responses, put.responses);
  EXPECT_EQ(back.latency_ms_sum, put.latency_ms_sum);
  EXPECT_EQ(back.malicious, put.malicious);
  EXPECT_EQ(back.late, put.late);
  EXPECT_TRUE(back.observed);
}

TEST_F(WindowsTest, MissingOnesAreGapsNotZeros) {
  const auto history = open();
  ASSERT_TRUE(history->put_windows(kStart, kStep, kEndpoints, {stats(1), stats(2)}));
  ASSERT_TRUE(history->put_windows(kStart + 3 * kStep, kStep, {"payment"}, {stats(4)}));
  const auto grid = history->windows(kStart - 24h, kStep, kEndpoints).value();
  ASSERT_EQ(grid.size(), 4U);
  EXPECT_EQ(grid.start, kStart) << "empty time before the first window is no part of the grid";
  EXPECT_FALSE(grid.stats[0][1].observed);
  EXPECT_FALSE(grid.stats[0][2].observed);
  EXPECT_TRUE(grid.stats[0][3].observed);
  EXPECT_EQ(grid.stats[0][3].requests, 4);
  EXPECT_FALSE(grid.stats[1][3].observed);
}

TEST_F(WindowsTest, OfMoreThanAGridHoldsTheNewestAreRead) {
  constexpr std::size_t kMost = engine::History::kMostWindows;
  const auto history = open();
  const WallTime newest = kStart + kMost * 1min + 1h;
  ASSERT_TRUE(history->put_windows(kStart, 1min, {"payment"}, {stats(1)}));
  ASSERT_TRUE(history->put_windows(newest, 1min, {"payment"}, {stats(2)}));
  ASSERT_TRUE(history->put_windows(newest + 24h * 300, 1min, {"payment"}, {stats(3)}));
  const auto grid = history->windows(kStart, 1min, {"payment"}, newest + 30s).value();
  ASSERT_GT(grid.size(), 0U);
  EXPECT_LE(grid.size(), kMost);
  EXPECT_EQ(grid.stats[0].back().requests, 2);
  EXPECT_EQ(grid.time_of(grid.size() - 1), newest);
}

TEST_F(WindowsTest, LongerOnesAreKeptAndCountedAsUnused) {
  const auto history = open();
  for (int i = 0; i < 2; ++i)
    ASSERT_TRUE(history->put_windows(kStart + i * kStep, kStep, kEndpoints, {stats(1), stats(2)}));
  EXPECT_EQ(history->windows_unused(kStep).value(), 0U);
  EXPECT_EQ(history->windows_unused(2 * kStep).value(), 0U) << "added up";
  EXPECT_EQ(history->windows_unused(5min).value(), 2U);
}

TEST_F(WindowsTest, OfNoHistoryAreAnEmptyGrid) {
  const auto grid = open()->windows(kStart, kStep, kEndpoints).value();
  EXPECT_EQ(grid.size(), 0U);
  EXPECT_EQ(grid.stats.size(), 2U);
}

TEST_F(WindowsTest, FinerOnesOfAnEarlierConfigurationAddUp) {
  const auto history = open();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(history->put_windows(kStart + i * 5min, 5min, {"payment"}, {stats(10)}));
  }
  const auto grid = history->windows(kStart, kStep, {"payment"}).value();
  ASSERT_EQ(grid.size(), 2U);
  EXPECT_EQ(grid.stats[0][0].requests, 30);
  EXPECT_TRUE(grid.stats[0][0].observed);
  EXPECT_FALSE(grid.stats[0][1].observed) << "two of three parts are no whole window";
  // A window of just this length is the truth, whatever parts lie beside it.
  ASSERT_TRUE(history->put_windows(kStart, kStep, {"payment"}, {stats(33)}));
  EXPECT_EQ(history->windows(kStart, kStep, {"payment"}).value().stats[0][0].requests, 33);
  // What does not divide the step is left out.
  EXPECT_EQ(history->windows(kStart, 7min, {"payment"}).value().size(), 0U);
}

TEST_F(WindowsTest, TheOpenOneIsThereUntilItIsClosed) {
  const auto history = open();
  ASSERT_TRUE(history->put_windows(kStart, kStep, kEndpoints, {stats(1), stats(2)}));
  ASSERT_TRUE(
      history->put_open_windows(open_window(kStart + kStep, kEndpoints, {stats(5), stats(6)})));
  ASSERT_TRUE(
      history->put_open_windows(open_window(kStart + kStep, kEndpoints, {stats(7), stats(8)})));
  auto grid = history->windows(kStart, kStep, kEndpoints).value();
  ASSERT_EQ(grid.size(), 2U);
  EXPECT_EQ(grid.stats[0][1].requests, 7);
  EXPECT_FALSE(grid.stats[0][1].observed);
  ASSERT_TRUE(history->put_windows(kStart + kStep, kStep, kEndpoints, {stats(9), stats(9)}));
  grid = history->windows(kStart, kStep, kEndpoints).value();
  ASSERT_EQ(grid.size(), 2U);
  EXPECT_EQ(grid.stats[0][1].requests, 9);
  EXPECT_TRUE(grid.stats[0][1].observed);
}

TEST_F(WindowsTest, AllThatAreOpenComeBackAsTheyWereSaved) {
  const auto history = open();
  EXPECT_EQ(history->open_windows(kStep).value().so_far.size(), 0U);
  const traffic::OpenWindows saved{
      kStart + kStep + 20s,
      {kStart, kStep, {"browse", "payment"}, {{stats(5), stats(6)}, {stats(7), stats(8)}}},
      {{0s, 4s}, {15min, 0s}}};
  ASSERT_TRUE(history->put_open_windows(open_window(kStart - kStep, {"gone"}, {stats(1)})));
  ASSERT_TRUE(history->put_open_windows(saved));
  auto back = history->open_windows(kStep).value();
  EXPECT_EQ(back.as_of, saved.as_of);
  EXPECT_EQ(back.so_far.start, kStart);
  EXPECT_EQ(back.so_far.endpoints, saved.so_far.endpoints);
  ASSERT_EQ(back.so_far.size(), 2U);
  EXPECT_EQ(back.so_far.stats[0][1].requests, 6);
  EXPECT_EQ(back.so_far.stats[1][0].latency_ms_sum, stats(7).latency_ms_sum);
  EXPECT_EQ(back.missed, saved.missed);
  EXPECT_EQ(history->open_windows(5min).value().so_far.size(), 0U);
  // A closed one is open no more.
  ASSERT_TRUE(history->put_windows(kStart, kStep, {"browse", "payment"}, {stats(5), stats(7)}));
  back = history->open_windows(kStep).value();
  EXPECT_EQ(back.so_far.start, kStart + kStep);
  EXPECT_EQ(back.so_far.size(), 1U);
}

TEST_F(WindowsTest, OldOnesGoInSmallBatches) {
  engine::Retention retention;
  retention.windows = 1h;
  const auto history = open(retention);
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(history->put_windows(kStart + i * kStep, kStep, {"payment"}, {stats(i)}));
  }
  const auto grid = history->windows(kStart, kStep, {"payment"}).value();
  EXPECT_EQ(grid.start, kStart + 95 * kStep);
  EXPECT_EQ(grid.size(), 5U);
}

TEST_F(WindowsTest, AClockThatJumpedAheadCostsLittleHistory) {
  const auto history = open();
  for (int i = 0; i < 2000; ++i) {
    ASSERT_TRUE(history->put_windows(kStart + i * kStep, kStep, {"payment"}, {stats(i)}));
  }
  ASSERT_TRUE(history->put_windows(kStart + 24h * 365 * 10, kStep, {"payment"}, {stats(1)}));
  const auto grid = history->windows(kStart, kStep, {"payment"}).value();
  EXPECT_GE(grid.size(), 1400U) << "one call removes a small batch at most";
  EXPECT_LE(grid.size(), 2000U) << "ten years of emptiness are no grid";
}

TEST_F(WindowsTest, NothingIsRemovedByATimeThatIsNotBelieved) {
  const auto history = open();
  history->believe(kStart + 200 * kStep);
  for (int i = 0; i < 200; ++i)
    ASSERT_TRUE(history->put_windows(kStart + i * kStep, kStep, {"payment"}, {stats(i)}));
  const WallTime ahead = kStart + 24h * 365 * 10;
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(history->put_windows(ahead + i * kStep, kStep, {"payment"}, {stats(1)}));
  EXPECT_EQ(history->windows(kStart, kStep, {"payment"}).value().size(), 200U);
  // Nor is it there any more when the clock is right again.
  ASSERT_TRUE(history->drop_windows(ahead, ahead + 3 * kStep));
  EXPECT_EQ(history->windows(ahead, kStep, {"payment"}).value().size(), 0U);
  EXPECT_EQ(history->windows(kStart, kStep, {"payment"}).value().start, kStart);
}

TEST_F(WindowsTest, AreReadUpToATimeAndOfOneEndpoint) {
  const auto history = open();
  for (int i = 0; i < 4; ++i)
    ASSERT_TRUE(history->put_windows(kStart + i * kStep, kStep, kEndpoints, {stats(i), stats(9)}));
  ASSERT_TRUE(
      history->put_open_windows(open_window(kStart + 4 * kStep, kEndpoints, {stats(8), stats(8)})));
  const auto grid = history->windows(kStart, kStep, {"payment"}, kStart + 3 * kStep).value();
  ASSERT_EQ(grid.size(), 3U);
  EXPECT_EQ(grid.stats[0][2].requests, 2);
  EXPECT_EQ(history->windows(kStart, kStep, kEndpoints).value().size(), 5U);
}

}  // namespace
}  // namespace tidelimit::store
