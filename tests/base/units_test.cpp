// Rates, durations and times: what people write.
#include <gtest/gtest.h>

#include "base/random.hpp"
#include "base/rate.hpp"
#include "base/time.hpp"

namespace tidelimit {
namespace {

using namespace std::chrono;

TEST(Rate, ReadsItsFourUnits) {
  EXPECT_EQ(*parse_rate("100/min"), (Rate{100, minutes{1}}));
  EXPECT_EQ(*parse_rate("5/s"), (Rate{5, seconds{1}}));
  EXPECT_EQ(*parse_rate("7/h"), (Rate{7, hours{1}}));
  EXPECT_EQ(*parse_rate("1000000000/d"), (Rate{1'000'000'000, hours{24}}));
  for (const char* text :
       {"", "100", "0/s", "-1/s", "1.5/s", "1000000001/s", "1/m", "1/ms", "/s", "1/", "1/s/s"})
    EXPECT_FALSE(parse_rate(text)) << text;
  EXPECT_NE(parse_rate("1/sec").error().message.find("use s, min, h or d"), std::string::npos);
}

TEST(Rate, WritesWhatItReads) {
  for (const Nanos period :
       {Nanos{seconds{1}}, Nanos{minutes{1}}, Nanos{hours{1}}, Nanos{hours{24}}})
    for (const std::uint64_t count : {1ULL, 99ULL, 1'000'000'000ULL})
      EXPECT_EQ(*parse_rate(format_rate({count, period})), (Rate{count, period}));
}

TEST(Rate, BurstsByDefaultAtMostWhatAMinuteAllows) {
  EXPECT_EQ(default_burst(*parse_rate("100/min")), 100U);
  EXPECT_EQ(default_burst(*parse_rate("10000/d")), 7U);
  EXPECT_EQ(default_burst(*parse_rate("5/s")), 5U);
  EXPECT_EQ(default_burst(*parse_rate("1/d")), 1U);
}

TEST(Duration, ReadsUnitsThatFall) {
  EXPECT_EQ(*parse_duration("15m"), minutes{15});
  EXPECT_EQ(*parse_duration("1h30m"), minutes{90});
  EXPECT_EQ(*parse_duration("400d"), hours{9600});
  EXPECT_EQ(*parse_duration("500ms"), milliseconds{500});
  for (const char* text :
       {"", "15", "0s", "-1s", "m", "30m1h", "1m1m", "1.5h", "1w", "1 h", "999999999999d"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, WritesWhatItReads) {
  Random random(5);
  for (int i = 0; i < 20'000; ++i) {
    const auto shift = static_cast<unsigned>(random.below(62));
    const Nanos duration{static_cast<Nanos::rep>(1 + (random.next() >> 1 >> shift))};
    ASSERT_EQ(*parse_duration(format_duration(duration)), duration) << format_duration(duration);
  }
  EXPECT_EQ(format_duration(minutes{90}), "1h30m");
  EXPECT_EQ(format_duration(hours{24}), "24h");
}

TEST(Time, ReadsItsForms) {
  const WallTime ten = sys_days{year{2026} / 11 / 24} + hours{10};
  for (const char* text :
       {"2026-11-24T10:00:00Z", "2026-11-24 10:00:00", "2026-11-24T12:00:00+02:00",
        "2026-11-24T06:30:00-0330", "2026-11-24t10:00:00.000z", "1795514400", "1795514400.0"})
    EXPECT_EQ(*parse_time(text), ten) << text;
  EXPECT_EQ(*parse_time("2026-11-24"), ten - hours{10});
  EXPECT_EQ(*parse_time("1795514400.25"), ten + milliseconds{250});
  for (const char* text : {"", "now", "2026-13-01", "2026-02-29", "2026-11-24T25:00:00Z",
                           "2026-11-24T10:00Z", "2026-11-24T10:00:00+25:00", "2026-11-24T10:00:00.",
                           "1e9", "2026-11-24T10:00:00Zx", "99999999999999999999"})
    EXPECT_FALSE(parse_time(text)) << text;
}

TEST(Time, WritesWhatItReads) {
  Random random(7);
  for (int i = 0; i < 20'000; ++i) {
    auto ns = static_cast<Nanos::rep>(random.below(8'000'000'000'000'000'000)) -
              Nanos::rep{2'000'000'000'000'000'000};
    if (random.chance(0.5)) ns -= ns % 1'000'000'000;
    const WallTime time{Nanos{ns}};
    ASSERT_EQ(*parse_time(format_time(time)), time) << format_time(time);
  }
}

TEST(Time, FloorsToAGridAlsoBeforeTheEpoch) {
  const Nanos step = minutes{15};
  EXPECT_EQ(floor_to(WallTime{minutes{29}}, step), WallTime{minutes{15}});
  EXPECT_EQ(floor_to(WallTime{minutes{30}}, step), WallTime{minutes{30}});
  EXPECT_EQ(floor_to(WallTime{minutes{-1}}, step), WallTime{minutes{-15}});
}

}  // namespace
}  // namespace tidelimit
