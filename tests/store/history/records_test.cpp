#include "store/history/fixture.hpp"

namespace tidelimit::store {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

using RecordsTest = HistoryTest;

policy::VerdictRecord verdict(const char* client, WallTime from, Nanos lasting) {
  policy::VerdictRecord record;
  record.client = client_of(client);
  record.client_name = client;
  record.kind = limiter::VerdictKind::malicious;
  record.action = limiter::Action::limit;
  record.limit = Rate{10, 1min};
  record.score = 0.78125;
  record.rule = "attacker";
  record.part = limiter::Part::rules;
  record.mode = limiter::Mode::shadow;
  record.withheld = policy::Withheld::budget;
  record.reasons = {"214 requests a minute (usual 0.2 to 21)", "with \"quotes\" and \xff"};
  record.features = {{traffic::Feature::error_ratio, 0.88, 0, 0.09, 0.125, "STD"},
                     {traffic::Feature::agent_diversity, 1, 1, 2, -0.0625}};
  record.from = from;
  record.until = from + lasting;
  record.source = "odd-tool";
  return record;
}

TEST_F(RecordsTest, VerdictsComeBackWhole) {
  const auto history = open();
  ASSERT_TRUE(history->put_verdicts({verdict("2001:db8:ffff:1::5", kStart, 15min)}));
  const auto back = history->verdicts(kStart).value();
  ASSERT_EQ(back.size(), 1U);
  EXPECT_EQ(back[0].client, client_of("2001:db8:ffff:1::9")) << "the same /64";
  EXPECT_EQ(back[0].client_name, "2001:db8:ffff:1::5");
  EXPECT_EQ(back[0].kind, limiter::VerdictKind::malicious);
  EXPECT_EQ(back[0].action, limiter::Action::limit);
  EXPECT_EQ(back[0].limit, (Rate{10, 1min}));
  EXPECT_EQ(back[0].score, 0.78125);
  EXPECT_EQ(back[0].rule, "attacker");
  EXPECT_EQ(back[0].part, limiter::Part::rules);
  EXPECT_EQ(back[0].mode, limiter::Mode::shadow);
  EXPECT_EQ(back[0].withheld, policy::Withheld::budget);
  EXPECT_EQ(back[0].source, "odd-tool");
  ASSERT_EQ(back[0].features.size(), 2U);
  EXPECT_EQ(back[0].features[0].feature, traffic::Feature::error_ratio);
  EXPECT_EQ(back[0].features[0].value, 0.88);
  EXPECT_EQ(back[0].features[0].usual_high, 0.09);
  EXPECT_EQ(back[0].features[0].usual_of, "STD");
  EXPECT_EQ(back[0].features[1].share, -0.0625);
  EXPECT_EQ(back[0].features[1].usual_of, "");
  EXPECT_EQ(back[0].from, kStart);
  EXPECT_EQ(back[0].until, kStart + 15min);
  EXPECT_THAT(back[0].reasons, ElementsAre("214 requests a minute (usual 0.2 to 21)",
                                           "with \"quotes\" and \xEF\xBF\xBD"));
}

TEST_F(RecordsTest, ARenewedVerdictMovesItsEnd) {
  const auto history = open();
  auto record = verdict("192.0.2.1", kStart, 15min);
  record.limit.reset();
  ASSERT_TRUE(history->put_verdicts({record, verdict("192.0.2.2", kStart, 5min)}));
  record.until = kStart + 40min;
  ASSERT_TRUE(history->put_verdicts({record}));
  EXPECT_EQ(history->verdicts(kStart).value().size(), 2U);
  const auto later = history->verdicts(kStart + 30min).value();
  ASSERT_EQ(later.size(), 1U);
  EXPECT_EQ(later[0].client, client_of("192.0.2.1"));
  EXPECT_EQ(later[0].until, kStart + 40min);
  EXPECT_FALSE(later[0].limit);
}

TEST_F(RecordsTest, OneVerdictOfAPartIsInForceOnAClientAtATime) {
  const auto history = open();
  const auto before = verdict("192.0.2.1", kStart, 2h);
  auto by_model = before;
  by_model.part = limiter::Part::anomaly;
  by_model.rule = "model";
  ASSERT_TRUE(history->put_verdicts({before, by_model, verdict("192.0.2.2", kStart, 2h)}));
  auto milder = before;  // the same, under another rule by now
  milder.rule = "milder";
  milder.until = kStart + 10min;
  auto severer = before;  // another one, in its place
  severer.rule = "severer";
  severer.from = kStart + 5min;
  severer.until = kStart + 10min;
  ASSERT_TRUE(history->put_verdicts({milder}));
  EXPECT_EQ(history->verdicts(kStart + 30min).value().size(), 2U) << "the others'";
  ASSERT_TRUE(history->put_verdicts({severer}));
  std::vector<std::string> rules;
  const auto found = history->verdicts(kStart + 6min).value();
  for (const auto& record : found) {
    if (record.client == before.client) rules.push_back(record.rule);
  }
  EXPECT_THAT(rules, ElementsAre("model", "severer"));
}

TEST_F(RecordsTest, OldVerdictsGo) {
  engine::Retention retention;
  retention.verdicts = 1h;
  const auto history = open(retention);
  ASSERT_TRUE(history->put_verdicts({verdict("192.0.2.1", kStart, 15min)}));
  ASSERT_TRUE(history->put_verdicts({verdict("192.0.2.2", kStart + 3h, 15min)}));
  EXPECT_EQ(history->verdicts(WallTime{}).value().size(), 1U);
}

TEST_F(RecordsTest, VerdictsAndPlanChangesAreBoundedInNumber) {
  constexpr std::size_t kMost = 1000;
  constexpr std::size_t kBatch = 2500;
  const auto history = open({}, kMost);
  std::vector<policy::VerdictRecord> verdicts;
  std::vector<policy::PlanChange> changes(kBatch);
  for (std::size_t i = 0; i < kBatch; ++i) {
    verdicts.push_back(verdict("192.0.2.1", kStart, 15min));
    verdicts.back().client.lo += i;
    verdicts.back().until += i * 1ns;
    changes[i].time = kStart + i * 1ns;
  }
  for (std::size_t i = 0; i <= SqliteHistory::kCountedAfter / kBatch; ++i) {
    for (auto& one : verdicts) one.client.lo += kBatch;
    ASSERT_TRUE(history->put_verdicts(verdicts));
    ASSERT_TRUE(history->put_plan_changes(changes));
  }
  EXPECT_LE(history->verdicts(WallTime{}).value().size(), kMost + kBatch);
  EXPECT_LE(history->plan_changes({}).value().size(), kMost);
  EXPECT_EQ(history->verdicts(verdicts.back().until).value().back().client, verdicts.back().client)
      << "those that ended first go";
}

TEST_F(RecordsTest, PlanChangesComeBackInOrder) {
  const auto history = open();
  const policy::PlanChange tightened{.time = kStart,
                                     .endpoint = "browse",
                                     .tier = "STD",
                                     .before_per_minute = 100,
                                     .after_per_minute = 50,
                                     .before_scale = 1,
                                     .after_scale = 0.5,
                                     .rule = "shield-payment",
                                     .cause = "forecast of payment: 2.0 times the usual 840",
                                     .shadow = true};
  auto relaxed = tightened;
  relaxed.time += 1h;
  relaxed.after_scale = 1;
  relaxed.rule.clear();
  relaxed.shadow = false;
  relaxed.of = policy::PlanChange::Of::shed;
  ASSERT_TRUE(history->put_plan_changes({tightened, relaxed}));
  const auto back = history->plan_changes({.since = kStart}).value();
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].time, kStart);
  EXPECT_EQ(back[0].endpoint, "browse");
  EXPECT_EQ(back[0].tier, "STD");
  EXPECT_EQ(back[0].before_per_minute, 100);
  EXPECT_EQ(back[0].after_per_minute, 50);
  EXPECT_EQ(back[0].before_scale, 1);
  EXPECT_EQ(back[0].after_scale, 0.5);
  EXPECT_EQ(back[0].rule, "shield-payment");
  EXPECT_EQ(back[0].cause, tightened.cause);
  EXPECT_TRUE(back[0].shadow);
  EXPECT_EQ(back[1].rule, "");
  EXPECT_FALSE(back[1].shadow);
  EXPECT_EQ(back[0].of, policy::PlanChange::Of::limit);
  EXPECT_EQ(back[1].of, policy::PlanChange::Of::shed);
  EXPECT_EQ(history->plan_changes({.most = 1}).value().at(0).rule, "") << "the newest";
  EXPECT_EQ(history->plan_changes({.until = kStart + 1min}).value().size(), 1U);
  EXPECT_EQ(history->plan_changes({.since = kStart + 1min}).value().size(), 1U);
}

