#include "cli/import/translation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/config.hpp"

namespace tidelimit::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Translation translated(const std::string& descriptors,
                       const std::vector<std::string>& more_words = {}) {
  const auto read =
      config::parse_descriptors("domain: shop\ndescriptors:\n" + descriptors, "shop.yaml");
  if (!read) {
    ADD_FAILURE() << read.error().front().line << ": " << read.error().front().message;
    return {};
  }
  KeyWords words;
  for (const std::string& word : more_words) EXPECT_TRUE(words.name(word));
  return translate({*read}, words);
}

/// As `serve` understands what was drawn.
config::Config understood(const Translation& translation) {
  const std::string yaml = translation_yaml(translation);
  auto config = config::parse(yaml, "tidelimit.yaml");
  if (!config) {
    ADD_FAILURE() << config.error().front().line << ": " << config.error().front().message << "\n"
                  << yaml;
    return config::defaults();
  }
  return *config;
}

const policy::EndpointSettings& endpoint(const config::Config& config, std::string_view name) {
  for (const auto& each : config.engine.policy.endpoints)
    if (each.name == name) return each;
  ADD_FAILURE() << "no endpoint " << name;
  return config.engine.policy.endpoints.back();
}

std::string rate(const std::optional<Rate>& rate) {
  return rate ? format_rate(*rate) : "none";
}

std::vector<std::string> remarks(const Translation& translation) {
  std::vector<std::string> all;
  for (const Remark& remark : translation.remarks)
    all.push_back(std::to_string(remark.origin.line) + " " + remark.origin.descriptor + ": " +
                  remark.what + "; " + remark.mend);
  return all;
}

TEST(Translation, WhoIsCountedApartSaysWhichLimitItBecomes) {
  const auto translation = translated(R"(
  - key: path
    value: /login
    rate_limit: { unit: second, requests_per_unit: 500 }
    descriptors:
      - { key: user_id, rate_limit: { unit: minute, requests_per_unit: 10 } }
      - { key: remote_address, rate_limit: { unit: minute, requests_per_unit: 60 } }
)");
  EXPECT_THAT(remarks(translation), IsEmpty());
  const auto config = understood(translation);
  EXPECT_EQ(config.engine.policy.mode.mode, limiter::Mode::shadow);
  EXPECT_THAT(config.engine.policy.tiers, ElementsAre("STD"));
  const auto& login = endpoint(config, "login");
  EXPECT_THAT(login.match, ElementsAre("/login"));
  EXPECT_EQ(rate(login.limits[0].rate), "10/min");
  EXPECT_EQ(rate(login.limits[0].total), "500/s");
  EXPECT_EQ(rate(login.client.rate), "60/min");
}

TEST(Translation, TiersStandInTheOrderOfTheirLimits) {
  const auto translation = translated(R"(
  - key: tier
    value: basic
    descriptors: [ { key: user_id, rate_limit: { unit: hour, requests_per_unit: 100 } } ]
  - key: tier
    value: gold
    descriptors: [ { key: user_id, rate_limit: { unit: hour, requests_per_unit: 9000 } } ]
  - key: tier
    descriptors: [ { key: user_id, rate_limit: { unit: hour, requests_per_unit: 10 } } ]
)");
  EXPECT_THAT(remarks(translation), IsEmpty());
  const auto config = understood(translation);
  EXPECT_THAT(config.engine.policy.tiers, ElementsAre("gold", "basic", "STD"));
  EXPECT_EQ(config.engine.policy.default_tier, "STD");
  const auto& other = endpoint(config, "other");
  EXPECT_EQ(rate(other.limits[0].rate), "9000/h");
  EXPECT_EQ(other.limits[0].burst, 9000u) << "a whole unit may come at once, as there";
  EXPECT_EQ(rate(other.limits[1].rate), "100/h");
  EXPECT_EQ(rate(other.limits[2].rate), "10/h");
}

