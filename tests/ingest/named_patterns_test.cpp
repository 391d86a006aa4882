// Lines as gateways write them by default, recognised without being told.
#include "ingest/named_patterns.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "reading.hpp"

namespace tidelimit::ingest {
namespace {

TEST(NamedPatterns, EnvoyDefault) {
  const Reading reading = read_text(
      "[2026-11-24T20:37:02.123Z] \"POST /payment/7?x=1 HTTP/2\" 503 UF 12 91 25 - "
      "\"198.51.100.3,10.0.0.9\" \"shop/2 \\\"beta\\\"\" \"6e0d\" \"shop.example\" "
      "\"10.0.0.1:80\"\n"
      "[2026-11-24T20:37:03.000Z] \"GET /browse HTTP/1.1\" 200 - 0 154 12 11 \"-\" \"-\" \"a\" "
      "\"b\" "
      "\"10.0.0.1:80\"\n",
      options());
  EXPECT_EQ(reading.report.format, "envoy");
  ASSERT_EQ(reading.requests.size(), 1u);
  const Owned& first = reading.requests[0];
  EXPECT_EQ(first.time, "2026-11-24T20:37:02.123Z");
  EXPECT_EQ(first.client, "198.51.100.3");
  EXPECT_EQ(first.method, "POST");
  EXPECT_EQ(first.path, "/payment/7?x=1");
  EXPECT_EQ(first.status, 503);
  EXPECT_EQ(first.bytes, 91);
  EXPECT_FLOAT_EQ(first.latency_ms, 25.0f);
  EXPECT_EQ(first.agent, "shop/2 \"beta\"");
  // A line that names no client is no request of one.
  EXPECT_EQ(reading.report.unreadable, 1u);
}

TEST(NamedPatterns, IstioNamesThePeerWhereNobodyForwarded) {
  const std::string behind =
      " via_upstream - \"-\" 0 42 8 7 \"-\" \"curl/8\" \"6e0d\" \"shop\" \"10.0.0.1:80\" "
      "inbound|80|| 127.0.0.6:4100 10.0.0.1:80 [2001:db8::7]:51000 outbound_.80 default\n";
  const Reading reading =
      read_text("[2026-11-24T20:37:02.123Z] \"GET /a HTTP/1.1\" 200 -" + behind, options());
  EXPECT_EQ(reading.report.format, "istio");
  ASSERT_EQ(reading.requests.size(), 1u);
  EXPECT_EQ(reading.requests[0].client, "2001:db8::7");
  EXPECT_EQ(reading.requests[0].agent, "curl/8");
  EXPECT_EQ(reading.requests[0].bytes, 42);
  EXPECT_FLOAT_EQ(reading.requests[0].latency_ms, 8.0f);
}

TEST(NamedPatterns, HaproxyBehindSyslog) {
  const Reading reading = read_text(
      "Nov 24 12:14:14 lb haproxy[7]: 203.0.113.7:33317 [24/Nov/2026:12:14:14.655] in~ shop/s1 "
      "10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {shop.example|Mozilla} {} "
      "\"GET /browse/7 HTTP/1.1\"\n"
      "Nov 24 12:14:15 lb haproxy[7]: Server shop/s1 is DOWN, reason: Layer4 timeout.\n"
      "Nov 24 12:14:15 lb haproxy[7]: 2001:db8::7:8443 [24/Nov/2026:12:14:15.000] in shop/<NOSRV> "
      "0/-1/-1/-1/+8490 -1 0 - - CH-- 2/2/2/0/0 0/0 \"GET /a\\\"b HTTP/1.1\" extra\n",
      options());
  EXPECT_EQ(reading.report.format, "haproxy");
  ASSERT_EQ(reading.requests.size(), 2u);
  const Owned& first = reading.requests[0];
  EXPECT_EQ(first.time, "2026-11-24T12:14:14.655Z");
  EXPECT_EQ(first.client, "203.0.113.7");
  EXPECT_EQ(first.path, "/browse/7");
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(first.bytes, 2750);
  EXPECT_FLOAT_EQ(first.latency_ms, 109.0f);
  const Owned& aborted = reading.requests[1];
  EXPECT_EQ(aborted.client, "2001:db8::7");
  EXPECT_EQ(aborted.status, 0);
  EXPECT_FLOAT_EQ(aborted.latency_ms, 8490.0f);
  EXPECT_EQ(reading.report.unreadable, 1u);
}

TEST(NamedPatterns, ApplicationLoadBalancer) {
  const Reading reading = read_text(
      "h2 2026-11-24T22:23:00.186641Z app/lb/50dc 203.0.113.7:2817 10.0.0.1:80 0.000 0.125 0.000 "
      "401 401 34 366 \"GET https://shop.example:443/login?a=b HTTP/2.0\" \"curl/8 x\" ECDHE "
      "TLSv1.3 "
      "arn \"Root=1\" \"shop.example\" \"arn\" 0 2026-11-24T22:22:48.364000Z \"forward\" \"-\"\n",
      options());
  EXPECT_EQ(reading.report.format, "alb");
  ASSERT_EQ(reading.requests.size(), 1u);
  const Owned& only = reading.requests[0];
  EXPECT_EQ(only.client, "203.0.113.7");
  EXPECT_EQ(only.path, "https://shop.example:443/login?a=b");  // as the line has it
  EXPECT_EQ(only.agent, "curl/8 x");
  EXPECT_EQ(only.status, 401);
  EXPECT_FLOAT_EQ(only.latency_ms, 125.0f);
}

TEST(NamedPatterns, NoneStandsInForCombined) {
  const Reading reading = read_text(
      "203.0.113.7 - - [24/Nov/2026:10:00:00 +0000] \"GET /a HTTP/1.1\" 200 5 \"-\" \"curl\"\n",
      options());
  EXPECT_EQ(reading.report.format, "combined");
}

TEST(NamedPatterns, AreGivenByName) {
  for (const NamedPattern& form : kNamedPatterns) {
    EXPECT_TRUE(FormatChoice::from_options(std::string(form.name), {})) << form.name;
  }
  const auto wrong = FormatChoice::from_options("haproxi", {});
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("did you mean haproxy?"), std::string::npos)
      << wrong.error().message;
}

}  // namespace
}  // namespace tidelimit::ingest
