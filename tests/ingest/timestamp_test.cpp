#include "ingest/timestamp.hpp"

#include <gtest/gtest.h>

namespace tidelimit::ingest {
namespace {

std::string read(std::string_view text) {
  LogClock clock;
  const auto time = clock.parse(text);
  return time ? format_time(*time) : "unreadable";
}

TEST(LogClock, ReadsTheTimesOfLogs) {
  const std::pair<const char*, const char*> cases[] = {
      {"17/May/2015:10:05:03 +0000", "2015-05-17T10:05:03Z"},
      {"01/Jul/1995:00:00:01 -0400", "1995-07-01T04:00:01Z"},
      {"22/Jan/2019:03:56:14 +0330", "2019-01-22T00:26:14Z"},
      {"31/Dec/2023:23:59:60 +0000", "2023-12-31T23:59:59Z"},
      {"29/Feb/2024:12:00:00.250 +0545", "2024-02-29T06:15:00.250Z"},
      {"17/MAY/2015:10:05:03", "2015-05-17T10:05:03Z"},
      {"7/May/2015:10:05:03 +0000", "2015-05-07T10:05:03Z"},
      {"2015-05-17T10:05:03Z", "2015-05-17T10:05:03Z"},
      {"2015-05-17t10:05:03.123456789z", "2015-05-17T10:05:03.123456789Z"},
      {"2015-05-17 10:05:03,5", "2015-05-17T10:05:03.500Z"},
      {"2015-05-17T10:05:03-08:00", "2015-05-17T18:05:03Z"},
      {"2015-05-17T00:05:03+14", "2015-05-16T10:05:03Z"},
      {"2015-05-17 10:05", "2015-05-17T10:05:00Z"},
      {"2015-05-17T10:05Z", "2015-05-17T10:05:00Z"},
      {"2015-05-17 10:05 +02:00", "2015-05-17T08:05:00Z"},
      {"2015-05-17 10:05:03 UTC", "2015-05-17T10:05:03Z"},
      {"2015-05-17 10:05:03.5 GMT", "2015-05-17T10:05:03.500Z"},
      {"2015/05/17 10:05:03", "2015-05-17T10:05:03Z"},
      {"2015/05/17 10:05:03.250", "2015-05-17T10:05:03.250Z"},
      {"0", "1970-01-01T00:00:00Z"},
      {"1431857103", "2015-05-17T10:05:03Z"},
      {"1431857103.5", "2015-05-17T10:05:03.500Z"},
      {"1431857103.123456789", "2015-05-17T10:05:03.123456789Z"},
      {"1431857103123", "2015-05-17T10:05:03.123Z"},
      {"1431857103123456", "2015-05-17T10:05:03.123456Z"},
      {"1431857103123456789", "2015-05-17T10:05:03.123456789Z"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(read(text), expected) << text;
}

TEST(LogClock, RefusesWhatIsNoTime) {
  for (const char* text : {"",
                           "-",
                           "+",
                           ".",
                           "x",
                           "17/May/2015",
                           "32/May/2015:10:05:03 +0000",
                           "30/Feb/2015:10:05:03 +0000",
                           "17/Mai/2015:10:05:03 +0000",
                           "17/anf/2015:10:05:03 +0000",
                           "17/May/2015:24:05:03 +0000",
                           "17/May/2015:10:05:03 +2459",
                           "2015-05-17T10:05:03-24:00",
                           "17/May/2015:10:60:03 +0000",
                           "17/May/2015:10:05:03 +9900",
                           "17/May/2015:10:05:03 +0000 x",
                           "17/May/2015:10:05:03. +0000",
                           "2015-13-17T10:05:03Z",
                           "2015-05-17",
                           "2015/05/17",
                           "2015/05-17 10:05:03",
                           "2015-05-17T10",
                           "2015-05-17T10:05.5",
                           "2015-05-17 10:05:03 CET",
                           "17/May/2015:10:05",
                           "10/03/2015 12:00:00",
                           "2015-05-17X10:05:03Z",
                           "1e9",
                           "-5",
                           "5.",
                           "99999999999999999999999",
                           "9999999999999999999",
                           "9999999999999999999.5",
                           "31/Dec/1969:23:59:59 +0000",
                           "2262-05-17T10:05:03Z",
                           "1703-01-24",
                           "9999-12-31"}) {
    EXPECT_EQ(read(text), "unreadable") << text;
  }
}

TEST(LogClock, TakesABareDateForMidnightOnlyWhereAsked) {
  LogClock clock(LogClock::BareDate::midnight);
  const auto time = clock.parse("2015-05-17");
  ASSERT_TRUE(time);
  EXPECT_EQ(format_time(*time), "2015-05-17T00:00:00Z");
  EXPECT_FALSE(LogClock().parse("2015-05-17"));
}

TEST(LogClock, RemembersNothingWrong) {
  LogClock clock;
  const auto first = clock.parse("17/May/2015:10:05:03 +0000");
  EXPECT_EQ(clock.parse("17/May/2015:10:05:03 +0000"), first);
  EXPECT_NE(clock.parse("17/May/2015:10:05:04 +0000"), first);
  EXPECT_FALSE(clock.parse("17/May/2015:10:05:04 +000x"));
  EXPECT_FALSE(clock.parse(""));
  EXPECT_EQ(clock.parse("17/May/2015:10:05:03 +0000"), first);
}

TEST(TimeOfUnix, TellsUnitsApartByMagnitude) {
  for (const double number : {1431857103.5, 1431857103500.0, 1431857103500000.0, 1.4318571035e18}) {
    const auto time = time_of_unix(number);
    ASSERT_TRUE(time) << number;
    EXPECT_EQ(format_time(*time), "2015-05-17T10:05:03.500Z");
  }
  EXPECT_FALSE(time_of_unix(-1));
  EXPECT_FALSE(time_of_unix(1e300));
  EXPECT_FALSE(time_of_unix(std::numeric_limits<double>::quiet_NaN()));
}

}  // namespace
}  // namespace tidelimit::ingest
