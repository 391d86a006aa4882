#include "ingest/windows_reader.hpp"

#include <gtest/gtest.h>

#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

using namespace std::chrono_literals;

Result<Windows> read(std::string text, Nanos step) {
  auto reader = RecordReader::open({text_source("w.csv", std::move(text))}, options());
  if (!reader) return tl::unexpected<Error>(reader.error());
  EXPECT_TRUE(reader->is_windows());
  return read_windows(*reader, step);
}

std::vector<double> requests(const Windows& windows, std::size_t endpoint = 0) {
  std::vector<double> counts;
  for (const auto& window : windows.grid.stats[endpoint]) {
    counts.push_back(window.observed ? window.requests : -1);
  }
  return counts;
}

using Counts = std::vector<double>;

TEST(Windows, KeepsASeriesOnItsOwnGrid) {
  const auto windows = read(
      "timestamp,value\n2014-04-10T00:07:00,5\n2014-04-10T00:22:00,5.5\n"
      "2014-04-10T00:37:00,1e3\n",
      15min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(windows->grid.endpoints, std::vector<std::string>{"all"});
  EXPECT_EQ(format_time(windows->grid.start), "2014-04-10T00:07:00Z");
  EXPECT_EQ(requests(*windows), (Counts{5, 5.5, 1000}));
  EXPECT_EQ(windows->input_step, 15min);
  EXPECT_TRUE(windows->fit);
}

TEST(Windows, ReadsNumbersAsSpreadsheetsWriteThem) {
  const auto thousands = read(
      "timestamp,value\n2014-04-10 00:00,\"1,522\"\n2014-04-10 00:15,\"1,234,567.5\"\n"
      "2014-04-10 00:30,\"12,34\"\n2014-04-10 00:45,7\n",
      15min);
  ASSERT_TRUE(thousands) << thousands.error().message;
  EXPECT_EQ(requests(*thousands), (Counts{1522, 1234567.5, -1, 7}));
  const auto semicolons =
      read("timestamp;value\n2014-04-10;1522,5\n2014-04-11;7\n2014-04-12;8\n", 24h);
  ASSERT_TRUE(semicolons) << semicolons.error().message;
  EXPECT_EQ(requests(*semicolons), (Counts{1522.5, 7, 8}));
}

TEST(Windows, ReadsRatiosOfSeveralEndpointsInAnyOrder) {
  const auto windows = read(
      "endpoint,requests,timestamp,premium_ratio,error_rate\n"
      "browse,10,2014-04-10T00:15:00,0.5,0.1\n"
      "payment,4,2014-04-10T00:00:00,0.25,\n"
      "browse,20,2014-04-10T00:00:00,,\n",
      15min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(windows->grid.endpoints, (std::vector<std::string>{"browse", "payment"}));
  EXPECT_EQ(requests(*windows, 0), (Counts{20, 10}));
  EXPECT_EQ(requests(*windows, 1), (Counts{4, -1}));
  const auto& browse = windows->grid.stats[0];
  EXPECT_DOUBLE_EQ(browse[1].premium, 5);
  EXPECT_DOUBLE_EQ(browse[1].errors, 1);
  EXPECT_DOUBLE_EQ(browse[1].responses, 10);
  EXPECT_DOUBLE_EQ(browse[0].responses, 0);  // unknown
  EXPECT_DOUBLE_EQ(windows->grid.stats[1][0].premium, 1);
}

TEST(Windows, AddsUpFinerRowsAndLeavesOutPartsOfWindows) {
  std::string text = "timestamp,value\n";
  // 00:10 to 01:10 in steps of 5 minutes, without 00:35
  for (int minute = 10; minute < 70; minute += 5) {
    if (minute == 35) continue;
    text += "2014-04-10T0" + std::to_string(minute / 60) + ":" + (minute % 60 < 10 ? "0" : "") +
            std::to_string(minute % 60) + ":00," + std::to_string(minute) + "\n";
  }
  const auto windows = read(text, 15min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(windows->input_step, 5min);
  EXPECT_EQ(format_time(windows->grid.start), "2014-04-10T00:15:00Z");
  EXPECT_EQ(requests(*windows), (Counts{15 + 20 + 25, -1, 45 + 50 + 55}));
}

TEST(Windows, MarksMissingRowsAsGaps) {
  const auto windows = read("timestamp,value\n0,1\n900,2\n3600,3\n4500,4\n", 15min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(requests(*windows), (Counts{1, 2, -1, -1, 3, 4}));
}

TEST(Windows, MarksGapsOfEachEndpointByItself) {
  const auto windows = read(
      "timestamp,endpoint,requests\n0,a,1\n900,a,2\n1800,a,3\n2700,a,4\n"
      "900,b,7\n2700,b,8\n3600,b,9\n",
      15min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(requests(*windows, 0), (Counts{1, 2, 3, 4, -1}));
  EXPECT_EQ(requests(*windows, 1), (Counts{-1, 7, -1, 8, 9}));
}

TEST(Windows, AddsUpNoEndpointThatLacksAPart) {
  std::string text = "timestamp,endpoint,requests\n";
  for (int row = 0; row < 9; ++row) {
    text += std::to_string(row * 300) + ",a,10\n";
    if (row != 4) text += std::to_string(row * 300) + ",b,1\n";
  }
  const auto windows = read(text, 15min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(requests(*windows, 0), (Counts{30, 30, 30}));
  EXPECT_EQ(requests(*windows, 1), (Counts{3, -1, 3}));
}

TEST(Windows, CutsOffTheEndsThatNoEndpointHasWhole) {
  std::string text = "timestamp,endpoint,requests\n";
  for (int row = 1; row < 10; ++row) text += std::to_string(row * 300) + ",a,10\n";
  for (int row = 3; row < 7; ++row) text += std::to_string(row * 300) + ",b,1\n";
  const auto windows = read(text, 15min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(format_time(windows->grid.start), "1970-01-01T00:15:00Z");
  EXPECT_EQ(requests(*windows, 0), (Counts{30, 30}));
  EXPECT_EQ(requests(*windows, 1), (Counts{3, -1}));
}

TEST(Windows, KeepsTheStepOfRowsThatDoNotAddUp) {
  const auto coarser = read("timestamp,value\n0,1\n3600,2\n7200,3\n", 15min);
  ASSERT_TRUE(coarser);
  EXPECT_FALSE(coarser->fit);
  EXPECT_EQ(coarser->grid.step, 1h);
  EXPECT_EQ(requests(*coarser), (Counts{1, 2, 3}));
  const auto uneven = read("timestamp,value\n0,1\n600,2\n1200,3\n", 15min);
  ASSERT_TRUE(uneven);
  EXPECT_FALSE(uneven->fit);
  EXPECT_EQ(uneven->grid.step, 10min);
}

TEST(Windows, RefusesRangesThatCannotBe) {
  const auto wide = read("timestamp,value\n0,1\n1,1\n2,1\n2000000000,1\n", 1s);
  ASSERT_FALSE(wide);
  EXPECT_NE(wide.error().message.find("is one of these times wrong?"), std::string::npos);
  const auto partial = read("timestamp,value\n0,1\n60,1\n120,1\n", 15min);
  ASSERT_FALSE(partial);
  EXPECT_EQ(partial.error().message, "w.csv: no window of 15m is complete");
}

TEST(Windows, CountsRowsThatCannotBeRead) {
  auto reader = RecordReader::open(
      {text_source("w.csv", "timestamp,value\n0,1\n\nx,1\n900,-1\n900,many\n900,2,3\n900,2\n"),
       text_source("more.csv", "timestamp,value\n1800,3\n")},
      options());
  ASSERT_TRUE(reader);
  const auto windows = read_windows(*reader, 15min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(requests(*windows), (Counts{1, 2, 3}));
  const ReadReport& report = reader->report();
  EXPECT_EQ(report.format, "windows");
  EXPECT_EQ(report.lines, 8u);
  EXPECT_EQ(report.requests, 3u);
  EXPECT_EQ(report.unreadable, 5u);
  EXPECT_EQ(report.by_reason[static_cast<std::size_t>(Unreadable::bad_number)], 2u);
}

std::uint64_t refused(const ReadReport& report, Unreadable reason) {
  return report.by_reason[static_cast<std::size_t>(reason)];
}

TEST(Windows, CountsEachWindowOfAnEndpointOnce) {
  const std::string rows =
      "timestamp,endpoint,requests\n0,a,1\n0,b,10\n300,a,2\n300,b,20\n600,a,3\n600,b,30\n";
  // The same file twice, and an export that overlaps it, with another number for one window.
  auto reader = RecordReader::open(
      {text_source("w.csv", rows), text_source("w.csv", rows),
       text_source("x.csv", "timestamp,endpoint,requests\n600,a,4\n600,b,30\n900,a,5\n")},
      options());
  ASSERT_TRUE(reader);
  const auto windows = read_windows(*reader, 5min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(requests(*windows, 0), (Counts{1, 2, 3, 5}));
  EXPECT_EQ(requests(*windows, 1), (Counts{10, 20, 30, -1}));
  const ReadReport& report = reader->report();
  EXPECT_EQ(refused(report, Unreadable::given_before), 7u);
  EXPECT_EQ(refused(report, Unreadable::given_otherwise), 1u);
  EXPECT_EQ(report.requests, 7u);
  EXPECT_EQ(describe(report.examples.back()),
            "x.csv:2: a window of an endpoint that was given before with other numbers: the first "
            "counts: 600,a,4");
}

TEST(Windows, AddsUpFinerRowsAfterLeavingOutTheSecondOfEach) {
  auto reader = RecordReader::open(
      {text_source("w.csv", "timestamp,value\n0,1\n300,2\n300,2\n600,4\n")}, options());
  ASSERT_TRUE(reader);
  const auto windows = read_windows(*reader, 15min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(requests(*windows), (Counts{7}));
}

TEST(Windows, RefusesRatiosThatAreNoShares) {
  auto reader = RecordReader::open(
      {text_source("w.csv",
                   "timestamp,endpoint,requests,error_rate,premium_ratio\n0,a,1,1.7,\n0,a,2,abc,0\n"
                   "0,a,3,0,50\n0,a,4,-3,0\n0,a,5,nan,\n0,a,6,0.5,1\n900,a,7,, \n")},
      options());
  ASSERT_TRUE(reader);
  const auto windows = read_windows(*reader, 15min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(requests(*windows), (Counts{6, 7}));
  EXPECT_EQ(refused(reader->report(), Unreadable::bad_ratio), 5u);
  const auto decimal_commas =
      read("timestamp;endpoint;requests;error_rate\n0;a;10;0,5\n900;a;10;0,1\n", 15min);
  ASSERT_TRUE(decimal_commas) << decimal_commas.error().message;
  EXPECT_DOUBLE_EQ(decimal_commas->grid.stats[0][0].errors, 5);
}

TEST(Windows, RefusesNumbersThatAreNoCounts) {
  auto reader = RecordReader::open(
      {text_source("w.csv", "timestamp,value\n0,1\n900,1e300\n900,1e12\n1800,1.1e12\n")},
      options());
  ASSERT_TRUE(reader);
  const auto windows = read_windows(*reader, 15min);
  ASSERT_TRUE(windows) << windows.error().message;
  EXPECT_EQ(requests(*windows), (Counts{1, 1e12}));
  EXPECT_EQ(refused(reader->report(), Unreadable::huge_number), 2u);
}

}  // namespace
}  // namespace tidelimit::ingest
