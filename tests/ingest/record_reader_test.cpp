#include "ingest/record_reader.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

const std::string kCombined =
    "192.0.2.7 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 1 \"-\" \"agent\"";
const std::string kCommon = "192.0.2.8 - - [17/May/2015:10:05:04 +0000] \"GET /b HTTP/1.1\" 200 1";
const std::string kJson =
    R"({"time":"2015-05-17T10:05:05Z","remote_addr":"192.0.2.9","uri":"/c","status":200})";
const std::string kColumnsAsJson =
    R"({"timestamp":1764000000,"client_ip":"192.0.2.9","path":"/c","method":"GET","status":200})";
const std::string kCsv = "timestamp,client_ip,path\n2015-05-17T10:05:06Z,192.0.2.10,/d";

TEST(RecordReader, RecognisesEachFormatByContent) {
  const std::pair<std::string, const char*> cases[] = {
      {kCombined + "\n", "combined"}, {kCommon, "common"},
      {kJson + "\r\n", "json"},       {kCsv, "csv"},
      {kColumnsAsJson, "json"},       {"\xef\xbb\xbf" + kCsv, "csv"},
      {"\n\n" + kJson, "json"},       {"garbage\n\x16\x03\n" + kCombined, "combined"},
  };
  for (const auto& [text, format] : cases) {
    for (const std::string& bytes : {text, gzip(text)}) {
      const Reading reading = read_text(bytes);
      EXPECT_FALSE(reading.failure) << reading.failure->message;
      EXPECT_EQ(reading.report.format, format);
      EXPECT_EQ(reading.report.requests, 1u);
      EXPECT_EQ(reading.report.lines, reading.report.requests + reading.report.unreadable);
    }
  }
}

TEST(RecordReader, FindsTheFormatBehindALineOfTwoMegabytes) {
  const Reading reading = read_text(std::string(2'000'000, 'x') + "\n" + kCombined + "\n");
  EXPECT_EQ(reading.report.format, "combined");
  EXPECT_EQ(reading.report.requests, 1u);
  EXPECT_EQ(reading.report.by_reason[static_cast<std::size_t>(Unreadable::too_long)], 1u);
  EXPECT_EQ(reading.report.examples.front().line, 1u);
  EXPECT_LT(reading.report.examples.front().excerpt.size(), 500u);
}