TEST(Translation, EndpointsMatchInTheOrderOfTheLookUp) {
  const auto translation = translated(R"(
  - { key: path, value: /a/*, share_threshold: true, rate_limit: { unit: second, requests_per_unit: 1 } }
  - { key: method, value: POST, rate_limit: { unit: second, requests_per_unit: 2 } }
  - key: path
    value: /a/b
    rate_limit: { unlimited: true }
    descriptors: [ { key: method, value: get, rate_limit: { unit: second, requests_per_unit: 3 } } ]
)");
  const auto config = understood(translation);
  std::vector<std::string> names;
  for (const auto& each : config.engine.policy.endpoints) names.push_back(each.name);
  EXPECT_THAT(names, ElementsAre("a-b-get", "a-b", "a", "all-post", "other"));
  EXPECT_EQ(rate(endpoint(config, "a-b").limits[0].total), "none") << "nothing limits it there";
  EXPECT_EQ(rate(endpoint(config, "a").limits[0].total), "1/s");
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(Translation, EnvoysKeysStayAsTheyAre) {
  const std::string descriptors = R"(
  - key: ":path"
    value: /a
    descriptors: [ { key: customer, rate_limit: { unit: minute, requests_per_unit: 5 } } ]
)";
  const auto config = understood(translated(descriptors, {"user_id=customer"}));
  EXPECT_EQ(config.descriptors.path, ":path");
  EXPECT_EQ(config.descriptors.user_id, "customer");
  EXPECT_EQ(config.descriptors.tier, "tier");
  EXPECT_THAT(remarks(translated(descriptors)),
              ElementsAre(AllOf(HasSubstr("6 :path=/a > customer: \"customer\" is none of"),
                                HasSubstr("(5 per minute)"), HasSubstr("--word path=customer"))));
}

TEST(Translation, NamesWhatHasNoEquivalent) {
  const auto translation = translated(R"(
  - { key: user_id, value: e/ve a, rate_limit: { unit: day, requests_per_unit: 5 } }
  - { key: remote_address, value: 192.0.2.1, rate_limit: { unit: day, requests_per_unit: 0 } }
  - { key: remote_address, value: 192.0.2.2 }
  - { key: generic_key, value: slow, rate_limit: { unit: second, requests_per_unit: 1 } }
  - { key: path, rate_limit: { unit: second, requests_per_unit: 1 } }
  - { key: path, value: "*.pdf", rate_limit: { unit: second, requests_per_unit: 1 } }
  - { key: path, value: /none, rate_limit: { unit: second, requests_per_unit: 0 } }
  - { key: tier, value: client, rate_limit: { unit: second, requests_per_unit: 1 } }
  - { key: user_agent, value: curl, rate_limit: { unit: second, requests_per_unit: 1 } }
)");
  const auto config = understood(translation);
  EXPECT_EQ(config.engine.policy.endpoints.size(), 1u);
  EXPECT_EQ(rate(endpoint(config, "other").limits[0].rate), "none");
  EXPECT_THAT(
      remarks(translation),
      ElementsAre(
          HasSubstr(
              R"(PUT /v1/overrides/user/e%2Fve%20a {"action":"limit","limit":"5/d","permanent":true} on the live gate (an override lets a minute's worth come at once: 1, not 5))"),
          HasSubstr(R"(PUT /v1/overrides/192.0.2.1 {"action":"block","permanent":true})"),
          HasSubstr(R"(PUT /v1/overrides/192.0.2.2 {"action":"allow","permanent":true})"),
          HasSubstr("generic_key=slow: \"generic_key\" is none of the words"),
          HasSubstr("each path had a count of its own (1 per second)"),
          HasSubstr("no endpoint matches like this path"), HasSubstr("a limit of 0 lets nothing"),
          HasSubstr("\"client\" can't be the name of a tier"),
          HasSubstr("user agents have rules")));
}

TEST(Translation, NamesWhatIsNotQuiteTheSame) {
  const auto translation = translated(R"(
  - { key: path, value: /a/*, rate_limit: { unit: second, requests_per_unit: 1 } }
  - { key: masked_remote_address, rate_limit: { unit: month, requests_per_unit: 1000 } }
  - { key: tier, value: gold, detailed_metric: true, rate_limit: { unit: second, requests_per_unit: 9, name: g, replaces: [ { name: h } ] } }
)");
  EXPECT_THAT(
      remarks(translation),
      ElementsAre(HasSubstr("each path under /a/** had a count of its own"),
                  HasSubstr("path=/a/*: it counted all tiers together"),
                  HasSubstr("1000 per month is 33/d here"), HasSubstr("each network had a count"),
                  HasSubstr("masked_remote_address: it counted the requests to all paths"),
                  HasSubstr("never become labels"),
                  HasSubstr("replaces: this limit and \"h\" hold together"),
                  HasSubstr("tier=gold: it counted the requests to all paths")));
  const std::string yaml = translation_yaml(translation);
  for (const Remark& remark : translation.remarks) EXPECT_THAT(yaml, HasSubstr(remark.what));
  understood(translation);
}

TEST(Translation, OnlyAWholeEndpointShadows) {
  const auto translation = translated(R"(
  - key: path
    value: /tried
    shadow_mode: true
    rate_limit: { unit: second, requests_per_unit: 1 }
  - key: path
    value: /mixed
    rate_limit: { unit: second, requests_per_unit: 7 }
    descriptors: [ { key: user_id, shadow_mode: true, rate_limit: { unit: second, requests_per_unit: 1 } } ]
)");
  const auto config = understood(translation);
  EXPECT_EQ(endpoint(config, "tried").mode.mode, limiter::Mode::shadow);
  EXPECT_EQ(endpoint(config, "mixed").mode.mode, limiter::Mode::enforce);
  EXPECT_EQ(rate(endpoint(config, "mixed").limits[0].rate), "none");
  EXPECT_EQ(rate(endpoint(config, "mixed").limits[0].total), "7/s");
  EXPECT_THAT(remarks(translation), ElementsAre(HasSubstr("shadow_mode is the mode of a whole")));
}

TEST(Translation, AWholeUnitOfATotalMayComeAtOnce) {
  const auto translation = translated(R"(
  - { key: path, value: /reports, rate_limit: { unit: hour, requests_per_unit: 20 } }
  - { key: path, value: /fast, rate_limit: { unit: minute, requests_per_unit: 20 } }
)");
  EXPECT_THAT(remarks(translation), IsEmpty());
  const auto config = understood(translation);
  EXPECT_EQ(rate(endpoint(config, "reports").limits[0].total), "20/h");
  EXPECT_EQ(endpoint(config, "reports").limits[0].total_burst, 20U);
  EXPECT_FALSE(endpoint(config, "fast").limits[0].total_burst);
}

TEST(Translation, NamesLimitsThatHeldTogether) {
  const auto translation = translated(R"(
  - { key: method, value: POST, rate_limit: { unit: minute, requests_per_unit: 60 } }
  - key: path
    value: /pay
    rate_limit: { unit: minute, requests_per_unit: 600 }
    descriptors: [ { key: method, value: GET, rate_limit: { unit: minute, requests_per_unit: 9 } } ]
  - { key: path, value: /a/b, rate_limit: { unit: minute, requests_per_unit: 600 } }
  - { key: path, value: "/a/*", share_threshold: true, rate_limit: { unit: minute, requests_per_unit: 6 } }
)");
  understood(translation);
  EXPECT_THAT(
      remarks(translation),
      ElementsAre(
          HasSubstr("4 method=POST: it counted requests of pay, a-b, a too; here those meet"),
          HasSubstr("5 path=/pay: it counted requests of pay-get too; here those meet")))
      << "/a/* did not count /a/b there, either";
}

TEST(Translation, WhatIsOneEndpointHereIsMadeOne) {
  for (const char* descriptors : {
           R"(
  - { key: path, value: "*", share_threshold: true, rate_limit: { unit: minute, requests_per_unit: 5 } }
  - { key: method, value: DELETE, rate_limit: { unit: minute, requests_per_unit: 5 } }
)",
           R"(
  - { key: method, value: DELETE, rate_limit: { unit: minute, requests_per_unit: 5 } }
  - { key: path, value: "/a/*", share_threshold: true, rate_limit: { unit: minute, requests_per_unit: 5 } }
  - { key: path, value: "*", share_threshold: true, rate_limit: { unit: minute, requests_per_unit: 5 } }
)",
           R"(
  - key: path
    value: /a
    descriptors:
      - { key: method, value: GET, rate_limit: { unit: minute, requests_per_unit: 5 } }
      - { key: method, value: HEAD, rate_limit: { unit: minute, requests_per_unit: 5 } }
)",
           R"(
  - { key: path, value: /Case, rate_limit: { unit: minute, requests_per_unit: 5 } }
  - { key: path, value: /case, rate_limit: { unit: minute, requests_per_unit: 6 } }
)"})
    EXPECT_THAT(understood(translated(descriptors)).warnings, IsEmpty());
  EXPECT_THAT(
      remarks(translated(R"(
  - { key: path, value: /Case, rate_limit: { unit: minute, requests_per_unit: 5 } }
  - { key: path, value: /case, rate_limit: { unit: minute, requests_per_unit: 6 } }
  - { key: tier, value: other, rate_limit: { unit: minute, requests_per_unit: 6 } }
)")),
      ElementsAre(HasSubstr("5 path=/case: paths are the same here in upper and lower case"),
                  HasSubstr("5 path=/case: the endpoint has this limit already"),
                  HasSubstr("\"other\" can't be the name of a tier")));
  const auto most = translated(R"(
  - { key: method, value: ABCDEFGHIJKLMNOPQRSTUVWXYZ, rate_limit: { unit: year, requests_per_unit: 4294967295 } }
)" + ("  - { key: method, value: " + std::string(300, 'X') +
      ", rate_limit: { unit: day, requests_per_unit: 5 } }\n"));
  understood(most);
  EXPECT_THAT(remarks(most),
              ElementsAre(HasSubstr("is 11767033/d here, rounded down"),
                          HasSubstr("here 1000000000 can"), HasSubstr("is no HTTP method")));
}

TEST(Translation, AnyTextOfAFileStaysText) {
  const auto translation = translated(R"(
  - { key: path, value: "/\"}: [\n#*", rate_limit: { unit: second, requests_per_unit: 1 } }
  - { key: path, value: "/q\"\\", rate_limit: { unit: second, requests_per_unit: 1 } }
  - { key: tier, value: "no", rate_limit: { unit: second, requests_per_unit: 1 } }
  - { key: "x\n  y: z", rate_limit: { unit: second, requests_per_unit: 1 } }
)");
  const auto config = understood(translation);
  EXPECT_THAT(config.engine.policy.tiers, ElementsAre("no", "STD"));
  EXPECT_THAT(endpoint(config, "q").match, ElementsAre("/q\"\\"));
}

}  // namespace
}  // namespace tidelimit::cli
