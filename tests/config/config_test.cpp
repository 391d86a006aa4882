#include "config/config.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace tidelimit::config {
namespace {

using limiter::Mode;
using limiter::Priority;
using limiter::VerdictKind;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Config must_parse(const std::string& yaml, const std::filesystem::path& file = "/etc/gate.yaml") {
  auto config = parse(yaml, file);
  if (config) return *config;
  std::string all;
  for (const auto& mistake : config.error()) {
    all += std::to_string(mistake.line) + ": " + mistake.message + "\n";
  }
  ADD_FAILURE() << all;
  return {};
}

constexpr char kSmallest[] = "endpoints: [ { name: api, match: /** } ]\n";

/// The configuration as the documentation prints it, without what later versions bring.
constexpr char kPrinted[] = R"(
mode: enforce
listen: { http: 127.0.0.1:8080, grpc: "[::1]:8081" }
upstream: http://127.0.0.1:9000
identity:
  trusted_proxies: [127.0.0.0/8]
  user_header: x-user-id
  tier_header: x-user-tier
  default_tier: STD
tiers: [PRM, STD]
endpoints:
  - { name: payment, match: "/payment/**", priority: high, capacity: 200/s, limits: { PRM: 300/min, STD: 100/min } }
  - { name: browse,  match: "/browse/**",  priority: low,  limits: { PRM: 300/min, STD: { rate: 100/min, burst: 20, total: 50/s, total_burst: 200 } } }
forecast: { window: 15m, history: 24h, horizon: 1h, model: var/model }
anomaly:  { model: var/model, scan: 5s, contamination: 0.01, false_alarms: 1e-5, max_new_verdicts: 60/h, allow: [ { cidr: 10.0.0.0/8, reason: offices } ] }
rules:
  - { name: shield-payment, when: { forecast: payment, spike: 1.5 }, then: { endpoints: [browse], tiers: [STD], scale: 0.5 } }
  - { name: hot-endpoint,   when: { forecast: any,     spike: 1.5 }, then: { endpoints: same,     tiers: [STD], scale: 0.5 } }
  - { name: cpu-pressure,   when: { cpu: 0.80 },                     then: { priority: low, scale: 0.25 } }
  - { name: attacker,       when: { verdict: malicious },            then: { action: block, for: 15m } }
  - { name: odd-tool,       when: { user_agent: "Postman*", error_rate: 0.5, requests: 20 }, then: { verdict: suspicious, limit: 10/min, for: 10m } }
adapt: { floor: { default: 0.2, PRM: 0.5 }, tighten: 0.5, relax: 0.1/min, hold: 15m, plan_ttl: 30m }
deny:  { reduced_capacity: 429, expose: rule }
admin: { token_file: var/admin.token }
memory:    { buckets: 64MiB, clients: 64MiB }
retention: { windows: 400d, verdicts: 90d, decisions: 24h }
state: var/tidelimit.db
)";

TEST(Config, ReadsThePrintedExample) {
  const Config config = must_parse(kPrinted);
  const auto& policy = config.engine.policy;
  EXPECT_EQ(policy.mode.mode, Mode::enforce);
  EXPECT_EQ(format_host_port(config.listen.http), "127.0.0.1:8080");
  EXPECT_EQ(config.listen.grpc, (HostPort{"::1", 8081}));
  EXPECT_EQ(config.identity.user_header, "x-user-id");
  EXPECT_EQ(config.identity.tier_header, "x-user-tier");
  EXPECT_EQ(policy.default_tier, "STD");
  EXPECT_THAT(policy.tiers, ElementsAre("PRM", "STD"));
  EXPECT_EQ(config.forecast_model, "/etc/var/model");
  EXPECT_EQ(config.anomaly_model, "/etc/var/model");
  EXPECT_EQ(config.engine.shape, (forecast::Shape{}));
  EXPECT_EQ(policy.anomaly.scan, seconds{5});
  EXPECT_DOUBLE_EQ(policy.anomaly.false_alarms, 1e-5);
  EXPECT_EQ(policy.anomaly.max_new_verdicts, (Rate{60, hours{1}}));
  ASSERT_EQ(policy.anomaly.allow.size(), 1u);
  EXPECT_EQ(policy.anomaly.allow[0].reason, "offices");
  EXPECT_EQ(config.deny_status, 429);
  EXPECT_TRUE(config.expose_rule);
  EXPECT_EQ(config.admin_token_file, "/etc/var/admin.token");
  EXPECT_EQ(config.engine.bucket_bytes, 64u << 20);
  EXPECT_EQ(config.retention.windows, hours{24 * 400});
  EXPECT_EQ(config.state, "/etc/var/tidelimit.db");
  EXPECT_THAT(config.model_warnings, IsEmpty());
  EXPECT_THAT(config.warnings, ElementsAre(HasSubstr("/etc/gate.yaml:4: upstream is for the "
                                                     "built-in proxy")));
}

