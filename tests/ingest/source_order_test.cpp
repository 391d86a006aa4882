#include "ingest/source_order.hpp"

#include <gtest/gtest.h>

#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

std::string line_at(const std::string& time, const std::string& path = "/") {
  return "192.0.2.1 - - [" + time + " +0000] \"GET " + path + " HTTP/1.1\" 200 5\n";
}

std::vector<std::string> ordered(std::vector<Source> sources, bool changes) {
  EXPECT_EQ(order_by_time(sources, *FormatChoice::from_options("", {})), changes);
  std::vector<std::string> names;
  for (const Source& source : sources) names.push_back(source.name);
  return names;
}

using Names = std::vector<std::string>;

TEST(SourceOrder, PutsRotatedFilesByTheirFirstRequest) {
  EXPECT_EQ(ordered({text_source("access.log", line_at("03/Jan/2026:00:00:00")),
                     text_source("access.log.1", line_at("02/Jan/2026:00:00:00")),
                     text_source("access.log.2.gz", gzip(line_at("01/Jan/2026:00:00:00")))},
                    true),
            (Names{"access.log.2.gz", "access.log.1", "access.log"}));
  // Formats may differ, as after a change of the server's configuration.
  EXPECT_EQ(ordered({text_source("b", line_at("03/Jan/2026:00:00:00")),
                     text_source("a",
                                 "timestamp,client_ip,path\n2026-01-02T00:00:00Z,192.0.2.1,/"
                                 "\n")},
                    true),
            (Names{"a", "b"}));
}

TEST(SourceOrder, PassesOverGarbageAndAWrongClockAtTheBeginning) {
  EXPECT_EQ(ordered({text_source("new", "garbage\n\n" + line_at("03/Jan/1970:00:00:00") +
                                            line_at("03/Jan/2026:00:00:00") +
                                            line_at("03/Jan/2026:00:00:01")),
                     text_source("old", line_at("01/Jan/2099:00:00:00") +
                                            line_at("02/Jan/2026:00:00:00") +
                                            line_at("02/Jan/2026:00:00:01"))},
                    true),
            (Names{"old", "new"}));
}

TEST(SourceOrder, KeepsTheOrderOfEqualTimesAndThePlacesOfTheRest) {
  EXPECT_EQ(ordered({text_source("b", line_at("03/Jan/2026:00:00:00")),
                     text_source("a", line_at("03/Jan/2026:00:00:00"))},
                    false),
            (Names{"b", "a"}));
  EXPECT_EQ(ordered({text_source("late", line_at("03/Jan/2026:00:00:00")), text_source("empty", ""),
                     text_source("garbage", "bad\n"),
                     text_source("windows", "timestamp,value\n2020-01-01T00:00:00Z,5\n"),
                     text_source("early", line_at("02/Jan/2026:00:00:00"))},
                    true),
            (Names{"early", "empty", "garbage", "windows", "late"}));
}

TEST(SourceOrder, DoesNotTouchWhatCanBeReadOnlyOnce) {
  int opened = 0;
  const Source pipe{"pipe",
                    [&]() -> Result<std::unique_ptr<ByteStream>> {
                      ++opened;
                      return memory_stream(line_at("01/Jan/2026:00:00:00"));
                    },
                    true};
  EXPECT_EQ(ordered({text_source("late", line_at("03/Jan/2026:00:00:00")), pipe,
                     text_source("early", line_at("02/Jan/2026:00:00:00"))},
                    true),
            (Names{"early", "pipe", "late"}));
  EXPECT_EQ(opened, 0);
}

}  // namespace
}  // namespace tidelimit::ingest
