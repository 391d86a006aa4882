#include "ingest/time_merge.hpp"

#include <gtest/gtest.h>

#include "ingest/source_order.hpp"
#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

std::string at(int second, const std::string& path = "/") {
  const auto two = [](int n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  return "192.0.2.1 - - [02/Jan/2026:" + two(second / 3600) + ":" + two(second / 60 % 60) + ":" +
         two(second % 60) + " +0000] \"GET " + path + " HTTP/1.1\" 200 5\n";
}

Reading merged(std::vector<Source> sources, ReadOptions how = options()) {
  (void)order_by_time(sources, how.format);
  return read_all(std::move(sources), std::move(how));
}

std::string paths(const Reading& reading) {
  std::string all;
  for (const Owned& request : reading.requests) all += request.path.substr(1);
  return all;
}

TEST(TimeMerge, MergesInputsThatOverlapAndEqualTimesInTheOrderOfInputs) {
  const auto reading =
      merged({text_source("b.log", at(10, "/a") + at(30, "/d") + at(30, "/e") + at(50, "/h")),
              text_source("c.log", at(20, "/c") + at(30, "/f") + at(40, "/g")),
              text_source("d.log", at(10, "/b") + at(60, "/i"))});
  EXPECT_EQ(paths(reading), "abcdefghi");
  EXPECT_EQ(reading.report.requests, 9u);
  EXPECT_EQ(reading.report.lines, 9u);
  EXPECT_EQ(reading.report.out_of_order, 0u);
}

TEST(TimeMerge, MergesManyRequestsOfBalancedServersAsOneLogWould) {
  std::vector<std::string> servers(3);
  std::string one;
  for (int i = 0; i < 30'000; ++i) {
    const std::string line = at(i, "/" + std::to_string(i));
    one += line;
    servers[static_cast<std::size_t>(i * 7 % 11 % 3)] += line;
  }
  const auto reading = merged({text_source("a", servers[0]), text_source("b.gz", gzip(servers[1])),
                               text_source("c", servers[2])});
  const auto whole = read_text(one);
  ASSERT_EQ(reading.requests.size(), whole.requests.size());
  for (std::size_t i = 0; i < whole.requests.size(); ++i) {
    ASSERT_EQ(reading.requests[i].path, whole.requests[i].path) << i;
  }
  EXPECT_EQ(reading.report.out_of_order, 0u);
}

TEST(TimeMerge, NamesUnreadableLinesByTheirInputAndCountsAll) {
  const auto reading = merged({text_source("a.log", at(10, "/a") + "bad a\n" + at(30, "/c")),
                               text_source("b.log", "bad b\n" + at(20, "/b") + "\n" + at(40, "/d")),
                               text_source("garbage", "bad c\n"), text_source("empty", "")});
  EXPECT_EQ(paths(reading), "abcd");
  EXPECT_EQ(reading.report.lines, 8u);
  EXPECT_EQ(reading.report.unreadable, 4u);
  EXPECT_EQ(reading.report.requests + reading.report.unreadable, reading.report.lines);
  std::string places;
  for (const auto& line : reading.report.examples) {
    places += line.source + ":" + std::to_string(line.line) + " ";
  }
  EXPECT_NE(places.find("a.log:2 "), std::string::npos) << places;
  EXPECT_NE(places.find("b.log:1 "), std::string::npos) << places;
  EXPECT_NE(places.find("b.log:3 "), std::string::npos) << places;
  EXPECT_NE(places.find("garbage:1 "), std::string::npos) << places;
}

TEST(TimeMerge, OpensAnInputOnlyWhenItsTimeComes) {
  int open = 0;
  int most = 0;
  const auto counting = [&](std::string name, std::string text) {
    class Counted final : public ByteStream {
     public:
      Counted(std::string bytes, int& open) : inner_(memory_stream(std::move(bytes))), open_(open) {
        ++open_;
      }
      ~Counted() override { --open_; }
      Result<std::size_t> read(std::span<char> out) override { return inner_->read(out); }

     private:
      std::unique_ptr<ByteStream> inner_;
      int& open_;
    };
    return Source{std::move(name),
                  [&, text = std::move(text)]() -> Result<std::unique_ptr<ByteStream>> {
                    auto stream = std::make_unique<Counted>(text, open);
                    most = std::max(most, open);
                    return stream;
                  }};
  };
  std::vector<Source> sources;
  for (int day = 9; day >= 0; --day) {
    std::string text;
    for (int i = 0; i < 100; ++i) text += at(day * 1000 + i);
    sources.push_back(counting("log." + std::to_string(day), text));
  }
  const auto reading = merged(std::move(sources));
  EXPECT_EQ(reading.requests.size(), 1000u);
  EXPECT_EQ(reading.report.out_of_order, 0u);
  EXPECT_EQ(most, 1);
  EXPECT_EQ(open, 0);
}

TEST(TimeMerge, AWrongClockHoldsBackNothing) {
  std::string a;
  std::string b;
  for (int i = 0; i < 100; ++i) (i % 2 == 0 ? a : b) += at(i);
  std::string wrong = at(0);
  wrong.replace(wrong.find("2026"), 4, "2099");
  const auto reading =
      merged({text_source("a", a.substr(0, a.size() / 2 / at(0).size() * at(0).size()) + wrong +
                                   a.substr(a.size() / 2 / at(0).size() * at(0).size())),
              text_source("b", b)});
  EXPECT_EQ(reading.requests.size(), 100u);
  EXPECT_EQ(reading.report.out_of_order, 0u);
  EXPECT_EQ(reading.report.by_reason[static_cast<std::size_t>(Unreadable::wrong_clock)], 1u);
  EXPECT_EQ(reading.report.lines, 101u);
}

TEST(TimeMerge, KeepsAsideFilesOfFewLines) {
  std::string many;
  for (int i = 0; i < 100; ++i) many += at(i * 10, "/m");
  const auto reading =
      merged({text_source("many", many), text_source("few", at(105, "/f") + at(905, "/f"))});
  ASSERT_EQ(reading.requests.size(), 102u);
  EXPECT_EQ(reading.requests[11].path, "/f");
  EXPECT_EQ(reading.requests[92].path, "/f");
  EXPECT_EQ(reading.report.out_of_order, 0u);
}

TEST(TimeMerge, MergesWhatCanBeReadOnlyOnce) {
  std::vector<Source> sources{text_source("pipe", at(20, "/b") + at(40, "/d")),
                              text_source("file", at(10, "/a") + at(30, "/c"))};
  sources[0].only_once = true;
  EXPECT_EQ(paths(merged(std::move(sources))), "abcd");
}

TEST(TimeMerge, StrictEndsAtTheFirstUnreadableLine) {
  const auto reading = merged(
      {text_source("a.log", at(10) + at(30)), text_source("b.log", at(20) + "bad\n" + at(40))},
      options("", {}, true));
  ASSERT_TRUE(reading.failure);
  EXPECT_EQ(reading.failure->message.substr(0, 8), "b.log:2:");
}

TEST(TimeMerge, CountsWhatComesTooLate) {
  const auto reading = read_text(at(10) + at(30) + at(20) + at(5) + at(40));
  EXPECT_EQ(reading.report.out_of_order, 2u);
  EXPECT_EQ(reading.report.out_of_order_worst, std::chrono::seconds{25});
}

}  // namespace
}  // namespace tidelimit::ingest