TEST(Config, ReadsLimitsOnRequestsInFlight) {
  const auto config = must_parse(R"(tiers: [PRM, STD]
endpoints:
  - { name: payment, match: "/payment/**", concurrency: { STD: 5, timeout: 1500ms } }
  - { name: browse, match: "/browse/**", concurrency: { PRM: 1000 } }
memory: { leases: 8MiB }
)");
  const auto& endpoints = config.engine.policy.endpoints;
  EXPECT_THAT(endpoints[0].concurrency, ElementsAre(0, 5));
  EXPECT_EQ(endpoints[0].concurrency_timeout, std::chrono::milliseconds{1500});
  EXPECT_THAT(endpoints[1].concurrency, ElementsAre(1000, 0));
  EXPECT_EQ(endpoints[1].concurrency_timeout, seconds{30});
  EXPECT_THAT(endpoints[2].concurrency, IsEmpty());
  EXPECT_EQ(config.engine.lease_bytes, 8u << 20);
}

TEST(Config, ReadsEndpointsAndLimits) {
  const auto endpoints = must_parse(kPrinted).engine.policy.endpoints;
  ASSERT_EQ(endpoints.size(), 3u);
  EXPECT_EQ(endpoints[0].name, "payment");
  EXPECT_EQ(endpoints[0].priority, Priority::high);
  EXPECT_EQ(endpoints[0].capacity, (Rate{200, seconds{1}}));
  EXPECT_THAT(endpoints[0].match, ElementsAre("/payment/**"));
  EXPECT_EQ(endpoints[0].limits[0].rate, (Rate{300, minutes{1}}));
  const auto& standard = endpoints[1].limits[1];
  EXPECT_EQ(standard.rate, (Rate{100, minutes{1}}));
  EXPECT_EQ(standard.burst, 20u);
  EXPECT_EQ(standard.total, (Rate{50, seconds{1}}));
  EXPECT_EQ(standard.total_burst, 200u);
  EXPECT_EQ(endpoints[2].name, "other");
  EXPECT_EQ(endpoints[2].priority, Priority::normal);
  EXPECT_FALSE(endpoints[2].limits[0].rate);
}

constexpr const char* kShared = R"(endpoints:
  - { name: pay, match: "/pay/**", limits: { STD: 100/min } }
  - { name: browse, match: "/browse/**", limits: { STD: 100/min } }
upstreams:
  - { name: core, capacity: 500/s, endpoints: [pay, browse] }
)";

TEST(Config, TooManyEndpointsAreOneMistake) {
  std::string yaml = "endpoints:\n";
  std::string names;
  for (int i = 0; i < 1001; ++i) {
    const std::string name = "e" + std::to_string(i);
    yaml += "  - { name: " + name + ", match: /" + name + " }\n";
    names += (i == 0 ? "" : ", ") + name;
  }
  yaml += "upstreams: [ { name: core, capacity: 10/s, endpoints: [" + names + "] } ]\n";
  const auto refused = parse(yaml, "/etc/gate.yaml");
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().size(), 1u) << refused.error()[1].message;
  EXPECT_THAT(refused.error()[0].message, HasSubstr("endpoints has 1001 items, more than 1000"));
}

