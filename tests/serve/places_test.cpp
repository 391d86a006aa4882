// Places in flight: who takes them, and what gives them back.

#include <functional>
#include <gtest/gtest.h>
#include <numeric>
#include <string>
#include <vector>

#include "config/config.hpp"
#include "serve/gate/gate.hpp"
#include "serve/http/parser.hpp"

namespace tidelimit::serve {
namespace {

/// One gate without its sockets, at a time that stands; its endpoint takes four at once.
class PlacesInFlight : public testing::Test {
 protected:
  PlacesInFlight() {
    settings_.publish(make_front_settings(config::defaults(), 1));
    engine_.tick(now_);
    seen_.client = client_of(std::string_view("192.0.2.7"));
    seen_.path = "/a";
    seen_.time = now_.wall;
    seen_.status = 200;
    seen_.latency_ms = 1;
  }
  static engine::Settings four_at_once() {
    engine::Settings settings = config::defaults().engine;
    auto& endpoint = settings.policy.endpoints.front();
    endpoint.concurrency = std::vector<std::uint16_t>(settings.policy.tiers.size(), 4);
    endpoint.concurrency_timeout = std::chrono::minutes{30};
    return settings;
  }
  std::uint32_t in_flight() { return gate_.decide(seen_, 0, now_).decision.in_flight; }
  void ask(bool caller_gone) {
    const std::string text =
        "GET /v1/auth HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.7\r\nX-Original-URI: "
        "/a\r\n\r\n";
    Head head;
    Refusal refusal;
    ASSERT_EQ(parse_head(text, head, refusal), Parse::complete);
    const Peer peer{.address = *parse_address("127.0.0.1")};
    std::string answer;
    ResponseWriter response(answer, {.date_line = {}});
    const std::function<Reply()> later;
    gate_.auth({head, {}, peer, now_, later, nullptr, caller_gone}, "", response);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200"));
  }
  /// How many responses it was for the metrics.
  std::uint64_t tell(traffic::Asked asked, engine::ReportKind kind) {
    const auto observed = [&] {
      const auto all = engine_.counters().observed;
      return std::accumulate(all.begin(), all.end(), std::uint64_t{0});
    };
    const std::uint64_t before = observed();
    seen_.asked = asked;
    take_response(gate_.worker(), seen_, kind, *settings_.current(), now_);
    return observed() - before;
  }

  const Now now_{Instant{std::chrono::hours{1}}, WallTime{std::chrono::hours{24 * 18'000}}};
  engine::Engine engine_{four_at_once(), nullptr, 1};
  SettingsSlot settings_;
  LatencyHistogram latency_;
  const Clock clock_;
  Gate gate_{engine_, settings_, latency_, clock_};
  traffic::Request seen_;
};

TEST_F(PlacesInFlight, AreGivenBackByWhatTheGateWasAskedAbout) {
  using engine::ReportKind;
  using traffic::Asked;
  for (int i = 0; i < 4; ++i) ask(false);
  ASSERT_EQ(in_flight(), 4u);
  EXPECT_EQ(tell(Asked::never, ReportKind::already_decided), 0u) << "an error of its client";
  EXPECT_EQ(tell(Asked::never, ReportKind::observe_only), 1u) << "there nobody is asked";
  EXPECT_EQ(tell(Asked::unanswered, ReportKind::already_decided), 1u) << "the service answered";
  EXPECT_EQ(in_flight(), 4u);
  EXPECT_EQ(tell(Asked::answered, ReportKind::already_decided), 1u);
  EXPECT_EQ(tell(Asked::unsaid, ReportKind::already_decided), 1u);
  EXPECT_EQ(in_flight(), 2u);
}

TEST_F(PlacesInFlight, AreNotTakenForWhomNobodyWaitsAnyMore) {
  ask(false);
  ask(true);
  ask(true);
  EXPECT_EQ(in_flight(), 1u);
}

}  // namespace
}  // namespace tidelimit::serve