TEST(RecordReader, ReadsARequestOfHalfAMegabyte) {
  const std::string path = "/" + std::string(500'000, 'a');
  const Reading reading =
      read_text("192.0.2.7 - - [17/May/2015:10:05:03 +0000] \"GET " + path + " HTTP/1.1\" 414 1\n");
  ASSERT_EQ(reading.requests.size(), 1u);
  EXPECT_EQ(reading.requests[0].path, path);
}

TEST(RecordReader, ReadsSeveralInputsByTimeEachInItsFormat) {
  const Reading reading =
      read_all({text_source("a", kCombined), text_source("empty", ""), text_source("b", kCsv),
                text_source("c", gzip(kJson)), text_source("garbage", "x\ny\n")});
  EXPECT_FALSE(reading.failure);
  ASSERT_EQ(reading.requests.size(), 3u);
  EXPECT_EQ(reading.requests[0].path, "/a");
  EXPECT_EQ(reading.requests[1].path, "/c");
  EXPECT_EQ(reading.requests[2].path, "/d");
  EXPECT_EQ(reading.report.format, "combined, csv, json");
  EXPECT_EQ(reading.report.lines, 5u);
  EXPECT_EQ(reading.report.unreadable, 2u);
  EXPECT_EQ(reading.report.examples.front().source, "garbage");
}

TEST(RecordReader, KeepsTheFirstFewOfEachReason) {
  std::string text = kCombined + "\n";
  for (int i = 0; i < 10; ++i) text += "bad client [ \n\n";
  const Reading reading = read_text(text);
  EXPECT_EQ(reading.report.lines, 21u);
  EXPECT_EQ(reading.report.unreadable, 20u);
  EXPECT_EQ(reading.report.examples.size(), 2 * ReadReport::kExamples);
  EXPECT_EQ(describe(reading.report.examples[0]), "access.log:2: no readable time: bad client [ ");
  EXPECT_EQ(describe(reading.report.examples[1]), "access.log:3: blank line");
}

TEST(RecordReader, UsesWhatATruncatedFileHeld) {
  std::string text;
  for (int i = 0; i < 2000; ++i) {
    text +=
        "192.0.2." + std::to_string(i * 37 % 251) + kCombined.substr(9) + std::to_string(i) + "\n";
  }
  const std::string packed = gzip(text);
  const Reading reading = read_text(packed.substr(0, packed.size() / 2));
  EXPECT_FALSE(reading.failure);
  EXPECT_GT(reading.report.requests, 500u);
  EXPECT_EQ(reading.report.lines, reading.report.requests + reading.report.unreadable);
  ASSERT_EQ(reading.report.problems.size(), 1u);
  EXPECT_TRUE(reading.report.problems[0].starts_with("access.log: the gzip stream, after "));

  const Reading strict = read_text(packed.substr(0, packed.size() / 2), options("", {}, true));
  ASSERT_TRUE(strict.failure);
  EXPECT_EQ(strict.failure->code, Code::invalid_argument);
  EXPECT_TRUE(strict.failure->message.starts_with("access.log: the gzip stream, after "));
  EXPECT_NE(strict.failure->message.find("leave out --strict"), std::string::npos);
}

TEST(RecordReader, StrictStopsAtTheFirstUnreadableLine) {
  std::string text;
  for (int i = 0; i < 9; ++i) text += kCombined + "\n";
  const Reading reading = read_text(text + "bad\n" + kCombined + "\n", options("", {}, true));
  ASSERT_TRUE(reading.failure);
  EXPECT_EQ(reading.failure->code, Code::invalid_argument);
  EXPECT_EQ(reading.failure->message,
            "access.log:10: no readable time: bad\n"
            "  mend the input, or leave out --strict to have such input counted and shown");
  EXPECT_EQ(reading.requests.size(), 9u);
}

TEST(RecordReader, SaysWhyNothingCanBeRead) {
  const std::pair<std::string, const char*> cases[] = {
      {"", "access.log: empty input"},
      {gzip(""), "access.log: empty input"},
      {"one\ntwo\n", "access.log: no known format reads its first lines (the first is \"one\"); "},
      {"\n\n\n", "access.log: no known format reads its first lines"},
  };
  for (const auto& [text, message] : cases) {
    const Reading reading = read_text(text);
    ASSERT_TRUE(reading.failure) << message;
    EXPECT_EQ(reading.failure->code, Code::invalid_argument);
    EXPECT_TRUE(reading.failure->message.starts_with(message)) << reading.failure->message;
  }
  const Reading named = read_text("one\ntwo\n", options("combined"));
  ASSERT_TRUE(named.failure);
  EXPECT_EQ(named.failure->message,
            "access.log: no readable line in 2; the first: access.log:1: no readable time: one");
}

TEST(RecordReader, SaysHowForeignInputCanBeRead) {
  const std::pair<std::string, const char*> cases[] = {
      {R"({"date":"2015-05-17T10:05:03Z","http":{"from":"192.0.2.7"},"path":"/a"})",
       "none of its fields is known as timestamp, client_ip; it has date, http.from, path; say "
       "which it is with --field timestamp=PATH"},
      {"{\"date\":\"2015-05-17T10:05:03Z\",\"h\xe9te\":\"192.0.2.7\",\"path\":\"/\"}",
       "it has date, h\\xe9te, path; "},
      {R"({"time":"17.5.2015","client_ip":"192.0.2.7","path":"/a"})",
       "its time reads \"17.5.2015\"; the forms that are read: 17/May/2015:10:05:03 +0000, "},
      {"Time,Source IP,URL\n2015-05-17T10:05:03Z,192.0.2.7,/a\n",
       "as a csv header it names Time, Source IP, URL; the columns that are wanted are timestamp, "
       "client_ip and path"},
      {"timestamp,count\n1764000000,5\n", "as a csv header it names timestamp, count; "},
      {"timestamp,client_ip,path\n17.5.2015,192.0.2.7,/a\n", "its time reads \"17.5.2015\"; "},
      {"\xff\xfe" + std::string("1\0", 2), "is UTF-16 text; make it UTF-8: iconv"},
      {std::string("1\0"
                   "9\0"
                   "2\0"
                   ".\0"
                   "0\0",
                   10),
       "is UTF-16 text"},
      {kCombined + "\r" + kCombined + "\r", "its lines end in CR alone"},
  };
  for (const auto& [text, message] : cases) {
    const Reading reading = read_text(text);
    ASSERT_TRUE(reading.failure) << message;
    EXPECT_NE(reading.failure->message.find(message), std::string::npos)
        << reading.failure->message;
  }
  EXPECT_FALSE(read_text(kCombined + "\r").failure);
}

TEST(RecordReader, RefusesUnknownFormatsWithAHint) {
  const auto choice = FormatChoice::from_options("combned", {});
  ASSERT_FALSE(choice);
  EXPECT_NE(choice.error().message.find("did you mean combined?"), std::string::npos);
}

TEST(RecordReader, ReadsEachFormatByItsName) {
  const std::vector<std::pair<std::string, std::string>> named = {
      {"csv", kCsv}, {"combined", kCombined}, {"common", kCommon}, {"json", kJson}};
  for (const auto& [name, text] : named) {
    const Reading reading = read_text(text + "\n", options(name));
    EXPECT_FALSE(reading.failure) << name << ": " << reading.failure->message;
    EXPECT_EQ(reading.report.requests, 1u) << name;
  }
}

std::string asking(int second, const char* asked, const char* gate = "") {
  return fmt::format(
      R"({{"msec":"{}","client_ip":"192.0.2.7","request_uri":"/a","asked":"{}","gate":"{}"}})"
      "\n",
      1764000000 + second, asked, gate);
}

TEST(RecordReader, BelievesThatNobodyAskedWhereSomebodyDid) {
  using enum traffic::Asked;
  const auto told = [](const Reading& reading) {
    std::vector<traffic::Asked> all;
    for (const Owned& request : reading.requests) all.push_back(request.asked);
    return all;
  };
  // A site that is not protected yet, and then is.
  const std::string early = asking(0, "0") + asking(1, "0");
  const std::string later =
      asking(2, "1") + asking(3, "0") + asking(4, "1", "down") + asking(5, "");
  const Reading whole = read_text(early + later);
  EXPECT_EQ(told(whole), (std::vector{unsaid, unsaid, answered, never, unanswered, unsaid}));
  EXPECT_EQ(whole.report.never_asked, 1u);
  EXPECT_EQ(whole.report.requests, 6u);
  const Reading parts = read_all({text_source("a", asking(0, "1")), text_source("b", early)});
  EXPECT_EQ(parts.report.never_asked, 2u) << "whatever file says so";
  EXPECT_EQ(read_text(early).report.never_asked, 0u);
}

TEST(RecordReader, DoesNotMixWindowsAndRequests) {
  const Reading reading =
      read_all({text_source("a", kCombined), text_source("w", "timestamp,value\n1,2\n")});
  ASSERT_TRUE(reading.failure);
  EXPECT_TRUE(reading.failure->message.starts_with("w: ready windows and requests"));
}

}  // namespace
}  // namespace tidelimit::ingest
