#include "serve/gate/denial.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace tidelimit::serve {
namespace {

using limiter::Reason;

policy::LimitSpec limit(const char* rate) {
  policy::LimitSpec spec;
  spec.rate = *parse_rate(rate);
  return spec;
}

std::shared_ptr<const FrontSettings> settings(bool expose_rule = true) {
  config::Config config;
  config.expose_rule = expose_rule;
  config.engine.policy.tiers = {"PRM", "STD"};
  policy::EndpointSettings browse;
  browse.name = "browse";
  browse.limits = {limit("300/min"), limit("100/min")};
  browse.limits[1].total = *parse_rate("20/s");
  browse.client = limit("36000/h");
  policy::EndpointSettings odd;
  odd.name = "od\"d";
  odd.limits = {limit("5/s"), {}};
  config.engine.policy.endpoints = {browse, odd};
  return make_front_settings(std::move(config), 1);
}

engine::Answer answer(Reason reason, const char* rate) {
  engine::Answer made;
  made.decision.allowed = reason == Reason::ok;
  made.decision.reason = reason;
  made.decision.tier = limiter::TierId{1};
  const Rate parsed = *parse_rate(rate);
  made.decision.limit = limiter::make_limit(parsed, default_burst(parsed));
  made.decision.remaining = 12;
  made.decision.retry_after = std::chrono::milliseconds{1200};
  made.decision.reset_after = std::chrono::milliseconds{29'400};
  return made;
}

std::string fields(const engine::Answer& answer) {
  std::string lines;
  append_rate_fields(lines, answer, *settings());
  return lines;
}

TEST(RateFields, NamePolicyQuotaAndWhatIsLeft) {
  EXPECT_EQ(fields(answer(Reason::ok, "100/min")),
            "RateLimit-Policy: \"browse-STD\";q=100;w=60\r\n"
            "RateLimit: \"browse-STD\";r=12;t=30\r\n");
}

TEST(RateFields, TooManyInFlightIsAQuotaOfConcurrentRequests) {
  engine::Answer denied = answer(Reason::over_limit, "100/min");
  denied.decision.limit = {};
  denied.decision.rule = limiter::kConcurrencyRule;
  denied.decision.retry_after = std::chrono::seconds{1};
  denied.decision.in_flight = denied.decision.in_flight_limit = 5;
  EXPECT_EQ(fields(denied),
            "RateLimit-Policy: \"browse-STD-concurrency\";q=5;qu=\"concurrent-requests\"\r\n"
            "RateLimit: \"browse-STD-concurrency\";r=0;t=1\r\n");
  const auto document = nlohmann::json::parse(
      denial_document(denied, describe(Reason::over_limit, 429), *settings()));
  EXPECT_EQ(document["violated-policies"], nlohmann::json::array({"browse-STD-concurrency"}));
  EXPECT_EQ(document["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
}

TEST(RateFields, ADenialHasNothingLeftUntilRetryAfter) {
  EXPECT_EQ(fields(answer(Reason::over_limit, "50/min")),
            "RateLimit-Policy: \"browse-STD\";q=50;w=60\r\n"
            "RateLimit: \"browse-STD\";r=0;t=2\r\n");
}

TEST(RateFields, ARateBelowOneInThePeriodTakesALongerWindow) {
  engine::Answer limited = answer(Reason::client_limited, "10/h");
  limited.decision.limit_of = limiter::LimitOf::verdict;
  EXPECT_EQ(fields(limited),
            "RateLimit-Policy: \"client\";q=1;w=360\r\nRateLimit: \"client\";r=0;t=2\r\n");
}

TEST(RateFields, NameEachLimitByItsOwnNameAndPeriod) {
  using limiter::LimitOf;
  const auto policy = [](LimitOf of, Reason reason, const char* rate) {
    engine::Answer made = answer(reason, rate);
    made.decision.limit_of = of;
    const std::string said = fields(made);
    return said.substr(0, said.find('\r'));
  };
  for (const Reason reason : {Reason::ok, Reason::over_limit}) {
    EXPECT_EQ(policy(LimitOf::total, reason, "20/s"),
              "RateLimit-Policy: \"browse-STD-total\";q=20;w=1");
    EXPECT_EQ(policy(LimitOf::client, reason, "600/min"),
              "RateLimit-Policy: \"browse-STD-address\";q=36000;w=3600");
  }
  // Of a limit by hand or verdict that a request passes, and of one that denies it.
  EXPECT_EQ(policy(LimitOf::override_, Reason::ok, "2/min"),
            "RateLimit-Policy: \"override\";q=2;w=60");
  EXPECT_EQ(policy(LimitOf::override_, Reason::override_, "2/min"),
            "RateLimit-Policy: \"override\";q=2;w=60");
  EXPECT_EQ(policy(LimitOf::verdict, Reason::ok, "10/min"),
            "RateLimit-Policy: \"client\";q=10;w=60");
}

TEST(RateFields, WhatIsBlockedOrShedHasNoQuota) {
  const auto denied = [](Reason reason) {
    engine::Answer made = answer(reason, "100/min");
    made.decision.limit = {};
    return made;
  };
  EXPECT_EQ(fields(denied(Reason::client_blocked)),
            "RateLimit-Policy: \"client\";q=0\r\nRateLimit: \"client\";r=0;t=2\r\n");
  EXPECT_EQ(fields(denied(Reason::override_)),
            "RateLimit-Policy: \"override\";q=0\r\nRateLimit: \"override\";r=0;t=2\r\n");
  EXPECT_EQ(fields(denied(Reason::load_shed)),
            "RateLimit-Policy: \"load\";q=0\r\nRateLimit: \"load\";r=0;t=2\r\n");
}

TEST(RateFields, KeepTheConfiguredPeriodAndEscapeNames) {
  engine::Answer odd = answer(Reason::ok, "5/s");
  odd.decision.endpoint = limiter::EndpointId{1};
  odd.decision.tier = limiter::TierId{0};
  EXPECT_TRUE(fields(odd).starts_with("RateLimit-Policy: \"od\\\"d-PRM\";q=5;w=1\r\n"))
      << fields(odd);
}

TEST(RateFields, AnUnlimitedRequestHasNone) {
  engine::Answer free = answer(Reason::ok, "5/s");
  free.decision.limit = {};
  EXPECT_EQ(fields(free), "");
}

TEST(RateFields, TellTheTruthOfLongLimits) {
  using std::chrono::hours;
  engine::Answer passed = answer(Reason::ok, "100/min");
  passed.decision.reset_after = hours{24 * 300};
  EXPECT_TRUE(fields(passed).ends_with(";t=25920000\r\n")) << fields(passed);
  engine::Answer denied = answer(Reason::over_limit, "100/min");
  denied.decision.retry_after = hours{24 * 365};
  EXPECT_TRUE(fields(denied).ends_with(";t=31536000\r\n")) << fields(denied);
}

TEST(RetryAfter, RoundsUpAndIsAWeekWhereNoWaitHelps) {
  EXPECT_EQ(retry_after_seconds(Nanos{0}), 1u);
  EXPECT_EQ(retry_after_seconds(Nanos{1}), 1u);
  EXPECT_EQ(retry_after_seconds(std::chrono::seconds{1}), 1u);
  EXPECT_EQ(retry_after_seconds(std::chrono::seconds{1} + Nanos{1}), 2u);
  EXPECT_EQ(retry_after_seconds(limiter::kLongestWait), 31'536'000u);
  EXPECT_EQ(retry_after_seconds(Nanos::max()), 604'800u);
}

nlohmann::json document(Reason reason, int reduced, bool expose = true) {
  engine::Answer made = answer(reason, "50/min");
  const std::string rule = "shield";
  made.rule = &rule;
  made.decision_id = 77;
  return nlohmann::json::parse(denial_document(made, describe(reason, reduced), *settings(expose)));
}

TEST(DenialDocument, NamesTheDraftsProblemTypes) {
  const auto over = document(Reason::over_limit, 429);
  EXPECT_EQ(over["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
  EXPECT_EQ(over["status"], 429);
  EXPECT_EQ(over["violated-policies"], nlohmann::json::array({"browse-STD"}));
  EXPECT_EQ(over["rule"], "shield");
  EXPECT_EQ(over["decision"], engine::format_decision_id(77));
  for (const Reason reason : {Reason::reduced_capacity, Reason::load_shed}) {
    const auto reduced = document(reason, 503);
    EXPECT_EQ(reduced["type"],
              "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity");
    EXPECT_EQ(reduced["status"], 503);
  }
  for (const Reason reason : {Reason::client_blocked, Reason::client_limited}) {
    const auto abuse = document(reason, 503);
    EXPECT_EQ(abuse["type"],
              "https://iana.org/assignments/http-problem-types#abnormal-usage-detected");
    EXPECT_EQ(abuse["status"], 429);
  }
}

TEST(DenialDocument, SaysWhereNoWaitHelps) {
  const auto detail = [](Nanos retry_after) {
    engine::Answer made = answer(Reason::over_limit, "50/min");
    made.decision.retry_after = retry_after;
    const std::string text = denial_document(made, describe(Reason::over_limit, 429), *settings());
    return nlohmann::json::parse(text)["detail"].get<std::string>();
  };
  EXPECT_NE(detail(std::chrono::seconds{1}).find("try again after"), std::string::npos);
  EXPECT_EQ(detail(Nanos::max()).find("try again"), std::string::npos);
}

TEST(DenialDocument, HidesTheRuleWhereOnlyTheIdMayShow) {
  const auto shown = document(Reason::over_limit, 429, false);
  EXPECT_FALSE(shown.contains("rule"));
  EXPECT_TRUE(shown.contains("decision"));
}

}  // namespace
}  // namespace tidelimit::serve
