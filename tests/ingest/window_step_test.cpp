#include "ingest/window_step.hpp"

#include <gtest/gtest.h>

#include "ingest/windows_reader.hpp"
#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

using namespace std::chrono_literals;

Result<Windows> read(const std::string& rows, Nanos step) {
  auto reader = RecordReader::open({text_source("w.csv", "timestamp,value\n" + rows)}, options());
  if (!reader) return tl::unexpected<Error>(reader.error());
  return read_windows(*reader, step);
}

std::string row(std::int64_t second) {
  return std::to_string(1'700'006'400 + second) + ",5\n";  // a multiple of a day, and of a week not
}

std::size_t gaps(const Windows& windows) {
  std::size_t count = 0;
  for (const auto& window : windows.grid.stats[0]) count += window.observed ? 0 : 1;
  return count;
}

TEST(WindowStep, FindsTheStepOfASeriesWithRowsMissing) {
  std::string rows;
  for (int i = 0; i < 900; ++i) {
    if (i % 3 != 1) rows += row(i * 900);
  }
  const auto windows = read(rows, 15min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(windows->input_step, 15min);
  EXPECT_EQ(windows->grid.size(), 900u);
  EXPECT_EQ(gaps(*windows), 300u);
}

TEST(WindowStep, RoundsTimesThatAreALittleLateOrEarly) {
  for (const int early : {0, 1, 2}) {
    std::string rows;
    for (int i = 0; i < 500; ++i) rows += row(10'000 * 900 + i * 900 + i * 7919 % 3 - early);
    const auto windows = read(rows, 15min);
    ASSERT_TRUE(windows) << windows.error().message;
    EXPECT_EQ(windows->input_step, 15min);
    EXPECT_EQ(windows->grid.size(), 500u);
    EXPECT_EQ(gaps(*windows), 0u);
    EXPECT_EQ(windows->grid.start.time_since_epoch() % 15min, 0ns);
  }
}

TEST(WindowStep, RoundsRowsOfEndpointsThatComeOneAfterTheOther) {
  std::string rows = "timestamp,endpoint,requests\n";
  for (int i = 0; i < 100; ++i) {
    rows += std::to_string(i * 300 + 1) + ",a,1\n" + std::to_string(i * 300 + 2) + ",b,1\n";
  }
  auto reader = RecordReader::open({text_source("w.csv", rows)}, options());
  ASSERT_TRUE(reader);
  const auto windows = read_windows(*reader, 5min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(windows->grid.size(), 100u);
  EXPECT_EQ(gaps(*windows), 0u);
}

TEST(WindowStep, KnowsStepsThatAreNotCommon) {
  std::string exact;
  std::string late;
  std::string days;
  for (int i = 0; i < 300; ++i) {
    exact += row(i * 420);
    late += row(i * 420 + i * 31 % 4);
    days += row(i * 86'400 + (i > 100 && i < 200 ? 3600 : 0));  // local midnights, in summer too
  }
  EXPECT_EQ(read(exact, 1s)->input_step, 7min);
  EXPECT_EQ(read(late, 1s)->input_step, 7min);
  EXPECT_EQ(read(days, 1s)->input_step, 24h);
  EXPECT_EQ(read(row(0) + row(2700), 1s)->input_step, 45min);
  EXPECT_EQ(read(row(0), 30min)->input_step, 30min);
}

TEST(WindowStep, NamesARowThatLiesBetweenWindows) {
  std::string rows;
  for (int i = 0; i < 100; ++i) rows += row(i * 3600);
  const auto windows = read(rows + row(200 * 3600 + 1800), 1h);
  ASSERT_FALSE(windows);
  EXPECT_TRUE(windows.error().message.starts_with("w.csv:102: ")) << windows.error().message;
  EXPECT_NE(windows.error().message.find("lies between windows"), std::string::npos);
}

TEST(WindowStep, NamesASecondRowOfAWindow) {
  std::string rows;
  for (int i = 0; i < 100; ++i) rows += row(i * 3600);
  const auto windows = read(rows + row(50 * 3600 + 5), 1h);
  ASSERT_FALSE(windows);
  EXPECT_TRUE(windows.error().message.starts_with("w.csv:102: ")) << windows.error().message;
  EXPECT_NE(windows.error().message.find("w.csv:52"), std::string::npos);
}

TEST(WindowStep, RefusesSingleEvents) {
  std::string rows;
  std::int64_t second = 0;
  for (int i = 0; i < 200; ++i) rows += row(second += 1 + i * i * 7919 % 613);
  const auto windows = read(rows, 15min);
  ASSERT_FALSE(windows);
  EXPECT_NE(windows.error().message.find("do not come at equal distances"), std::string::npos)
      << windows.error().message;
}

}  // namespace
}  // namespace tidelimit::ingest
