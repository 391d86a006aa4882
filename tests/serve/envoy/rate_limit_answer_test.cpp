// How decisions read to Envoy.
#include "serve/envoy/rate_limit_answer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

namespace tidelimit::serve::envoy {
namespace {

using limiter::Limit;
using limiter::make_limit;
using limiter::Mode;
using limiter::Outcome;
using limiter::Reason;
using RateLimit = RateLimitResponse::RateLimit;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::HasSubstr;

TEST(UnitRate, IsTheConfiguredOneWhereThatIsWhole) {
  const auto is = [](const Limit& limit, Nanos period, std::uint32_t requests,
                     RateLimit::Unit unit) {
    const UnitRate rate = unit_rate(limit, period);
    EXPECT_EQ(rate.requests, requests);
    EXPECT_EQ(rate.unit, unit);
  };
  is(make_limit({100, minutes{1}}, 100), minutes{1}, 100, RateLimit::MINUTE);
  is(make_limit({5, seconds{1}}, 5), seconds{1}, 5, RateLimit::SECOND);
  is(make_limit({10'000, hours{24}}, 7), hours{24}, 10'000, RateLimit::DAY);
  // Lowered by a rule until not one fits in a minute.
  is(scaled(make_limit({2, minutes{1}}, 2), 0.25), minutes{1}, 30, RateLimit::HOUR);
  is(make_limit({1, hours{24 * 400}}, 1), minutes{1}, 1, RateLimit::YEAR);
}

class RateLimitAnswer : public testing::Test {
 protected:
  RateLimitAnswer() {
    settings.policies.push_back({{"browse-STD", "\"browse-STD\""},
                                 {},
                                 {},
                                 {"browse-STD-concurrency", "\"browse-STD-concurrency\""}});
    call.add_descriptors();
    answer.decision.limit = make_limit({100, minutes{1}}, 100);
    answer.decision.remaining = 40;
    answer.decision.reset_after = seconds{36};
  }
  RateLimitResponse write(Mode all = Mode::enforce) {
    RateLimitResponse out;
    write_response(call, {&asked, 1}, {&answer, 1}, answer.decision.allowed, settings, all, out);
    return out;
  }
  void deny(Reason reason) {
    answer.decision.allowed = false;
    answer.decision.outcome = Outcome::deny;
    answer.decision.reason = reason;
    answer.decision.retry_after = std::chrono::milliseconds{1500};
  }
  static std::map<std::string, std::string> headers(const RateLimitResponse& response) {
    std::map<std::string, std::string> found;
    for (const auto& header : response.response_headers_to_add())
      found[header.key()] = header.value();
    return found;
  }

  FrontSettings settings;
  RateLimitRequest call;
  engine::EngineWorker::Asked asked;
  engine::Answer answer;
};

TEST_F(RateLimitAnswer, SaysOfAPassWhatIsLeft) {
  const auto said = write();
  EXPECT_EQ(said.overall_code(), RateLimitResponse::OK);
  ASSERT_EQ(said.statuses_size(), 1);
  const auto& status = said.statuses(0);
  EXPECT_EQ(status.code(), RateLimitResponse::OK);
  EXPECT_EQ(status.current_limit().requests_per_unit(), 100U);
  EXPECT_EQ(status.current_limit().unit(), RateLimit::MINUTE);
  EXPECT_EQ(status.current_limit().name(), "browse-STD");
  EXPECT_EQ(status.limit_remaining(), 40U);
  EXPECT_EQ(status.duration_until_reset().seconds(), 36);
  EXPECT_EQ(headers(said),
            (std::map<std::string, std::string>{{"ratelimit-policy", "\"browse-STD\";q=100;w=60"},
                                                {"ratelimit", "\"browse-STD\";r=40;t=36"}}));
  EXPECT_EQ(said.raw_body(), "");
}

TEST_F(RateLimitAnswer, SaysOfADenialWhyAndWhenToComeBack) {
  deny(Reason::over_limit);
  answer.decision_id = 0xabc;
  const auto said = write();
  EXPECT_EQ(said.overall_code(), RateLimitResponse::OVER_LIMIT);
  EXPECT_EQ(said.statuses(0).code(), RateLimitResponse::OVER_LIMIT);
  EXPECT_EQ(said.statuses(0).limit_remaining(), 0U);
  EXPECT_EQ(said.statuses(0).duration_until_reset().seconds(), 2);
  const auto fields = headers(said);
  EXPECT_EQ(fields.at("retry-after"), "2");
  EXPECT_EQ(fields.at("ratelimit"), "\"browse-STD\";r=0;t=2");
  EXPECT_EQ(fields.at("x-tidelimit-reason"), "over_limit");
  EXPECT_EQ(fields.at("x-tidelimit-decision"), "0000000000000abc");
  EXPECT_EQ(fields.at("content-type"), "application/problem+json");
  EXPECT_THAT(said.raw_body(), HasSubstr("quota-exceeded"));
}

TEST_F(RateLimitAnswer, HasNoQuotaForABlockedClient) {
  answer.decision.limit = {};
  deny(Reason::client_blocked);
  answer.decision.retry_after = Nanos::max();
  const auto said = write();
  EXPECT_EQ(said.statuses(0).code(), RateLimitResponse::OVER_LIMIT);
  EXPECT_FALSE(said.statuses(0).has_current_limit());
  EXPECT_EQ(said.statuses(0).duration_until_reset().seconds(), 7 * 24 * 3600);
  EXPECT_EQ(headers(said).at("ratelimit-policy"), "\"client\";q=0");
  EXPECT_EQ(headers(said).at("ratelimit"), "\"client\";r=0;t=604800");
  EXPECT_EQ(headers(said).at("x-tidelimit-reason"), "client_blocked");
}

TEST_F(RateLimitAnswer, ShowsNothingInShadow) {
  for (const bool by_gate : {true, false}) {
    if (!by_gate) answer.decision.enforced = false;
    const auto said = write(by_gate ? Mode::shadow : Mode::enforce);
    EXPECT_EQ(said.overall_code(), RateLimitResponse::OK);
    EXPECT_EQ(said.statuses(0).code(), RateLimitResponse::OK);
    EXPECT_FALSE(said.statuses(0).has_current_limit());
    EXPECT_FALSE(said.statuses(0).has_duration_until_reset());
    EXPECT_EQ(said.response_headers_to_add_size(), 0);
  }
}

TEST_F(RateLimitAnswer, NamesTheCallersLimitAsItWasSaid) {
  auto* given = call.mutable_descriptors(0)->mutable_limit();
  given->set_requests_per_unit(7);
  given->set_unit(::envoy::type::v3::MONTH);
  limiter::GivenLimit limit{make_limit({7, hours{24 * 30}}, 7), 1};
  asked.given = &limit;
  answer.decision.limit = limit.limit;
  EXPECT_EQ(write().statuses(0).current_limit().requests_per_unit(), 7U);
  EXPECT_EQ(write().statuses(0).current_limit().unit(), RateLimit::MONTH);
}

TEST_F(RateLimitAnswer, SaysNothingOfAnUnlimitedPass) {
  answer.decision.limit = {};
  const auto said = write();
  EXPECT_EQ(said.statuses(0).code(), RateLimitResponse::OK);
  EXPECT_FALSE(said.statuses(0).has_current_limit());
  EXPECT_EQ(said.response_headers_to_add_size(), 0);
}

}  // namespace
}  // namespace tidelimit::serve::envoy
