#include "ingest/line_head.hpp"

#include <gtest/gtest.h>

#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

const std::string kTail =
    R"( - bob [17/May/2015:10:05:03 +0000] "GET /a: b HTTP/1.1" 200 1 "-" "x")";
const std::string kJson =
    R"({"time": "2015-05-17T10:05:03Z", "remote_addr": "192.0.2.7", "uri": "/a", "user_id": "bob"})";

const char* const kHeads[] = {
    "2015-05-17T10:05:03.123456789Z stdout F ",
    "2015-05-17T10:05:03.123456789+02:00 stderr P ",
    "2015-05-17T10:05:03.123456789Z ",
    "2015-05-17T10:05:03.123456+00:00 web1 nginx[7]: ",
    "2015-05-17T10:05:03.123456+00:00 web1 nginx: ",
    "May 17 10:05:03 web1 nginx: ",
    "May  7 10:05:03 web1 nginx[7]: ",
    "May 17 10:05:03 nginx: ",
    "<190>May 17 10:05:03 web1 nginx: ",
    "<134>1 2015-05-17T10:05:03Z web1 nginx - - - ",
    R"(<134>1 - web app 7 id [a@1 b="]" c="\""][d e="f"] )",
    "<190>",
    "nginx-1  | ",
    "web | May 17 10:05:03 web1 nginx: ",
    "[pod/nginx-abc/web] ",
    "[pod/nginx-abc/web] 2015-05-17T10:05:03.123456789Z ",
};

TEST(LineHead, StopsWhereTheServersLineBegins) {
  for (const std::string head : kHeads) {
    for (const std::string& line : {"192.0.2.7" + kTail, "host.example" + kTail, kJson}) {
      EXPECT_EQ(line_head(head + line), head.size()) << head + line;
    }
  }
}

TEST(LineHead, IsNothingInFrontOfAUsualLine) {
  for (const std::string line :
       {"", " ", "192.0.2.7 - -", "2001:db8:: - -", "mar.example - -", "www.example:443 h - -",
        "Mar 1", "2015-05-17", "<", "<13", "<x>y", "{\"a\": 1}", "a |", "[pod/", "1 2 3"}) {
    EXPECT_EQ(line_head(line), line == "a |" ? 3u : 0u) << line;
  }
}

TEST(LineHead, IsSkippedByEveryFormat) {
  const std::string pattern =
      R"($remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "-")";
  for (const std::string head : kHeads) {
    for (const char* const who : {"192.0.2.7", "host.example"}) {
      for (const std::string& format : {std::string(), pattern}) {
        const Reading reading = read_text(head + who + kTail + "\n", options(format));
        ASSERT_EQ(reading.requests.size(), 1u) << head << format;
        EXPECT_EQ(reading.requests[0].client, who) << head;
        EXPECT_EQ(reading.requests[0].user, "bob") << head;
        EXPECT_EQ(reading.requests[0].path, "/a: b") << head;
      }
    }
    const Reading reading = read_text(head + kJson + "\n");
    ASSERT_EQ(reading.requests.size(), 1u) << head;
    EXPECT_EQ(reading.requests[0].client, "192.0.2.7");
    EXPECT_EQ(reading.report.format, "json");
  }
}

/// A head that is not known is refused, not taken for a client.
TEST(LineHead, IsNoClient) {
  for (const char* const head :
       {"web1 nginx access: ", "Mar 10 12:00 web1 nginx here ", "2024-03-10 12:00:00 INFO main ",
        "12:00:00 web1 nginx here ", "nginx: here "}) {
    const Reading reading = read_text(std::string(head) + "192.0.2.7" + kTail + "\n");
    EXPECT_TRUE(reading.requests.empty()) << head << reading.requests[0].client;
  }
}

TEST(LineHead, IsSkippedInDockersFiles) {
  const std::string lines =
      R"({"log":"192.0.2.7 - bob [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 1 \"-\" \"x\\\"y\"\n","stream":"stdout","time":"2016-01-01T00:00:00Z"})"
      "\n"
      R"({"log":"192.0.2.8 - - [17/May/2015:10:05:04 +0000] \"GET /b HTTP/1.1\" 404 1\r\n","stream":"stdout","time":"2016-01-01T00:00:00Z"})"
      "\n"
      R"({"log":"[error] something\n","stream":"stderr","time":"2016-01-01T00:00:00Z"})"
      "\n"
      R"({"stream":"stderr"})"
      "\n"
      "cut short\n";
  for (const char* const format : {"", "combined"}) {
    const Reading reading = read_text(lines, options(format));
    ASSERT_EQ(reading.requests.size(), 2u);
    EXPECT_EQ(reading.requests[0].client, "192.0.2.7");
    EXPECT_EQ(reading.requests[0].time, "2015-05-17T10:05:03Z");
    EXPECT_EQ(reading.requests[0].agent, "x\"y");
    EXPECT_EQ(reading.requests[1].path, "/b");
    EXPECT_EQ(reading.report.format, "combined");
    EXPECT_EQ(reading.report.unreadable, 3u);
  }
  const Reading json = read_text(
      R"({"log":"{\"time\":\"2015-05-17T10:05:03Z\",\"remote_addr\":\"192.0.2.9\",\"uri\":\"/c\"}\n"})");
  ASSERT_EQ(json.requests.size(), 1u);
  EXPECT_EQ(json.requests[0].client, "192.0.2.9");
  EXPECT_EQ(json.report.format, "json");
  const Reading raw = read_text(
      "{\"log\":\"192.0.2.7 - - [17/May/2015:10:05:03 +0000] \\\"GET /\xe9\\u00e9 HTTP/1.1\\\" 200 "
      "1\\n\"}");
  ASSERT_EQ(raw.requests.size(), 1u);
  EXPECT_EQ(raw.requests[0].path, "/\xe9\xc3\xa9");
}

}  // namespace
}  // namespace tidelimit::ingest
