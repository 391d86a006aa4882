#include "ingest/clf_parser.hpp"

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

using namespace std::string_literals;

struct Parsed {
  Unreadable reason = Unreadable::none;
  Owned request;
};

Parsed parse(const std::string& line) {
  ClfParser parser;
  traffic::Request request;
  const Unreadable reason = parser.parse(line, request);
  return {reason, reason == Unreadable::none ? owned(request) : Owned{}};
}

const std::string kWho = "192.0.2.7 - - [17/May/2015:10:05:03 +0000] ";

TEST(ClfParser, ReadsCombined) {
  const auto [reason, r] =
      parse(R"(192.0.2.7 - alice [17/May/2015:10:05:03 +0200] "GET /a/b?c=d HTTP/1.1" 404 203023 )"
            R"x("http://example.com/" "Mozilla/5.0 (X11)")x");
  ASSERT_EQ(reason, Unreadable::none);
  EXPECT_EQ(r.time, "2015-05-17T08:05:03Z");
  EXPECT_EQ(r.client, "192.0.2.7");
  EXPECT_EQ(r.user, "alice");
  EXPECT_EQ(r.method, "GET");
  EXPECT_EQ(r.path, "/a/b?c=d");
  EXPECT_EQ(r.status, 404);
  EXPECT_EQ(r.bytes, 203023);
  EXPECT_EQ(r.agent, "Mozilla/5.0 (X11)");
  EXPECT_TRUE(std::isnan(r.latency_ms));
}

TEST(ClfParser, ReadsCommonAndHostNames) {
  ClfParser parser;
  traffic::Request r;
  ASSERT_EQ(parser.parse("unicomp6.Unicomp.net - - [01/Jul/1995:00:00:06 -0400] "
                         "\"GET /shuttle/ HTTP/1.0\" 200 3985",
                         r),
            Unreadable::none);
  EXPECT_EQ(r.client_name, "unicomp6.Unicomp.net");
  EXPECT_TRUE(r.client.is_host_name());
  EXPECT_EQ(r.client, client_of("unicomp6.unicomp.net"));
  EXPECT_EQ(r.user_agent, "");
  EXPECT_EQ(parser.format(), "common");
}

TEST(ClfParser, ReadsWhatStandsBeforeTheTime) {
  const struct {
    const char* who;
    const char* client;
    const char* user;
  } cases[] = {
      {"192.0.2.7 - -", "192.0.2.7", ""},
      {"2001:db8::1 - -", "2001:db8::1", ""},
      {"192.0.2.7 ident bob", "192.0.2.7", "bob"},
      {"192.0.2.7 - John Q. Doe", "192.0.2.7", "John Q. Doe"},
      {"192.0.2.7", "192.0.2.7", ""},
      {"192.0.2.7 -", "192.0.2.7", ""},
      {"shop.example:443 192.0.2.7 - bob", "192.0.2.7", "bob"},
      {"shop.example:443 host.example - -", "host.example", ""},
      {"shop.example 2001:db8::1 - -", "2001:db8::1", ""},
      {"192.0.2.1:443 host.example - -", "host.example", ""},
      // with a port, in brackets
      {"192.0.2.7:4000 - -", "192.0.2.7", ""},
      {"192.0.2.7:4000 - John Doe", "192.0.2.7", "John Doe"},
      {"[2001:db8::1] - -", "2001:db8::1", ""},
      {"[2001:db8::1]:4000 - bob", "2001:db8::1", "bob"},
      {"shop.example:443 192.0.2.7:4000 - bob", "192.0.2.7", "bob"},
      {"shop.example [2001:db8::1]:4000 - bob", "2001:db8::1", "bob"},
      // X-Forwarded-For in the client's place
      {"198.51.100.3, 10.0.0.1 - -", "198.51.100.3", ""},
      {"198.51.100.3,10.0.0.1 - bob", "198.51.100.3", "bob"},
      {"198.51.100.3, 10.0.0.1, 172.16.0.1 - -", "198.51.100.3", ""},
      {"2001:db8::3, 10.0.0.1 - John Doe", "2001:db8::3", "John Doe"},
      {"unknown, 198.51.100.3:80 - -", "198.51.100.3", ""},
      {"shop.example:443 198.51.100.3, 10.0.0.1 - bob", "198.51.100.3", "bob"},
      {"shop.example 198.51.100.3, 10.0.0.1 - bob", "198.51.100.3", "bob"},
      {"10.0.0.2, 10.0.0.1 - -", "10.0.0.1", ""},
      // who logs in may write what they like, but not hide or be another
      {"192.0.2.7 - 198.51.100.3", "192.0.2.7", ""},
      {"192.0.2.7 - x 198.51.100.3 - -", "192.0.2.7", ""},
      {"host.example - 198.51.100.3", "host.example", ""},
  };
  for (const auto& c : cases) {
    const auto [reason, r] =
        parse(c.who + " [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 1"s);
    EXPECT_EQ(reason, Unreadable::none) << c.who;
    EXPECT_EQ(r.client, c.client) << c.who;
    EXPECT_EQ(r.user, c.user) << c.who;
  }
}

TEST(ClfParser, ReadsEveryRequestLine) {
  const struct {
    std::string request;
    const char* method;
    std::string path;
  } cases[] = {
      {"GET / HTTP/1.1", "GET", "/"},
      {"PROPFIND /dav HTTP/1.1", "PROPFIND", "/dav"},
      {"get /x HTTP/1.1", "get", "/x"},
      {"GET /old", "GET", "/old"},
      {"GET /with a space HTTP/1.1", "GET", "/with a space"},
      {"GET http://h/p HTTP/1.1", "GET", "http://h/p"},
      {"CONNECT h.example:443 HTTP/1.1", "CONNECT", "h.example:443"},
      {"OPTIONS * HTTP/1.0", "OPTIONS", "*"},
      {R"(GET /?q=\"x\" HTTP/1.1)", "GET", R"(/?q="x")"},
      {R"(GET /?q=\x22x\x22 HTTP/1.1)", "GET", R"(/?q="x")"},
      {R"(GET /?q=\\ HTTP/1.1)", "GET", R"(/?q=\)"},
      {R"(GET /?q="raw" HTTP/1.1)", "GET", R"(/?q="raw")"},
      {R"(GET /?q=\q\x2 HTTP/1.1)", "GET", R"(/?q=\q\x2)"},
      {"GET /nul\0byte HTTP/1.1"s, "GET", "/nul\0byte"s},
      // garbage in the quotes: a request all the same, without method and path
      {"-", "", ""},
      {"", "", ""},
      {R"(\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03)", "", ""},
      {"\x16\x03\x01\x02", "", ""},
      {"t3 12.1.2", "", ""},
      {"GET", "", ""},
      {"GET  HTTP/1.1", "", ""},
      {"SSH-2.0-Go", "", ""},
      {"G(E)T / HTTP/1.1", "", ""},
      {std::string(300, 'A') + " / HTTP/1.1", "", ""},
  };
  for (const auto& c : cases) {
    const auto [reason, r] = parse(kWho + '"' + c.request + R"(" 400 150 "-" "-")");
    EXPECT_EQ(reason, Unreadable::none) << c.request;
    EXPECT_EQ(r.method, c.method) << c.request;
    EXPECT_EQ(r.path, c.path) << c.request;
    EXPECT_EQ(r.status, 400) << c.request;
    EXPECT_EQ(r.agent, "") << c.request;
  }
}

TEST(ClfParser, ReadsEveryTail) {
  const struct {
    const char* tail;
    std::uint16_t status;
    std::int64_t bytes;
    const char* agent;
  } cases[] = {
      {"200 17", 200, 17, ""},
      {"200 -", 200, -1, ""},
      {"200", 200, -1, ""},
      {"- -", 0, -1, ""},
      {"000 0", 0, 0, ""},
      {"499 0 \"-\" \"-\"", 499, 0, ""},
      {R"(200 17 "-" "agent" "-")", 200, 17, "agent"},
      {R"(200 17 "-" "agent" "192.0.2.1" 0.003 host)", 200, 17, "agent"},
      {R"(200 17 "http://e/\"q\"" "say \"hi\" \\")", 200, 17, R"(say "hi" \)"},
      {R"(200 17 "-" "\x22quoted\x22")", 200, 17, "\"quoted\""},
      {R"(200 17 "-" "cut off (compatible; +http://www.goo)", 200, 17,
       "cut off (compatible; +http://www.goo"},
      {R"(200 17 "cut referer)", 200, 17, ""},
      {R"(200 99999999999999999999 "-" "agent")", 200, -1, "agent"},
      {R"(200 17 0.25 "-" "agent")", 200, 17, ""},
  };
  for (const auto& c : cases) {
    const auto [reason, r] = parse(kWho + "\"GET / HTTP/1.1\" " + c.tail);
    EXPECT_EQ(reason, Unreadable::none) << c.tail;
    EXPECT_EQ(r.status, c.status) << c.tail;
    EXPECT_EQ(r.bytes, c.bytes) << c.tail;
    EXPECT_EQ(r.agent, c.agent) << c.tail;
  }
}

TEST(ClfParser, NamesWhatIsMissing) {
  const std::pair<std::string, Unreadable> cases[] = {
      {"", Unreadable::no_client},
      {" 192.0.2.7 - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 1",
       Unreadable::no_client},
      {"- - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 1", Unreadable::no_client},
      {"<script> - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 1", Unreadable::no_client},
      {std::string(254, 'a') + " - - [17/May/2015:10:05:03 +0000] \"GET / HTTP/1.1\" 200 1",
       Unreadable::no_client},
      {"192.0.2.7 - -", Unreadable::no_time},
      {"192.0.2.7 - - [17/May/2015", Unreadable::no_time},
      {"192.0.2.7 - - [yesterday] \"GET / HTTP/1.1\" 200 1", Unreadable::no_time},
      {kWho, Unreadable::no_request},
      {kWho + "GET / HTTP/1.1 200 1", Unreadable::no_request},
      {kWho + "\"GET / HTTP/1.1", Unreadable::bad_status},
      {kWho + "\"GET / HTTP/1.1\"", Unreadable::bad_status},
      {kWho + "\"GET / HTTP/1.1\" OK 1", Unreadable::bad_status},
      {kWho + "\"GET / HTTP/1.1\" 20 1", Unreadable::bad_status},
      {kWho + "\"GET / HTTP/1.1\" 2000 1", Unreadable::bad_status},
  };
  for (const auto& [line, reason] : cases) {
    EXPECT_EQ(to_string(parse(line).reason), to_string(reason)) << line;
  }
}

TEST(ClfParser, SurvivesEveryCutAndFlippedByte) {
  const std::string line =
      R"(192.0.2.7 - - [17/May/2015:10:05:03 +0000] "GET /?q=\"\x22 HTTP/1.1" 200 1 "-" "a\\")";
  for (std::size_t cut = 0; cut <= line.size(); ++cut) {
    const auto [reason, r] = parse(line.substr(0, cut));
    EXPECT_EQ(reason == Unreadable::none, cut >= line.find(" 200") + 4) << cut;
  }
  Random random(5);
  for (int i = 0; i < 20'000; ++i) {
    std::string flipped = line;
    flipped[random.below(line.size())] = static_cast<char>(random.next());
    const auto [reason, r] = parse(flipped);
    EXPECT_LT(static_cast<std::size_t>(reason), kUnreadable);
  }
}

}  // namespace
}  // namespace tidelimit::ingest