TEST(Config, ReadsUpstreamsAndDividesThem) {
  const auto policy = must_parse(kShared).engine.policy;
  ASSERT_EQ(policy.upstreams.size(), 1u);
  EXPECT_EQ(policy.upstreams[0].name, "core");
  EXPECT_EQ(policy.upstreams[0].capacity, (Rate{500, seconds{1}}));
  EXPECT_THAT(policy.upstreams[0].endpoints, ElementsAre("pay", "browse"));
  ASSERT_EQ(policy.rules.size(), 1u);
  EXPECT_EQ(policy.rules[0].name, policy::kDivisionRule);
  EXPECT_TRUE(policy.rules[0].then.divide);
  EXPECT_EQ(policy.rules[0].when.utilisation, policy::kDefaultUtilisation);
}

TEST(Config, ReadsCapacitiesThatAreToBeLearned) {
  const auto policy = must_parse(R"(endpoints:
  - { name: pay, match: "/pay/**", capacity: learned }
  - { name: browse, match: "/browse/**" }
upstreams:
  - { name: core, capacity: { learned: { ceiling: 500/s } }, endpoints: [browse] }
)")
                          .engine.policy;
  EXPECT_FALSE(policy.endpoints[0].capacity);
  ASSERT_TRUE(policy.endpoints[0].learned);
  EXPECT_FALSE(policy.endpoints[0].learned->ceiling);
  EXPECT_FALSE(policy.upstreams[0].capacity);
  ASSERT_TRUE(policy.upstreams[0].learned);
  EXPECT_EQ(policy.upstreams[0].learned->ceiling, (Rate{500, seconds{1}}));
  ASSERT_EQ(policy.rules.size(), 1u);
  EXPECT_EQ(policy.rules[0].name, policy::kDivisionRule);
}

TEST(Config, ARuleThatDividesStandsForTheOneThatWouldBeAdded) {
  const auto policy = must_parse(std::string(kShared) + R"(rules:
  - { name: capacity, mode: shadow, when: { utilisation: 0.8 }, then: { action: divide, tiers: [STD] } }
)")
                          .engine.policy;
  ASSERT_EQ(policy.rules.size(), 1u);
  EXPECT_EQ(policy.rules[0].when.utilisation, 0.8);
  EXPECT_EQ(policy.rules[0].mode.mode, Mode::shadow);
  EXPECT_THAT(policy.rules[0].then.tiers, ElementsAre("STD"));
}

TEST(Config, ReadsPlannedTimes) {
  const auto policy = must_parse(R"(endpoints:
  - { name: browse, match: "/browse/**", limits: { STD: 100/min } }
rules:
  - name: friday-sale
    when: { calendar: { from: 2026-11-27T18:00:00+01:00, for: 6h, every: week, expires: 2026-12-31 } }
    then: { endpoints: [browse], scale: 1.5 }
)")
                          .engine.policy;
  ASSERT_EQ(policy.rules.size(), 1u);
  ASSERT_TRUE(policy.rules[0].when.calendar);
  const auto& planned = *policy.rules[0].when.calendar;
  EXPECT_EQ(planned.from, *parse_time("2026-11-27T17:00:00Z"));
  EXPECT_EQ(planned.length, hours{6});
  EXPECT_EQ(planned.every, hours{24 * 7});
  EXPECT_EQ(planned.expires, *parse_time("2026-12-31"));
  EXPECT_EQ(policy.rules[0].then.scale, 1.5);
}

