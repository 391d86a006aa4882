#include "ingest/request_line.hpp"

#include <cmath>
#include <gtest/gtest.h>

namespace tidelimit::ingest {
namespace {

TEST(ClientText, BelievesAPublicPeerAndLooksBehindItsOwnProxies) {
  const struct {
    const char* peer;
    const char* forwarded_for;
    const char* client;
  } cases[] = {
      {"203.0.113.7", "", "203.0.113.7"},
      {"203.0.113.7", "198.51.100.1", "203.0.113.7"},  // a client writes there what it likes
      {"10.0.0.2", "203.0.113.7", "203.0.113.7"},
      {"10.0.0.2:4711", "203.0.113.7:80", "203.0.113.7"},
      {"127.0.0.1", "1.1.1.1, 203.0.113.7", "203.0.113.7"},
      {"::1", "203.0.113.7, 10.1.2.3", "203.0.113.7"},
      {"fd00::1", "[2001:db8::7]:443, 192.168.0.1,127.0.0.1", "2001:db8::7"},
      {"", "203.0.113.7", "203.0.113.7"},
      {"10.0.0.2", "10.5.5.5, 127.0.0.1", "10.5.5.5"},
      {"10.0.0.2", "unknown, <script>", "10.0.0.2"},
      {"10.0.0.2", ",,", "10.0.0.2"},
      {"100.64.0.1", "203.0.113.7", "203.0.113.7"},
      {"host.example", "203.0.113.7", "host.example"},
      {"[2001:db8::1]:443", "", "2001:db8::1"},
      {"2001:db8::1", "", "2001:db8::1"},
      {"", "", ""},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(client_text(c.peer, c.forwarded_for), c.client) << c.peer << " | " << c.forwarded_for;
  }
}

TEST(Latency, IsUnknownWhereItCanBeNone) {
  EXPECT_EQ(latency_of(0.25), 0.25F);
  EXPECT_EQ(latency_of(0), 0.0F);
  EXPECT_EQ(latency_of(86'400e3), 86'400e3F);
  for (const std::optional<double> none :
       {std::optional<double>(), std::optional(-1.0), std::optional(1e300), std::optional(1e12)})
    EXPECT_TRUE(std::isnan(latency_of(none)));
}

TEST(Unescape, UndoesWhatServersWrite) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"plain", "plain"},
      {R"(\"a\")", "\"a\""},
      {R"(\x41\x7a\X41)", "Az\\X41"},
      {R"(\\x41)", "\\x41"},
      {R"(\n\r\t\b\v\f)", "\n\r\t\b\v\f"},
      {R"(\)", "\\"},
      {R"(\x)", "\\x"},
      {R"(\x4)", "\\x4"},
      {R"(\xg1)", "\\xg1"},
      {R"(a\q)", "a\\q"},
  };
  std::string scratch;
  for (const auto& [text, expected] : cases) EXPECT_EQ(unescape(text, scratch), expected) << text;
}

}  // namespace
}  // namespace tidelimit::ingest
