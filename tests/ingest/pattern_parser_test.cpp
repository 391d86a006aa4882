#include "ingest/pattern_parser.hpp"

#include <gtest/gtest.h>

#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

constexpr const char* kPattern =
    R"($remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent )"
    R"("$http_referer" "$http_user_agent" rt=$request_time uct="$upstream_connect_time" )"
    R"(id=$http_x_user_id tier=${http_x_user_tier} xff="$http_x_forwarded_for")";

TEST(Pattern, ReadsACustomLogFormat) {
  const Reading reading = read_text(
      R"(203.0.113.7 - bob [24/Nov/2026:10:00:00 +0000] "GET /a\x22b HTTP/1.1" 200 17 "-" )"
      R"("agent \x22x\x22" rt=0.250 uct="-" id=u1 tier=PRM xff="-")"
      "\n"
      R"(10.0.0.2 - bob [24/Nov/2026:10:00:00 +0000] "\x16\x03" 400 0 "-" "-" rt=- uct="-" )"
      R"(id=- tier=- xff="203.0.113.9" and more behind it)"
      "\n",
      options(kPattern));
  ASSERT_EQ(reading.requests.size(), 2u);
  EXPECT_EQ(reading.report.format, "custom");
  const Owned& first = reading.requests[0];
  EXPECT_EQ(first.client, "203.0.113.7");
  EXPECT_EQ(first.time, "2026-11-24T10:00:00Z");
  EXPECT_EQ(first.path, "/a\"b");
  EXPECT_EQ(first.agent, "agent \"x\"");
  EXPECT_EQ(first.user, "u1");
  EXPECT_EQ(first.tier, "PRM");
  EXPECT_FLOAT_EQ(first.latency_ms, 250.0f);
  const Owned& second = reading.requests[1];
  EXPECT_EQ(second.client, "203.0.113.9");
  EXPECT_EQ(second.path, "");
  EXPECT_EQ(second.user, "bob");
  EXPECT_TRUE(std::isnan(second.latency_ms));
}

TEST(Pattern, ReadsMethodTargetAndUpstreamTimesApart) {
  const Reading reading =
      read_text("1764000000.125|203.0.113.7|PUT|/x y|201|0.010, 0.020 : -\n",
                options("$msec|$remote_addr|$request_method|$request_uri|$status|"
                        "$upstream_response_time"));
  ASSERT_EQ(reading.requests.size(), 1u);
  EXPECT_EQ(reading.requests[0].time, "2025-11-24T16:00:00.125Z");
  EXPECT_EQ(reading.requests[0].method, "PUT");
  EXPECT_EQ(reading.requests[0].path, "/x y");
  EXPECT_FLOAT_EQ(reading.requests[0].latency_ms, 30.0f);
}

TEST(Pattern, JoinsADateAndATimeAndTakesNoBareDate) {
  const std::string line = "2026-11-24 10:00:03 203.0.113.7 /a 0\n";
  const Reading both = read_text(line, options("$date $time $remote_addr $request_uri $status"));
  ASSERT_EQ(both.requests.size(), 1u);
  EXPECT_EQ(both.requests[0].time, "2026-11-24T10:00:03Z");
  EXPECT_EQ(both.requests[0].status, 0);
  const Reading bare =
      read_text(line, options("$time_iso8601 $clock $remote_addr $request_uri $status"));
  ASSERT_TRUE(bare.failure);
  EXPECT_NE(bare.failure->message.find("its time reads \"2026-11-24\"; the forms that are read: "),
            std::string::npos)
      << bare.failure->message;
}

TEST(Pattern, CountsLinesThatDiffer) {
  const Reading reading = read_text(
      "a 203.0.113.7 [2026-11-24T10:00:00Z] \"GET / HTTP/1.1\"\n"
      "b 203.0.113.7 [2026-11-24T10:00:00Z] \"GET / HTTP/1.1\"\n"
      "a 203.0.113.7 [2026-11-24T10:00:00Z] \"GET / HTTP/1.1\n"
      "a 203.0.113.7 [never] \"GET / HTTP/1.1\"\n"
      "\n",
      options("a $remote_addr [$time_iso8601] \"$request\""));
  EXPECT_EQ(reading.report.lines, 5u);
  EXPECT_EQ(reading.report.requests, 1u);
  EXPECT_EQ(reading.report.by_reason[static_cast<std::size_t>(Unreadable::pattern_differs)], 2u);
  EXPECT_EQ(reading.report.by_reason[static_cast<std::size_t>(Unreadable::no_time)], 1u);
  EXPECT_EQ(reading.report.by_reason[static_cast<std::size_t>(Unreadable::blank)], 1u);
}

TEST(Pattern, SaysWhatIsWrongWithAPattern) {
  const std::pair<const char*, const char*> cases[] = {
      {"$remote_addr $request", "lacks\n  a time"},
      {"$time_local $request", "a client: $remote_addr"},
      {"$date $remote_addr $request", "$msec, or $date and $time"},
      {"$time_local $remote_addr", "a path: $request"},
      {"$time_local$remote_addr $request", "nothing stands before $remote_addr"},
      {"$time_local $ $remote_addr", "no variable name behind the $"},
      {"$time_local ${remote_addr", "no variable name behind the $"},
  };
  for (const auto& [pattern, expected] : cases) {
    const auto choice = FormatChoice::from_options(pattern, {});
    ASSERT_FALSE(choice) << pattern;
    EXPECT_NE(choice.error().message.find(expected), std::string::npos) << choice.error().message;
  }
}

}  // namespace
}  // namespace tidelimit::ingest