TEST(Config, ReadsSharesOfModes) {
  const auto policy = must_parse(R"(mode: { enforce: 5% }
forecast: { mode: { enforce: 2% } }
anomaly: { mode: { enforce: 10% } }
rules:
  - { name: busy, mode: { enforce: 1% }, when: { cpu: 0.9 }, then: { scale: 0.5 } }
  - { name: soon, mode: { enforce: 50% }, when: { forecast: any, spike: 2 }, then: { scale: 0.5 } }
endpoints:
  - { name: pay, match: "/pay/**", mode: { enforce: 0.25 } }
  - { name: browse, match: "/browse/**", mode: shadow }
)")
                          .engine.policy;
  EXPECT_EQ(policy.mode.mode, Mode::enforce);
  EXPECT_EQ(policy.mode.share, 0.05);
  EXPECT_EQ(policy.endpoints[0].mode.mode, Mode::enforce);
  EXPECT_EQ(policy.endpoints[0].mode.share, 0.25);
  EXPECT_EQ(policy.endpoints[1].mode.mode, Mode::shadow);
  EXPECT_EQ(policy.endpoints[1].mode.share, 1);
  EXPECT_EQ(policy.forecast_mode.share, 0.02);
  EXPECT_EQ(policy.anomaly.mode.share, 0.1);
  EXPECT_EQ(policy.rules[0].mode.share, 0.01);
  EXPECT_EQ(policy.mode_of(policy.rules[0]).share, 0.01) << "not the forecast's affair";
  EXPECT_EQ(policy.mode_of(policy.rules[1]).share, 0.02) << "the lesser";
}

TEST(Config, WarnsOfAPlannedTimeThatNamesNoZone) {
  const auto warnings = [](const std::string& from) {
    return must_parse(
               "endpoints: [ { name: pay, match: \"/pay/**\", limits: { STD: 9/s } } ]\n"
               "rules:\n  - { name: sale, when: { calendar: { from: " +
               from + ", for: 6h } }, then: { scale: 2 } }\n")
        .warnings;
  };
  EXPECT_THAT(warnings("2026-11-27T18:00:00"),
              ElementsAre(HasSubstr("\"2026-11-27T18:00:00\" names no zone and is taken as UTC: "
                                    "write 2026-11-27T18:00:00Z")));
  EXPECT_THAT(warnings("2026-11-27"), ElementsAre(HasSubstr("is taken as UTC")));
  EXPECT_THAT(warnings("2026-11-27T18:00:00+01:00"), IsEmpty());
  EXPECT_THAT(warnings("2026-11-27T18:00:00Z"), IsEmpty());
  EXPECT_THAT(warnings("1795800000"), IsEmpty());
}

TEST(Config, WarnsOfACostThatChangesNothing) {
  const auto config = must_parse(R"(endpoints:
  - { name: pay, match: "/pay/**", cost: 5 }
  - { name: browse, match: "/browse/**", cost: 2 }
upstreams: [ { name: core, capacity: 5/s, endpoints: [browse] } ]
)");
  ASSERT_EQ(config.warnings.size(), 1u);
  EXPECT_THAT(config.warnings[0], HasSubstr(":2: endpoint \"pay\": cost changes nothing"));
}

TEST(Config, ReadsRules) {
  const auto rules = must_parse(kPrinted).engine.policy.rules;
  ASSERT_EQ(rules.size(), 6u) << "and the one that divides the capacity";
  EXPECT_EQ(rules[0].when.forecast, "payment");
  EXPECT_EQ(rules[0].when.spike, 1.5);
  EXPECT_EQ(rules[0].when.min_requests, 100);
  EXPECT_THAT(rules[0].then.endpoints, ElementsAre("browse"));
  EXPECT_THAT(rules[0].then.tiers, ElementsAre("STD"));
  EXPECT_EQ(rules[0].then.scale, 0.5);
  EXPECT_EQ(rules[1].when.forecast, "any");
  EXPECT_TRUE(rules[1].then.same_endpoints);
  EXPECT_EQ(rules[2].when.cpu, 0.8);
  EXPECT_EQ(rules[2].then.priority, Priority::low);
  EXPECT_TRUE(rules[3].then.block);
  EXPECT_EQ(rules[3].then.duration, minutes{15});
  EXPECT_EQ(rules[4].when.user_agent, "Postman*");
  EXPECT_EQ(rules[4].then.verdict, VerdictKind::suspicious);
  EXPECT_EQ(rules[4].then.limit, (Rate{10, minutes{1}}));
  EXPECT_EQ(rules[4].line, 21);
}

