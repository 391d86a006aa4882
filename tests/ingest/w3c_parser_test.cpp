#include "ingest/w3c_parser.hpp"

#include <gtest/gtest.h>

#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

constexpr const char* kIis =
    "#Software: Microsoft Internet Information Services 10.0\r\n"
    "#Date: 2026-11-24 10:00:00\r\n"
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query cs-username c-ip cs(User-Agent) "
    "sc-status time-taken\r\n"
    "2026-11-24 10:00:00 10.0.0.5 GET /shop a=1 bob 203.0.113.7 Mozilla/5.0+(Windows) 200 250\r\n"
    "2026-11-24 10:00:01 10.0.0.5 POST /cart - - 2001:db8::1 - 404 0\r\n"
    "2026-11-24 10:00:01 cut short\r\n"
    "#Fields: time c-ip cs-uri\r\n"
    "10:00:02 203.0.113.8 /x?y=z\r\n";

TEST(W3c, ReadsIisAndFieldsThatChange) {
  for (const char* const format : {"", "w3c"}) {
    const Reading reading = read_text(kIis, options(format));
    ASSERT_FALSE(reading.failure) << reading.failure->message;
    EXPECT_EQ(reading.report.format, "w3c");
    EXPECT_EQ(reading.report.lines, 4u);
    EXPECT_EQ(reading.report.by_reason[static_cast<std::size_t>(Unreadable::columns_differ)], 1u);
    ASSERT_EQ(reading.requests.size(), 3u);
    const Owned& first = reading.requests[0];
    EXPECT_EQ(first.time, "2026-11-24T10:00:00Z");
    EXPECT_EQ(first.client, "203.0.113.7");
    EXPECT_EQ(first.user, "bob");
    EXPECT_EQ(first.method, "GET");
    EXPECT_EQ(first.path, "/shop?a=1");
    EXPECT_EQ(first.status, 200);
    EXPECT_EQ(first.agent, "Mozilla/5.0 (Windows)");
    EXPECT_FLOAT_EQ(first.latency_ms, 250);
    EXPECT_EQ(reading.requests[1].client, "2001:db8::1");
    EXPECT_EQ(reading.requests[1].path, "/cart");
    EXPECT_EQ(reading.requests[1].user, "");
    EXPECT_EQ(reading.requests[2].time, "2026-11-24T10:00:02Z");  // the date is #Date:'s
    EXPECT_EQ(reading.requests[2].path, "/x?y=z");
  }
}

TEST(W3c, ReadsCloudFront) {
  const Reading reading = read_text(
      "#Version: 1.0\n"
      "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs-uri-stem sc-status "
      "cs(User-Agent) cs-uri-query time-taken x-forwarded-for\n"
      "2026-11-24\t10:00:00\tLHR62\t500\t203.0.113.7\tGET\t/a\t200\tMozilla/5.0%20(X11)\t-\t0.031\t"
      "198.51.100.3\n"
      "2026-11-24\t10:00:00\tLHR62\t500\t10.0.0.1\tGET\t/a\t000\t-\t-\t0.031\t198.51.100.3\n");
  ASSERT_EQ(reading.requests.size(), 2u);
  EXPECT_EQ(reading.requests[0].client, "203.0.113.7");
  EXPECT_EQ(reading.requests[0].agent, "Mozilla/5.0 (X11)");
  EXPECT_EQ(reading.requests[0].bytes, 500);
  EXPECT_FLOAT_EQ(reading.requests[0].latency_ms, 31);
  EXPECT_EQ(reading.requests[1].client, "198.51.100.3");
  EXPECT_EQ(reading.requests[1].status, 0);
}

TEST(W3c, TakesAnEmptyLastField) {
  const Reading reading = read_text(
      "#Fields: date time c-ip cs-uri-stem sc-status cs(User-Agent)\n"
      "2026-11-24\t10:00:00\t203.0.113.7\t/a\t200\t\n");
  ASSERT_EQ(reading.requests.size(), 1u);
  EXPECT_EQ(reading.requests[0].path, "/a");
  EXPECT_EQ(reading.requests[0].agent, "");
}

TEST(W3c, GoesOnPastMidnightWhereNoFieldNamesTheDate) {
  const Reading reading = read_text(
      "#Date: 2026-11-24 23:59:50\n"
      "#Fields: time c-ip cs-uri-stem\n"
      "23:59:58 203.0.113.7 /a\n"
      "00:00:03 203.0.113.7 /b\n"
      "23:59:59 203.0.113.7 /late\n"
      "00:00:04 203.0.113.7 /c\n"
      "20:00:00 203.0.113.7 /d\n"
      "07:30:00 203.0.113.7 /e\n"
      "07:29:58 203.0.113.7 /late\n"
      "#Date: 2026-12-01 00:00:10\n"
      "23:59:59 203.0.113.7 /late\n"
      "00:00:12 203.0.113.7 /f\n");
  std::vector<std::string> times;
  for (const Owned& request : reading.requests) times.push_back(request.time);
  EXPECT_EQ(times, (std::vector<std::string>{
                       "2026-11-24T23:59:58Z", "2026-11-25T00:00:03Z", "2026-11-24T23:59:59Z",
                       "2026-11-25T00:00:04Z", "2026-11-25T20:00:00Z", "2026-11-26T07:30:00Z",
                       "2026-11-26T07:29:58Z", "2026-11-30T23:59:59Z", "2026-12-01T00:00:12Z"}));
  const Reading dated = read_text(
      "#Fields: date time c-ip cs-uri-stem\n"
      "2026-11-24 23:59:58 203.0.113.7 /a\n2026-11-24 00:00:03 203.0.113.7 /b\n");
  ASSERT_EQ(dated.requests.size(), 2u);
  EXPECT_EQ(dated.requests[1].time, "2026-11-24T00:00:03Z") << "a date that is named is believed";
}

TEST(W3c, SaysWhatTheFieldsLack) {
  const Reading reading = read_text("#Fields: date cs-method c-ip\n2026-11-24 GET 203.0.113.7\n");
  ASSERT_TRUE(reading.failure);
  EXPECT_NE(reading.failure->message.find("its #Fields: line lacks time, cs-uri-stem"),
            std::string::npos)
      << reading.failure->message;
}

TEST(W3c, IsNotWhateverBeginsWithAComment) {
  const Reading configuration = read_text("# A gate.\n\nmode: shadow\nendpoints: []\n");
  ASSERT_TRUE(configuration.failure);
  EXPECT_NE(configuration.failure->message.find("it is a configuration (for --config), not a log"),
            std::string::npos)
      << configuration.failure->message;
  const Reading notes = read_text("# Notes\nof no form\n");
  ASSERT_TRUE(notes.failure);
  EXPECT_EQ(notes.failure->message.find("#Fields"), std::string::npos) << notes.failure->message;
}

}  // namespace
}  // namespace tidelimit::ingest
