#include "ingest/newest_first.hpp"

#include <gtest/gtest.h>

#include "ingest/backward_lines.hpp"
#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

class Stored final : public StoredBytes {
 public:
  explicit Stored(std::string bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  Result<std::size_t> read_at(std::uint64_t from, std::span<char> out) const override {
    return bytes_.copy(out.data(), out.size(), from);
  }

 private:
  std::string bytes_;
};

Source stored_source(std::string name, const std::string& text) {
  Source source = text_source(std::move(name), text);
  source.stored = [text]() -> Result<std::shared_ptr<const StoredBytes>> {
    return std::make_shared<Stored>(text);
  };
  return source;
}

std::string backwards(const std::string& text, bool header_first) {
  auto stream = backward_lines(std::make_shared<Stored>(text), header_first);
  std::string all;
  std::array<char, 1000> piece{};
  for (;;) {
    const auto n = stream->read(piece);
    EXPECT_TRUE(n);
    if (!n || *n == 0) return all;
    all.append(piece.data(), *n);
  }
}

std::string row(int i) {
  return "2026-01-0" + std::to_string(1 + i / 86400) + "T" +
         format_time(WallTime{std::chrono::seconds{i}}).substr(11, 8) + "Z,192.0.2.1,/" +
         std::to_string(i) + "\n";
}

std::string falling(int rows, int step = 1) {
  std::string text = "timestamp,client_ip,path\n";
  for (int i = rows; i > 0; --i) text += row(i * step);
  return text;
}

TEST(BackwardLines, GivesTheLastLineFirst) {
  EXPECT_EQ(backwards("a\nb\n\nc\n", false), "c\n\nb\na\n");
  EXPECT_EQ(backwards("a\nb\r\nc", false), "c\nb\r\na\n");
  EXPECT_EQ(backwards("a\nb\nc\n", true), "a\nc\nb\na\n");
  EXPECT_EQ(backwards("\xef\xbb\xbf"
                      "a\nb\n",
                      true),
            "a\nb\na\n");
  EXPECT_EQ(backwards("", false), "");
  EXPECT_EQ(backwards("\n", false), "\n");
}

TEST(BackwardLines, GivesLinesLongerThanItsBuffer) {
  const std::string one(700'000, 'x');
  const std::string two(300'000, 'y');
  EXPECT_EQ(backwards("a\n" + one + "\n" + two + "\nb\n", false),
            "b\n" + two + "\n" + one + "\na\n");
  EXPECT_EQ(backwards(one + "\n" + two + "\n", true), one + "\n" + two + "\n" + one + "\n");
}

TEST(BackwardLines, CountsLines) {
  EXPECT_EQ(*count_lines(Stored("")), 0u);
  EXPECT_EQ(*count_lines(Stored("a\nb\n")), 2u);
  EXPECT_EQ(*count_lines(Stored("a\nb")), 2u);
}

TEST(NewestFirst, ReadsSuchFilesFromTheirLastLineOn) {
  std::string text = falling(20'000);
  text.insert(text.find(row(500)), "bad\n");  // line 19502
  std::vector<Source> sources{stored_source("x.csv", text)};
  const auto found = turn_newest_first(sources, *FormatChoice::from_options("", {}));
  EXPECT_EQ(found.turned, std::vector<std::string>{"x.csv"});
  EXPECT_TRUE(found.stuck.empty());
  const auto reading = read_all(std::move(sources));
  ASSERT_EQ(reading.requests.size(), 20'000u);
  EXPECT_EQ(reading.requests.front().path, "/1");
  EXPECT_EQ(reading.requests.back().path, "/20000");
  EXPECT_EQ(reading.report.out_of_order, 0u);
  EXPECT_EQ(reading.report.lines, 20'001u);
  EXPECT_EQ(reading.report.unreadable, 1u);
  ASSERT_EQ(reading.report.examples.size(), 1u);
  EXPECT_EQ(reading.report.examples.front().line, 19'502u);
}

TEST(NewestFirst, TurnsNoRecordsThatSpanLines) {
  std::string text = "timestamp,client_ip,path,user_agent\n";
  for (int i = 40; i > 0; --i) {
    std::string one = row(i);
    one.back() = ',';
    text += one + (i == 3 ? "\"a\nb\"\n" : "a\n");
  }
  std::vector<Source> sources{stored_source("x.csv", text)};
  const auto found = turn_newest_first(sources, *FormatChoice::from_options("", {}));
  EXPECT_TRUE(found.turned.empty());
  EXPECT_EQ(found.stuck, std::vector<std::string>{"x.csv"});
}

TEST(NewestFirst, ReadsLogsWithoutAHeaderOnceEach) {
  const auto line = [](int s) {
    return "192.0.2.1 - - [02/Jan/2026:00:00:0" + std::to_string(s) + " +0000] \"GET /" +
           std::to_string(s) + " HTTP/1.1\" 200 5\n";
  };
  std::vector<Source> sources{stored_source("x.log", "bad\n" + line(4) + line(3) + line(1))};
  EXPECT_EQ(turn_newest_first(sources, *FormatChoice::from_options("", {})).turned.size(), 1u);
  const auto reading = read_all(std::move(sources));
  EXPECT_EQ(reading.report.lines, 4u);
  EXPECT_EQ(reading.report.examples.front().line, 1u);
  ASSERT_EQ(reading.requests.size(), 3u);
  EXPECT_EQ(reading.requests.front().path, "/1");
}

TEST(NewestFirst, SaysWhatCannotBeTurned) {
  std::vector<Source> sources{stored_source("x.csv.gz", gzip(falling(1000)))};
  EXPECT_EQ(turn_newest_first(sources, *FormatChoice::from_options("", {})).stuck,
            std::vector<std::string>{"x.csv.gz"});
  EXPECT_FALSE(sources[0].turned);
}

TEST(NewestFirst, LeavesOtherOrdersAlone) {
  std::string rising = "timestamp,client_ip,path\n";
  std::string mixed = rising;
  for (int i = 0; i < 20'000; ++i) {
    rising += row(i);
    mixed += row(i * 7919 % 20'000);
  }
  // Falling within each of two parts, the second of which is the newer one.
  std::string parts = falling(5000);
  for (int i = 20'000; i > 10'000; --i) parts += row(i);
  std::vector<Source> sources{
      stored_source("rising", rising),        stored_source("mixed", mixed),
      stored_source("parts", parts),          stored_source("one", falling(1)),
      stored_source("garbage", "bad\nbad\n"), stored_source("empty", "")};
  const auto found = turn_newest_first(sources, *FormatChoice::from_options("", {}));
  EXPECT_TRUE(found.turned.empty());
  EXPECT_TRUE(found.stuck.empty());
}

}  // namespace
}  // namespace tidelimit::ingest