TEST(Config, ReadsARuleThatSheds) {
  const auto rules = must_parse(R"(
endpoints:
  - { name: all, match: /** }
rules:
  - { name: overload, when: { queueing: 150ms }, then: { action: shed, tiers: [STD] } }
)")
                         .engine.policy.rules;
  ASSERT_EQ(rules.size(), 1u);
  EXPECT_EQ(rules[0].when.queueing, std::chrono::milliseconds{150});
  EXPECT_TRUE(rules[0].then.shed);
  EXPECT_FALSE(rules[0].then.block);
  EXPECT_THAT(rules[0].then.tiers, ElementsAre("STD"));
}

TEST(Config, ReadsAdapt) {
  const auto adapt = must_parse(kPrinted).engine.policy.adapt;
  EXPECT_EQ(adapt.default_floor, 0.2);
  EXPECT_THAT(adapt.floors, ElementsAre(std::pair<std::string, double>("PRM", 0.5)));
  EXPECT_EQ(adapt.tighten, 0.5);
  EXPECT_DOUBLE_EQ(adapt.relax_per_minute, 0.1);
  EXPECT_EQ(adapt.hold, minutes{15});
  EXPECT_EQ(adapt.plan_ttl, minutes{30});
  EXPECT_DOUBLE_EQ(must_parse(std::string(kSmallest) + "adapt: { relax: 0.6/h }\n")
                       .engine.policy.adapt.relax_per_minute,
                   0.01);
}

TEST(Config, TakesTheSafeDefault) {
  const Config config = must_parse(kSmallest);
  EXPECT_EQ(config.engine.policy.mode.mode, Mode::shadow);
  EXPECT_EQ(config.identity.user_header, "");
  ASSERT_EQ(config.identity.trusted_proxies.size(), 2u);
  EXPECT_EQ(format_prefix(config.identity.trusted_proxies[0]), "127.0.0.0/8");
  EXPECT_EQ(config.engine.trusted_proxies.size(), 2u);
  EXPECT_THAT(config.engine.policy.tiers, ElementsAre("STD"));
  EXPECT_TRUE(config.state.empty());
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(Config, AnEmptyListOfProxiesTrustsNobody) {
  const auto config = must_parse(std::string(kSmallest) + "identity: { trusted_proxies: [] }\n");
  EXPECT_THAT(config.identity.trusted_proxies, IsEmpty());
}

TEST(Config, TheDefaultTierIsTheLeastImportant) {
  EXPECT_EQ(must_parse("tiers: [gold, silver, free]\n" + std::string(kSmallest))
                .engine.policy.default_tier,
            "free");
}

TEST(Config, OtherIsAlwaysLast) {
  const auto endpoints = must_parse(R"(
endpoints:
  - { name: other, limits: { STD: 60/min } }
  - { name: api, match: [/a/**, /b], methods: [get, POST], mode: shadow }
)")
                             .engine.policy.endpoints;
  ASSERT_EQ(endpoints.size(), 2u);
  EXPECT_EQ(endpoints[1].name, "other");
  EXPECT_EQ(endpoints[1].limits[0].rate, (Rate{60, minutes{1}}));
  EXPECT_THAT(endpoints[0].match, ElementsAre("/a/**", "/b"));
  EXPECT_THAT(endpoints[0].methods, ElementsAre("GET", "POST"));
  EXPECT_EQ(endpoints[0].mode.mode, Mode::shadow);
}

TEST(Config, ALimitForEveryAddressStandsBesideTheTiers) {
  const auto endpoints =
      must_parse("endpoints: [ { name: api, match: /**, limits: { client: 600/min } } ]")
          .engine.policy.endpoints;
  EXPECT_EQ(endpoints[0].client.rate, (Rate{600, minutes{1}}));
  EXPECT_FALSE(endpoints[0].limits[0].rate);
}

TEST(Config, SyslogMayBeDeclaredObserveOnly) {
  auto config = must_parse(std::string(kSmallest) + "listen: { syslog: 127.0.0.1:5514 }\n");
  EXPECT_EQ(config.listen.syslog, (HostPort{"127.0.0.1", 5514}));
  EXPECT_FALSE(config.syslog_observe_only);
  config = must_parse(std::string(kSmallest) +
                      "listen: { syslog: { address: \"[::1]:5514\", observe_only: true } }\n");
  EXPECT_EQ(config.listen.syslog, (HostPort{"::1", 5514}));
  EXPECT_TRUE(config.syslog_observe_only);
}

TEST(Config, AliasesShareWhatIsWrittenOnce) {
  const auto endpoints = must_parse(R"(
endpoints:
  - { name: a, match: /a, limits: &usual { STD: 100/min } }
  - { name: b, match: /b, limits: *usual }
)")
                             .engine.policy.endpoints;
  EXPECT_EQ(endpoints[1].limits[0].rate, (Rate{100, minutes{1}}));
}

TEST(Config, WarnsOfRulesThatWaitForAModel) {
  const auto config = must_parse(R"(
endpoints: [ { name: api, match: /**, limits: { STD: 100/min } } ]
rules:
  - { name: hot, when: { forecast: api, spike: 2 }, then: { scale: 0.5 } }
  - { name: bad, when: { verdict: malicious }, then: { action: block } }
)");
  EXPECT_THAT(config.model_warnings,
              ElementsAre("/etc/gate.yaml:4: rule \"hot\" waits for forecasts, but forecast.model "
                          "names no model: the rule stays inactive",
                          "/etc/gate.yaml:5: rule \"bad\" waits for verdicts, but anomaly.model "
                          "names no model and no rule raises one: only labels by hand do"));
}

TEST(Config, DoesNotWarnOfRulesOnVerdictsThatAnotherRaises) {
  const auto config = must_parse(R"(
endpoints: [ { name: api, match: /**, limits: { STD: 100/min } } ]
rules:
  - { name: bad, when: { verdict: malicious }, then: { action: block } }
  - { name: flood, when: { requests: 20 }, then: { verdict: malicious } }
)");
  EXPECT_THAT(config.model_warnings, ElementsAre());
}

TEST(Config, WarnsOfWhatIsAllowedButUnlikelyMeant) {
  const auto config = must_parse(R"(
endpoints:
  - { name: all, match: /**, limits: { STD: { rate: 100/min, total: 50/min } } }
  - { name: pay, match: /pay/** }
rules:
  - { name: idle, when: { cpu: 0.8 }, then: { endpoints: [pay], scale: 0.5 } }
)");
  EXPECT_THAT(config.warnings, Contains(HasSubstr(":3: endpoint \"all\": limits.STD: the total")));
  EXPECT_THAT(config.warnings, Contains(HasSubstr(":4: endpoint \"pay\": match: /pay/** never")));
  EXPECT_THAT(config.warnings,
              Contains(HasSubstr(":6: rule \"idle\" moves nothing: none of the "
                                 "endpoints and tiers that it names has a limit")));
}

TEST(Config, SaysWhyARuleMovesNothing) {
  const auto config = must_parse(R"(
endpoints:
  - { name: pay, match: /pay/**, priority: high, limits: { STD: 100/min } }
  - { name: img, match: /img/**, priority: low }
rules:
  - { name: low, when: { cpu: 0.8 }, then: { priority: low, scale: 0.5 } }
  - { name: pay, when: { cpu: 0.8 }, then: { endpoints: [pay], priority: low, scale: 0.5 } }
  - { name: normal, when: { cpu: 0.8 }, then: { priority: high, scale: 0.5 } }
)");
  EXPECT_THAT(
      config.warnings,
      ElementsAre("/etc/gate.yaml:6: rule \"low\" moves nothing: none of the endpoints and tiers "
                  "that it reaches has a limit",
                  "/etc/gate.yaml:7: rule \"pay\" moves nothing: no endpoint that it names has "
                  "priority: low"));
}

TEST(Config, WarnsOfAScaleBelowEveryFloorThatTheRuleMeets) {
  const auto config = must_parse(R"(
tiers: [PRM, STD]
endpoints: [ { name: api, match: /**, limits: { PRM: 100/min, STD: 100/min } } ]
rules:
  - { name: all, when: { cpu: 0.8 }, then: { scale: 0.1 } }
  - { name: best, when: { cpu: 0.8 }, then: { tiers: [PRM], scale: 0.5 } }
  - { name: rest, when: { cpu: 0.8 }, then: { tiers: [STD], scale: 0.5 } }
adapt: { floor: { default: 0.3, PRM: 0.8 } }
)");
  EXPECT_THAT(config.warnings,
              ElementsAre("/etc/gate.yaml:5: rule \"all\" scales to 0.1, but never below 0.3 by "
                          "adapt.floor: raise the scale or lower the floor",
                          "/etc/gate.yaml:6: rule \"best\" scales to 0.5, but never below 0.8 by "
                          "adapt.floor: raise the scale or lower the floor"));
}

TEST(Config, APatternIsOnlyCalledUnreachableWhereItIs) {
  const auto config = must_parse(R"(
endpoints:
  - { name: a, match: [/a/*, /b/*/**], methods: [GET] }
  - { name: b, match: [/a/**, /b/**] }
)");
  EXPECT_THAT(config.warnings, IsEmpty());
}

TEST(Config, HoldsAThousandEndpointsAndNoMore) {
  const auto with = [](int count) {
    std::string yaml = "endpoints:\n";
    for (int i = 0; i < count; ++i) {
      const std::string number = std::to_string(i);
      yaml.append("  - { name: e").append(number).append(", match: /e").append(number);
      yaml.append(" }\n");
    }
    return parse(yaml, "x.yaml");
  };
  EXPECT_TRUE(with(1000));
  EXPECT_FALSE(with(1001));
}

TEST(Config, ABombOfAliasesCostsNothing) {
  std::string yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 30; ++i) {
    const std::string number = std::to_string(i);
    const std::string before = std::to_string(i - 1);
    yaml.append("a").append(number).append(": &a").append(number).append(" [");
    for (int k = 0; k < 9; ++k) yaml.append("*a").append(before).append(", ");
    yaml.append("*a").append(before).append("]\n");
  }
  yaml += "endpoints: *a29\nrules: *a29\ntiers: *a29\n";
  const auto config = parse(yaml, "bomb.yaml");
  ASSERT_FALSE(config);
  EXPECT_LE(config.error().size(), 100u);
}

TEST(Config, LoadNamesFileAndLineOfEveryMistake) {
  const auto config = load(TIDELIMIT_CONFIG_TESTS "/bad/duplicate_endpoint.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, Code::invalid_argument);
  EXPECT_THAT(config.error().message,
              HasSubstr("/bad/duplicate_endpoint.yaml:3: endpoint \"api\" stands twice"));
}

TEST(Config, LoadSaysWhyAFileCannotBeRead) {
  const auto missing = load("/nowhere/gate.yaml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().message, "/nowhere/gate.yaml: No such file or directory");
  EXPECT_THAT(load("/tmp").error().message, HasSubstr("is a folder"));
  const auto pipe = std::filesystem::path(testing::TempDir()) / "tidelimit-config-pipe";
  std::filesystem::remove(pipe);
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(load(pipe).error().message, HasSubstr("is no regular file"));
  std::filesystem::remove(pipe);
  EXPECT_THAT(load("/dev/zero").error().message, HasSubstr("larger than 1024 KiB"));
}

TEST(Config, TheExampleThatIsShippedIsSound) {
  const auto config = load(TIDELIMIT_DEPLOY "/tidelimit.yaml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_THAT(config->warnings, IsEmpty());
  EXPECT_THAT(config->model_warnings, IsEmpty());
}

TEST(Config, DefaultsHoldTheVerdictRules) {
  const Config config = defaults();
  ASSERT_EQ(config.engine.policy.rules.size(), 2u);
  EXPECT_EQ(config.engine.policy.rules[0].name, "attacker");
  ASSERT_EQ(config.engine.policy.endpoints.size(), 1u);
  EXPECT_EQ(config.engine.policy.endpoints[0].name, "other");
  EXPECT_THAT(config.model_warnings, IsEmpty());
}

}  // namespace
}  // namespace tidelimit::config
