#include "serve/http/parser.hpp"

#include <gtest/gtest.h>
#include <string>

#include "serve/http/chunked_decoder.hpp"
#include "serve/http/target.hpp"

namespace tidelimit::serve {
namespace {

struct Parsed {
  Parse result;
  Refusal refusal;
};

Parsed parse(std::string_view bytes, Head& head) {
  Parsed parsed{};
  parsed.result = parse_head(bytes, head, parsed.refusal);
  return parsed;
}

constexpr std::string_view kPlain =
    "GET /v1/auth?deny=403 HTTP/1.1\r\nHost: gate\r\nX-Real-IP:  10.0.0.1 \r\n\r\nrest";

TEST(HttpParser, ReadsAHeadAndLeavesWhatFollows) {
  Head head;
  ASSERT_EQ(parse(kPlain, head).result, Parse::complete);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.target, "/v1/auth?deny=403");
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.content_length);
  EXPECT_EQ(head.header("x-real-ip"), "10.0.0.1");
  EXPECT_EQ(head.header("x-none"), std::nullopt);
  EXPECT_EQ(kPlain.substr(head.size), "rest");
}

TEST(HttpParser, SaysIncompleteForEveryPrefix) {
  Head head;
  const std::size_t whole = kPlain.size() - 4;
  for (std::size_t length = 0; length < whole; ++length)
    EXPECT_EQ(parse(kPlain.substr(0, length), head).result, Parse::incomplete) << length;
}

TEST(HttpParser, KeepsAliveAsTheVersionAndConnectionSay) {
  const auto keeps = [](std::string bytes) {
    Head head;
    EXPECT_EQ(parse(bytes, head).result, Parse::complete) << bytes;
    return head.keep_alive;
  };
  EXPECT_TRUE(keeps("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"));
  EXPECT_FALSE(keeps("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_TRUE(keeps("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
}

TEST(HttpParser, TakesNoControlByteInAValueWhereverItStands) {
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t at = 0; at < 20; ++at) {
      std::string value(20, 'v');
      value[at] = static_cast<char>(byte);
      if (at == 0 || at == 19) value = 'v' + value + 'v';  // no space around it
      Head head;
      const std::string bytes = "GET / HTTP/1.1\r\nHost: " + value + "\r\n\r\n";
      const auto parsed = parse(bytes, head);
      const bool allowed = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
      ASSERT_EQ(parsed.result, allowed ? Parse::complete : Parse::refused) << byte << ' ' << at;
      if (!allowed) continue;
      EXPECT_EQ(head.header("host"), value) << byte << ' ' << at;
    }
  }
}

TEST(HttpParser, TellsEmptyLinesBeforeARequest) {
  Head head;
  EXPECT_EQ(empty_lines("\r\n\r\nGET / HTTP/1.1\r\n\r\n"), 4u);
  EXPECT_EQ(empty_lines("\r\n\r"), 2u);
  EXPECT_EQ(parse("\r", head).result, Parse::incomplete) << "the rest of the last of them";
  EXPECT_EQ(empty_lines("\n\r\n"), 0u);
  EXPECT_EQ(empty_lines(""), 0u);
}

struct Refused {
  const char* name;
  std::string bytes;
  int status;
};

class HttpParserRefuses : public testing::TestWithParam<Refused> {};

TEST_P(HttpParserRefuses, WithItsStatus) {
  Head head;
  const Parsed parsed = parse(GetParam().bytes, head);
  ASSERT_EQ(parsed.result, Parse::refused);
  EXPECT_EQ(parsed.refusal.status, GetParam().status) << parsed.refusal.why;
  EXPECT_STRNE(parsed.refusal.why, "");
}