TEST_F(RecordsTest, WhereARuleLeftALimitIsKnownHoweverLongAgo) {
  engine::Retention retention;
  retention.windows = 24h;
  const auto history = open(retention);
  const auto change = [](WallTime time, const char* endpoint, double before, double after) {
    return policy::PlanChange{.time = time,
                              .endpoint = endpoint,
                              .tier = "STD",
                              .before_scale = before,
                              .after_scale = after,
                              .rule = "busy",
                              .cause = "cpu is at 95 %"};
  };
  ASSERT_TRUE(history->put_plan_changes({change(kStart, "browse", 1, 0.5),
                                         change(kStart + 1s, "browse", 0.5, 0.25),
                                         change(kStart + 2s, "browse", 0.25, 0.4)}));
  const WallTime later = kStart + 48h;
  auto base = change(later, "search", 0.5, 1);
  base.rule.clear();
  ASSERT_TRUE(history->put_plan_changes(
      {change(later, "search", 1, 0.5), base, change(later, "search", 1, 0.5)}));
  ASSERT_EQ(history->plan_changes({}).value().size(), 3U) << "the old ones are gone";
  std::vector<std::pair<std::string, double>> standing;
  const auto found = history->plan_standing().value();
  for (const auto& one : found) standing.emplace_back(one.endpoint, one.after_scale);
  EXPECT_THAT(standing, ElementsAre(Pair("browse", 0.25), Pair("browse", 0.4), Pair("search", 1),
                                    Pair("search", 0.5)));
}

