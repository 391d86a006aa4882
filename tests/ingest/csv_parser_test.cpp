#include "ingest/csv_parser.hpp"

#include <algorithm>
#include <gtest/gtest.h>

#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

TEST(CsvRow, CutsAsRfc4180Says) {
  const std::pair<const char*, std::vector<std::string_view>> cases[] = {
      {"", {""}},
      {",", {"", ""}},
      {"a,b", {"a", "b"}},
      {"a,", {"a", ""}},
      {R"("a,b",c)", {"a,b", "c"}},
      {R"("say ""hi""",,"")", {R"(say "hi")", "", ""}},
      {R"("open, to the end)", {"open, to the end"}},
      {R"("a"rest,b)", {"a", "b"}},
      {R"(a"b",c)", {R"(a"b")", "c"}},
  };
  CsvRow row;
  for (const auto& [line, fields] : cases) EXPECT_EQ(row.split(line), fields) << line;
}

TEST(Csv, ReadsColumnsByNameInAnyOrder) {
  const Reading reading = read_text(
      "path,timestamp,unknown,client_ip,user_id,user_tier,method,status,user_agent,latency_ms,"
      "bytes\r\n"
      "/a?b,2026-11-24T10:00:00.5Z,x,192.0.2.7,u1,PRM,GET,200,\"Mozilla, \"\"5\"\"\",12.5,99\r\n"
      "/c,1764000000.25,x,2001:db8::1,,,,,,,\n");
  EXPECT_EQ(reading.report.format, "csv");
  EXPECT_EQ(reading.report.lines, 2u);
  ASSERT_EQ(reading.requests.size(), 2u);
  const Owned& full = reading.requests[0];
  EXPECT_EQ(full.time, "2026-11-24T10:00:00.500Z");
  EXPECT_EQ(full.client, "192.0.2.7");
  EXPECT_EQ(full.user, "u1");
  EXPECT_EQ(full.tier, "PRM");
  EXPECT_EQ(full.method, "GET");
  EXPECT_EQ(full.path, "/a?b");
  EXPECT_EQ(full.status, 200);
  EXPECT_EQ(full.agent, "Mozilla, \"5\"");
  EXPECT_FLOAT_EQ(full.latency_ms, 12.5f);
  EXPECT_EQ(full.bytes, 99);
  const Owned& bare = reading.requests[1];
  EXPECT_EQ(bare.time, "2025-11-24T16:00:00.250Z");
  EXPECT_EQ(bare.client, "2001:db8::1");
  EXPECT_EQ(bare.user, "");
  EXPECT_EQ(bare.status, 0);
  EXPECT_TRUE(std::isnan(bare.latency_ms));
  EXPECT_EQ(bare.bytes, -1);
}

TEST(Csv, ReadsAClientThatIsAListOrHasAPort) {
  const Reading reading = read_text(
      "timestamp,client_ip,path\n"
      "1764000000,\"198.51.100.3, 10.0.0.1\",/\n"
      "1764000000,192.0.2.7:4000,/\n"
      "1764000000,[2001:db8::1]:4000,/\n");
  ASSERT_EQ(reading.requests.size(), 3u);
  EXPECT_EQ(reading.requests[0].client, "198.51.100.3");
  EXPECT_EQ(reading.requests[1].client, "192.0.2.7");
  EXPECT_EQ(reading.requests[2].client, "2001:db8::1");
}

TEST(Csv, ReadsValuesAsOthersWriteThem) {
  const Reading reading = read_text(
      "timestamp,client_ip,path,status,latency_ms\n"
      "1764000000,192.0.2.7,GET /a/b?c=1 HTTP/1.1,200.0,\"12,5\"\n"
      "1764000000,192.0.2.7,/a b HTTP/1.1,0,250ms\n"
      "1764000000,192.0.2.7,https://shop.example/a,000,0.25s\n"
      "1764000000,192.0.2.7,/,20.0,\"1,250\"\n"
      "1764000000,192.0.2.7,/,,\"1,250\"\n");
  ASSERT_EQ(reading.requests.size(), 4u);
  EXPECT_EQ(reading.requests[0].method, "GET");
  EXPECT_EQ(reading.requests[0].path, "/a/b?c=1");
  EXPECT_EQ(reading.requests[0].status, 200);
  EXPECT_FLOAT_EQ(reading.requests[0].latency_ms, 12.5f);
  EXPECT_EQ(reading.requests[1].path, "/a b HTTP/1.1");
  EXPECT_EQ(reading.requests[1].status, 0);
  EXPECT_FLOAT_EQ(reading.requests[1].latency_ms, 250);
  EXPECT_EQ(reading.requests[2].status, 0);
  EXPECT_FLOAT_EQ(reading.requests[2].latency_ms, 250);
  EXPECT_TRUE(std::isnan(reading.requests[3].latency_ms));  // thousands or a fraction?
}

TEST(Csv, ReadsSemicolonsAndTabs) {
  for (const char separator : {';', '\t'}) {
    std::string text = "timestamp|client_ip|path|user_agent\n1764000000|192.0.2.7|/a,b|\"x|y\"\n";
    std::replace(text.begin(), text.end(), '|', separator);
    const Reading reading = read_text(text);
    ASSERT_EQ(reading.requests.size(), 1u);
    EXPECT_EQ(reading.requests[0].path, "/a,b");
    EXPECT_EQ(reading.requests[0].agent, std::string("x") + separator + "y");
    EXPECT_EQ(reading.report.format, "csv");
  }
}

TEST(Csv, ReadsColumnsThatFieldNames) {
  const Reading reading =
      read_text("Time,Source IP,client_ip,URL\n1764000000,192.0.2.7,10.0.0.1,/a\n",
                options("", {"timestamp=time", "client_ip=Source IP", "path=URL"}));
  ASSERT_EQ(reading.requests.size(), 1u);
  EXPECT_EQ(reading.requests[0].client, "192.0.2.7");
  EXPECT_EQ(reading.requests[0].path, "/a");
  EXPECT_TRUE(reading.report.problems.empty());
}

TEST(Csv, LeavesOutTheSpacesAroundValuesAsThoseAroundNames) {
  const Reading reading = read_text(
      "timestamp, client_ip, path, user_id, status\n1764000000, 192.0.2.7, /a/b, u1, 200\n");
  ASSERT_EQ(reading.requests.size(), 1u);
  EXPECT_EQ(reading.requests[0].path, "/a/b");
  EXPECT_EQ(reading.requests[0].user, "u1");
  EXPECT_EQ(reading.requests[0].status, 200);
}

TEST(Csv, JoinsLinesWhileAQuoteIsOpen) {
  const std::string header = "timestamp,client_ip,path,user_agent\n";
  const std::string row = "1764000000,192.0.2.7,/a,";
  const Reading reading =
      read_text(header + row + "\"one\r\n\"\"two\"\"\nthree\"\r\n" + row + "bad\"quote\n" + row +
                "\"never closed\n" + row + "\"x\"\n" + row + "\"last\nline\"");
  ASSERT_EQ(reading.requests.size(), 5u);
  EXPECT_EQ(reading.requests[0].agent, "one\r\n\"two\"\nthree");
  EXPECT_EQ(reading.requests[1].agent, "bad\"quote");
  EXPECT_EQ(reading.requests[2].agent, "never closed");
  EXPECT_EQ(reading.requests[3].agent, "x");
  EXPECT_EQ(reading.requests[4].agent, "last\nline");
  EXPECT_EQ(reading.report.lines, 5u);

  std::string open = header + row + "\"open\n";
  for (int i = 0; i < 5000; ++i) open += row + "a line of some length\n";
  const Reading lost = read_text(open + row + "x,y\n");
  EXPECT_EQ(lost.requests.size(), 5001u);
  EXPECT_EQ(lost.report.examples.front().line, 5003u);
}

TEST(Csv, CountsBadRowsByReasonAndSkipsRepeatedHeaders) {
  const Reading reading = read_text(
      "timestamp,client_ip,path,status\n"
      "1764000000,192.0.2.7,/,200\n"
      "timestamp,client_ip,path,status\n"
      "1764000000,192.0.2.7,/\n"
      "soon,192.0.2.7,/,200\n"
      "1764000000,,/,200\n"
      "1764000000,192.0.2.7,/,OK\n"
      "\n"
      "1764000001,192.0.2.7,,200\n");
  EXPECT_EQ(reading.report.lines, 7u);
  EXPECT_EQ(reading.report.requests, 2u);
  EXPECT_EQ(reading.report.unreadable, 5u);
  for (const Unreadable reason :
       {Unreadable::columns_differ, Unreadable::no_time, Unreadable::no_client,
        Unreadable::bad_status, Unreadable::blank}) {
    EXPECT_EQ(reading.report.by_reason[static_cast<std::size_t>(reason)], 1u) << to_string(reason);
  }
  EXPECT_EQ(reading.report.examples.front().line, 4u);
}

TEST(Csv, NamesTheColumnsThatAreMissingOrTwice) {
  const Reading missing = read_text("timestamp,status,url\n1,2,3\n");
  ASSERT_TRUE(missing.failure);
  EXPECT_EQ(missing.failure->message,
            "access.log: the csv header lacks client_ip, path (required: timestamp, client_ip, "
            "path); it reads \"timestamp,status,url\"; where a column has another name, say so: "
            "--field client_ip=NAME");
  const Reading misspelt =
      read_text("timestamp,client_ip,path,Account\n1,2,3,4\n", options("", {"user_id=Acount"}));
  ASSERT_TRUE(misspelt.failure);
  EXPECT_EQ(misspelt.failure->message,
            "access.log: --field user_id=Acount: the csv header has no such column (did you mean "
            "Account?); it reads \"timestamp,client_ip,path,Account\"");
  const Reading either = read_text("timestamp,client_ip,path,Account\n1764000000,192.0.2.7,/,u1\n",
                                   options("", {"user_id=User", "user_id=Account"}));
  EXPECT_FALSE(either.failure);
  EXPECT_EQ(either.report.problems,
            std::vector<std::string>{"--field user_id=User: no line has a field or column of this "
                                     "name: it changes nothing"});
  const Reading twice = read_text("timestamp,client_ip,path,path\n1,2,3,4\n");
  ASSERT_TRUE(twice.failure);
  EXPECT_NE(twice.failure->message.find("names the column path twice"), std::string::npos);
}

}  // namespace
}  // namespace tidelimit::ingest
