#include "serve/gate/identity.hpp"

#include <gtest/gtest.h>
#include <string>

namespace tidelimit::serve {
namespace {

std::shared_ptr<const FrontSettings> settings() {
  config::Config config;
  for (const char* prefix : {"127.0.0.0/8", "10.0.0.0/8", "fd00::/8"})
    config.identity.trusted_proxies.push_back(*parse_prefix(prefix));
  config.identity.user_header = "x-user-id";
  config.identity.tier_header = "x-user-tier";
  return make_front_settings(std::move(config), 1);
}

/// A call of the proxy 127.0.0.1 with these header lines.
struct Asked {
  explicit Asked(const std::string& fields, const std::string& method = "GET")
      : bytes(method + " /v1/auth HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n") {
    Refusal refusal;
    EXPECT_EQ(parse_head(bytes, head, refusal), Parse::complete) << refusal.why;
    peer.address = *parse_address("127.0.0.1");
  }
  std::string client() { return format_client(client_behind(head, peer, *settings()).client); }
  ForwardedCall call(std::string_view rest = {}) {
    return read_forwarded({head, {}, peer, now, later}, rest, *front);
  }
  std::shared_ptr<const FrontSettings> front = settings();
  std::string bytes;
  Head head;
  Peer peer;
  Now now;
  std::function<Reply()> later;
};

TEST(Identity, TheClientIsTheLastUntrustedHop) {
  EXPECT_EQ(Asked("X-Forwarded-For: 203.0.113.7\r\n").client(), "203.0.113.7");
  EXPECT_EQ(Asked("X-Forwarded-For: 203.0.113.7, 10.1.2.3\r\n").client(), "203.0.113.7");
  EXPECT_EQ(Asked("X-Forwarded-For: 198.51.100.1, 203.0.113.7\r\n").client(), "203.0.113.7");
}

TEST(Identity, WhatAClientWritesBeforeItIsNeverReached) {
  EXPECT_EQ(Asked("X-Forwarded-For: 10.0.0.1, 8.8.8.8, 203.0.113.7\r\n").client(), "203.0.113.7");
  EXPECT_EQ(
      Asked("X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-For: 203.0.113.7, 10.0.0.9\r\n").client(),
      "203.0.113.7");
  EXPECT_EQ(Asked("X-Real-IP: 8.8.8.8\r\nX-Forwarded-For: 203.0.113.7\r\n").client(),
            "203.0.113.7");
}

TEST(Identity, TakesTheFirstHopWhereAllAreTrusted) {
  EXPECT_EQ(Asked("X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n").client(), "10.0.0.1");
}

TEST(Identity, AHopThatIsNoAddressEndsAtTheProxyThatPassedItOn) {
  EXPECT_EQ(Asked("X-Forwarded-For: 203.0.113.7, unknown, 10.0.0.2\r\n").client(), "10.0.0.2");
  EXPECT_EQ(Asked("X-Forwarded-For: garbage\r\n").client(), "127.0.0.1");
  EXPECT_EQ(Asked("X-Forwarded-For:\r\n").client(), "127.0.0.1");
}

TEST(Identity, PassesOverEmptyHops) {
  EXPECT_EQ(Asked("X-Forwarded-For: 203.0.113.7, , 10.0.0.2\r\n").client(), "203.0.113.7");
  EXPECT_EQ(Asked("X-Forwarded-For: 203.0.113.7,\r\nX-Forwarded-For:\r\n").client(), "203.0.113.7");
  EXPECT_EQ(Asked("X-Forwarded-For: ,\r\nX-Real-IP: 203.0.113.7\r\n").client(), "127.0.0.1");
}

TEST(Identity, ReadsPortsBracketsAndIpv6) {
  EXPECT_EQ(Asked("X-Forwarded-For: 203.0.113.7:4711\r\n").client(), "203.0.113.7");
  EXPECT_EQ(Asked("X-Forwarded-For: [2001:db8::1]:80\r\n").client(),
            Asked("X-Forwarded-For: 2001:db8::2\r\n").client());
}

TEST(Identity, FallsBackToRealIpAndThenToTheCaller) {
  EXPECT_EQ(Asked("X-Real-IP: 203.0.113.7\r\n").client(), "203.0.113.7");
  EXPECT_EQ(Asked("").client(), "127.0.0.1");
}

TEST(Identity, ReadsTheRequestThatNginxDescribes) {
  Asked asked(
      "X-Original-URI: /pay?x=1\r\nX-Original-Method: POST\r\nUser-Agent: curl\r\n"
      "X-User-Id: 42\r\nX-User-Tier: PRM\r\n");
  const ForwardedCall call = asked.call();
  EXPECT_EQ(call.request.path, "/pay?x=1");
  EXPECT_EQ(call.request.method, "POST");
  EXPECT_EQ(call.request.user_agent, "curl");
  EXPECT_EQ(call.request.user_id, "42");
  EXPECT_EQ(call.request.tier, "PRM");
  EXPECT_EQ(call.other_count, 0U);
}

TEST(Identity, ReadsTheRequestThatTraefikAndCaddyDescribe) {
  Asked asked("X-Forwarded-Uri: /pay\r\nX-Forwarded-Method: PUT\r\n");
  EXPECT_EQ(asked.call().request.path, "/pay");
  EXPECT_EQ(asked.call().request.method, "PUT");
}

TEST(Identity, ReadsThePathThatEnvoyAppends) {
  Asked asked("", "DELETE");
  EXPECT_EQ(asked.call("/pay/7?x").request.path, "/pay/7?x");
  EXPECT_EQ(asked.call("/pay/7?x").request.method, "DELETE");
  EXPECT_EQ(asked.call().request.path, "/");
}

TEST(Identity, ASecondNameForTheRouteIsAskedToo) {
  Asked asked("X-Original-URI: /cheap\r\nX-Forwarded-Uri: /pay\r\nX-Forwarded-Method: POST\r\n");
  const ForwardedCall call = asked.call();
  ASSERT_EQ(call.other_count, 1U);
  EXPECT_EQ(call.others[0].path, "/pay");
  EXPECT_EQ(call.others[0].method, "POST");
}

TEST(Identity, NoHeaderStandsInPlaceOfThePathThatEnvoyAppends) {
  Asked asked("X-Original-URI: /cheap\r\nX-Forwarded-Uri: /free\r\n", "POST");
  const ForwardedCall call = asked.call("/pay?x");
  EXPECT_EQ(call.request.path, "/pay?x");
  EXPECT_EQ(call.request.method, "POST");
  ASSERT_EQ(call.other_count, 2U);
  EXPECT_EQ(call.others[0].path, "/cheap");
  EXPECT_EQ(call.others[1].path, "/free");
}

TEST(Identity, AnotherMethodForTheSamePathIsAnotherRoute) {
  Asked asked(
      "X-Original-URI: /pay\r\nX-Original-Method: GET\r\n"
      "X-Forwarded-Uri: /pay\r\nX-Forwarded-Method: POST\r\n");
  const ForwardedCall call = asked.call();
  EXPECT_EQ(call.request.method, "GET");
  ASSERT_EQ(call.other_count, 1U);
  EXPECT_EQ(call.others[0].method, "POST");
}

TEST(Identity, OfARouteInSeveralLinesTheLastIsRead) {
  Asked asked("X-Original-URI: /cheap\r\nX-Original-URI: /pay\r\n");
  EXPECT_EQ(asked.call().request.path, "/pay");
  EXPECT_EQ(asked.call().other_count, 0U);
}

TEST(Identity, ARouteThatIsNamedTwiceIsOne) {
  EXPECT_EQ(Asked("X-Original-URI: /pay\r\nX-Original-Method: POST\r\nX-Forwarded-Uri: /pay\r\n")
                .call()
                .other_count,
            0U);
  EXPECT_EQ(Asked("X-Original-URI: /pay\r\nX-Forwarded-Uri: /pay\r\n").call("/pay").other_count,
            0U);
}

TEST(Identity, BelievesNoIdentityThatIsGivenTwice) {
  Asked asked("X-User-Id: 1\r\nx-user-id: 2\r\nX-User-Tier: PRM\r\nX-User-Tier: STD\r\n");
  EXPECT_EQ(asked.call().request.user_id, "");
  EXPECT_EQ(asked.call().request.tier, "");
}

TEST(Identity, TrustFollowsTheConfiguration) {
  Asked asked("");
  EXPECT_TRUE(is_trusted(asked.peer, *asked.front));
  config::Config none;
  EXPECT_FALSE(is_trusted(asked.peer, *make_front_settings(none, 2)));
}

}  // namespace
}  // namespace tidelimit::serve
