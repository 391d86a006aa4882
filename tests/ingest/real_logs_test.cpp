#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>

#include "ingest/summary.hpp"
#include "ingest/windows_reader.hpp"
#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

namespace fs = std::filesystem;

/// The shared data set beside the repository; tests that need it skip without it.
const fs::path kData = fs::path(TIDELIMIT_SOURCE_DIR) / ".." / "shared" / "data";

Source file_source(const fs::path& path) {
  return {path.filename().string(), [path]() -> Result<std::unique_ptr<ByteStream>> {
            const int descriptor = ::open(path.c_str(), O_RDONLY);
            if (descriptor < 0) return fail(Code::not_found, path.string());
            return descriptor_stream(descriptor, true);
          }};
}

struct Expected {
  const char* file;
  const char* format;
  std::uint64_t lines;
  const char* first;
  const char* last;
};

class RealLog : public testing::TestWithParam<Expected> {};

TEST_P(RealLog, IsReadInFull) {
  const Expected& expected = GetParam();
  const fs::path path = kData / expected.file;
  if (!fs::exists(path)) GTEST_SKIP() << "the shared data set is not here";
  auto reader = RecordReader::open({file_source(path)}, options());
  ASSERT_TRUE(reader) << reader.error().message;
  Summary summary;
  traffic::Request request;
  while (reader->next(request)) summary.add(request);
  ASSERT_FALSE(reader->failure()) << reader->failure()->message;
  const ReadReport& report = reader->report();
  EXPECT_EQ(report.format, expected.format);
  EXPECT_EQ(report.lines, expected.lines);
  EXPECT_EQ(report.requests, expected.lines) << describe(report.examples.front());
  EXPECT_EQ(report.unreadable, 0u);
  EXPECT_TRUE(report.problems.empty());
  EXPECT_EQ(format_time(*summary.first()), expected.first);
  EXPECT_EQ(format_time(*summary.last()), expected.last);
}

INSTANTIATE_TEST_SUITE_P(
    Shared, RealLog,
    testing::Values(Expected{"logs/apache_semicomplete_2015_10k.log.gz", "combined", 10'000,
                             "2015-05-17T10:05:00Z", "2015-05-20T21:05:59Z"},
                    Expected{"logs/nasa_19950701_10k.log.gz", "common", 9'999,
                             "1995-07-01T04:00:01Z", "1995-07-01T07:39:44Z"},
                    Expected{"logs/zanbil_shop_2019_10k.log.gz", "combined", 10'018,
                             "2019-01-22T00:26:14Z", "2019-01-22T01:07:09Z"},
                    Expected{"attacks/scanner_acunetix.log.gz", "combined", 6'539,
                             "2016-12-22T13:11:41Z", "2016-12-22T13:40:23Z"},
                    Expected{"attacks/scanner_w3af.log.gz", "combined", 3'996,
                             "2016-12-22T18:45:37Z", "2016-12-22T21:31:05Z"}),
    [](const auto& info) {
      const std::string name = fs::path(info.param.file).stem().stem().string();
      return name;
    });

TEST(RealSeries, AreReadOnTheirGrids) {
  if (!fs::exists(kData / "series")) GTEST_SKIP() << "the shared data set is not here";
  const std::tuple<const char*, std::size_t, Nanos> cases[] = {
      {"isp_transatlantic_2005_hourly.csv.gz", 1231, std::chrono::hours{1}},
      {"nab_elb_request_count_15min.csv.gz", 1345, std::chrono::minutes{15}},
      {"nab_nyc_taxi_30min.csv.gz", 10320, std::chrono::minutes{30}},
      {"wikipedia_2009_hourly.csv.gz", 8579, std::chrono::hours{1}},
  };
  for (const auto& [file, rows, step] : cases) {
    auto reader = RecordReader::open({file_source(kData / "series" / file)}, options());
    ASSERT_TRUE(reader) << reader.error().message;
    const auto windows = read_windows(*reader, std::chrono::minutes{15});
    ASSERT_TRUE(windows) << windows.error().message;
    EXPECT_EQ(windows->grid.size(), rows) << file;
    EXPECT_EQ(windows->grid.step, step) << file;
    EXPECT_EQ(windows->fit, step <= std::chrono::minutes{15}) << file;
  }
}

}  // namespace
}  // namespace tidelimit::ingest