std::string with(const std::string& fields) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    Smuggling, HttpParserRefuses,
    testing::Values(
        Refused{"two_lengths", with("Content-Length: 1\r\nContent-Length: 1"), 400},
        Refused{"length_and_coding", with("Content-Length: 1\r\nTransfer-Encoding: chunked"), 400},
        Refused{"signed_length", with("Content-Length: +1"), 400},
        Refused{"list_of_lengths", with("Content-Length: 1, 1"), 400},
        Refused{"huge_length", with("Content-Length: 99999999999999999999"), 400},
        Refused{"empty_length", with("Content-Length:"), 400},
        Refused{"hidden_coding", with("Transfer-Encoding: xchunked"), 501},
        Refused{"coding_list", with("Transfer-Encoding: gzip, chunked"), 501},
        Refused{"two_codings", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
                400},
        Refused{"coding_in_1_0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        Refused{"space_before_colon", with("Content-Length : 1"), 400},
        Refused{"folded", with("X: a\r\n b"), 400},
        Refused{"bare_lf", "GET / HTTP/1.1\nHost: a\n\n", 400},
        Refused{"bare_lf_in_fields", with("X: a\nY: b"), 400},
        Refused{"bare_cr", with("X: a\rb"), 400},
        Refused{"nul", with(std::string("X: a\0b", 6)), 400},
        Refused{"no_host", "GET / HTTP/1.1\r\n\r\n", 400},
        Refused{"two_hosts", with("Host: b"), 400},
        Refused{"no_target", "GET  HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Refused{"no_version", "GET /\r\nHost: a\r\n\r\n", 400},
        Refused{"http_2_preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        Refused{"tls", std::string("\x16\x03\x01\x02\x00\x01", 6), 400},
        Refused{"expectation", with("Expect: miracles"), 417},
        Refused{"long_target", "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n", 414},
        Refused{"long_head", with("X: " + std::string(17000, 'a')), 431},
        Refused{"many_fields", with([] {
                  std::string fields = "X: 0";
                  for (int i = 1; i < 120; ++i) fields += "\r\nX: " + std::to_string(i);
                  return fields;
                }()),
                431}),
    [](const auto& one) { return std::string(one.param.name); });

std::string decode(std::string_view bytes, std::size_t step, ChunkedDecoder& decoder,
                   std::size_t limit = 1 << 20) {
  std::string body;
  while (!bytes.empty() && !decoder.done() && !decoder.bad()) {
    const std::size_t eaten = decoder.feed(bytes.substr(0, step), body, limit);
    bytes.remove_prefix(eaten);
  }
  return body;
}

TEST(ChunkedDecoder, DecodesInPiecesOfAnySize) {
  const std::string bytes =
      "4 \t\r\nWiki\r\n3;name=\"v\"\r\nped\r\n2 ; name\r\nia\r\n0\r\nTrailer: x\r\n\r\n";
  for (std::size_t step = 1; step <= bytes.size(); ++step) {
    ChunkedDecoder decoder;
    EXPECT_EQ(decode(bytes, step, decoder), "Wikipedia") << step;
    EXPECT_TRUE(decoder.done()) << step;
  }
}

TEST(ChunkedDecoder, RefusesWhatHidesARequest) {
  for (const char* bytes :
       {"4\nWiki\r\n0\r\n\r\n", "-4\r\nWiki", "4\r\nWikipedia\r\n", "\r\n\r\n", "0x4\r\nWiki\r\n",
        "4 \x01\r\nWiki\r\n", "4\r\nWiki\n0\r\n\r\n", "4 5\r\nWiki\r\n", "2d zz\r\nWiki\r\n",
        "4\tx;y\r\nWiki\r\n", "4;x\x01\r\nWiki\r\n"}) {
    ChunkedDecoder decoder;
    (void)decode(bytes, 1, decoder);
    ASSERT_TRUE(decoder.bad()) << bytes;
    EXPECT_EQ(decoder.bad()->status, 400) << bytes;
  }
}

TEST(ChunkedDecoder, BoundsBodyAndOverhead) {
  ChunkedDecoder large;
  (void)decode("8\r\n12345678\r\n3\r\n", 100, large, 10);
  ASSERT_TRUE(large.bad());
  EXPECT_EQ(large.bad()->status, 413);
  ChunkedDecoder endless;
  (void)decode("fffffffff\r\n", 100, endless);
  ASSERT_TRUE(endless.bad());
  ChunkedDecoder trailing;
  (void)decode("0\r\nX: " + std::string(10000, 'a'), 100, trailing);
  ASSERT_TRUE(trailing.bad());
  EXPECT_EQ(trailing.bad()->status, 431);
}

TEST(Target, ReducesAbsoluteFormAndFindsQueryValues) {
  EXPECT_EQ(origin_form("http://gate:8080/v1/plan?x=1"), "/v1/plan?x=1");
  EXPECT_EQ(origin_form("http://gate"), "/");
  EXPECT_EQ(origin_form("/v1/plan"), "/v1/plan");
  EXPECT_EQ(query_value("/a?deny=403&x", "deny"), "403");
  EXPECT_EQ(query_value("/a?deny=403&x", "x"), "");
  EXPECT_EQ(query_value("/a?denying=403", "deny"), std::nullopt);
  EXPECT_EQ(query_value("/a", "deny"), std::nullopt);
  EXPECT_EQ(decode_component("a%2Fb+c%zz", true), "a/b c%zz");
  EXPECT_EQ(decode_component("a+b", false), "a+b");
}

}  // namespace
}  // namespace tidelimit::serve