TEST_F(RecordsTest, EverySourceOfAForecastComesBack) {
  const auto history = open();
  for (const auto source : forecast::kSources) {
    forecast::EndpointForecast one;
    one.endpoint = "payment";
    one.made_at = kStart;
    one.source = source;
    ASSERT_TRUE(history->put_forecasts({one}));
    EXPECT_EQ(history->forecasts({.since = kStart}).value().at(0).source, source);
  }
}

TEST_F(RecordsTest, ForecastsComeBackWhole) {
  const auto history = open();
  forecast::EndpointForecast known;
  known.endpoint = "payment";
  known.made_at = kStart;
  known.horizon = 1h;
  known.quantiles = {700, 750, 840, 930, 990};
  known.naive = 810;
  known.usual = 420;
  known.source = forecast::Source::lstm;
  auto cold = known;
  cold.endpoint = "browse";
  cold.usual.reset();
  cold.source = forecast::Source::last_value;
  cold.note = "41 of 96 windows of history: last value";
  ASSERT_TRUE(history->put_forecasts({known, cold}));
  ASSERT_TRUE(history->put_forecasts({known})) << "made again at the same time: replaced";
  const auto back = history->forecasts({.since = kStart}).value();
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].endpoint, "browse");
  EXPECT_FALSE(back[0].usual);
  EXPECT_EQ(back[0].source, forecast::Source::last_value);
  EXPECT_EQ(back[0].note, cold.note);
  EXPECT_EQ(back[1].quantiles, known.quantiles);
  EXPECT_EQ(back[1].naive, 810);
  EXPECT_EQ(back[1].usual, 420);
  EXPECT_EQ(back[1].horizon, Nanos{1h});
  EXPECT_EQ(back[1].source, forecast::Source::lstm);
}

TEST_F(RecordsTest, ForecastsAreReadByTimeAndEndpointAndTheNewestFirstWhereThereAreMore) {
  const auto history = open();
  const auto made = [](Nanos after, const char* endpoint) {
    forecast::EndpointForecast one;
    one.endpoint = endpoint;
    one.made_at = kStart + after;
    one.horizon = 1h;
    return one;
  };
  ASSERT_TRUE(history->put_forecasts({made(0min, "browse"), made(0min, "payment"),
                                      made(15min, "browse"), made(15min, "payment"),
                                      made(30min, "browse"), made(30min, "payment")}));
  const auto some = history->forecasts({.since = kStart + 15min, .until = kStart + 30min}).value();
  ASSERT_EQ(some.size(), 2U);
  EXPECT_EQ(some[0].endpoint, "browse");
  EXPECT_EQ(history->forecasts({.endpoint = "payment"}).value().size(), 3U);
  const auto newest = history->forecasts({.endpoint = "payment", .most = 2}).value();
  ASSERT_EQ(newest.size(), 2U);
  EXPECT_EQ(newest[0].made_at, kStart + 15min);
  EXPECT_EQ(newest[1].made_at, kStart + 30min);
}

}  // namespace
}  // namespace tidelimit::store
