#include "store/history/fixture.hpp"

namespace tidelimit::store {
namespace {

using ShadowTest = HistoryTest;

engine::DecisionRecord denial(Nanos after, const std::string& client, const std::string& user,
                              const std::string& verdict = "normal",
                              const std::string& outcome = "shadow_deny") {
  return {.id = "d",
          .time = kStart + after,
          .client = client,
          .user = user,
          .path = "/browse",
          .method = "GET",
          .endpoint = "browse",
          .tier = "STD",
          .outcome = outcome,
          .reason = "over_limit",
          .rule = "hot-endpoint",
          .verdict = verdict,
          .explanation = ""};
}

TEST_F(ShadowTest, AreSummedByPrincipalRuleAndVerdict) {
  const auto history = open();
  ASSERT_TRUE(history->put_decisions(
      {denial(1min, "192.0.2.1", "ann"), denial(2min, "192.0.2.2", "ann"),
       denial(3h, "192.0.2.1", "ann"), denial(4min, "192.0.2.7", "", "malicious"),
       denial(5min, "192.0.2.8", "", "normal", "allow"),
       denial(5min, "192.0.2.8", "", "normal", "deny")}));
  const auto summary =
      history->shadow_summary({.since = kStart, .endpoint = {}, .rules = {}, .most = 10}).value();
  EXPECT_EQ(summary.denied, 4U);
  EXPECT_EQ(summary.harmed, 3U);
  EXPECT_EQ(summary.principals, 2U);
  EXPECT_EQ(summary.principals_harmed, 1U);
  ASSERT_EQ(summary.by_principal.size(), 2U);
  const engine::ShadowDenials& ann = summary.by_principal[0];
  EXPECT_EQ(ann.principal, "user/ann");
  EXPECT_EQ(ann.requests, 3U);
  EXPECT_EQ(ann.rule, "hot-endpoint");
  EXPECT_EQ(ann.first, kStart + 1min);
  EXPECT_EQ(ann.last, kStart + 3h);
  EXPECT_EQ(summary.by_principal[1].principal, "192.0.2.7");
  EXPECT_EQ(summary.by_principal[1].verdict, "malicious");
}

TEST_F(ShadowTest, CountWhatADecisionStandsFor) {
  const auto history = open();
  auto flood = denial(1min, "192.0.2.1", "ann");
  flood.repeats = 370;
  ASSERT_TRUE(history->put_decisions({denial(1min, "192.0.2.1", "ann"), flood}));
  const auto summary =
      history->shadow_summary({.since = kStart, .endpoint = {}, .rules = {}, .most = 10}).value();
  EXPECT_EQ(summary.denied, 372U);
  EXPECT_EQ(summary.by_principal.at(0).requests, 372U);
}

/// As windows count what arrived: by hits.
TEST_F(ShadowTest, CountAllThatACallAskedFor) {
  const auto history = open();
  auto batch = denial(1min, "192.0.2.1", "ann");
  batch.hits = 10;
  batch.repeats = 18;
  ASSERT_TRUE(history->put_decisions({batch}));
  EXPECT_EQ(history->shadow_summary({.since = kStart}).value().denied, 190U);
}

TEST_F(ShadowTest, AreSummedByCauseAndForThePartThatIsAskedFor) {
  const auto history = open();
  engine::DecisionRecord base = denial(1min, "192.0.2.1", "ann");
  base.rule.clear();
  engine::DecisionRecord blocked = denial(2min, "192.0.2.7", "", "malicious");
  blocked.rule = "attacker";
  blocked.reason = "client_blocked";
  engine::DecisionRecord elsewhere = denial(3min, "192.0.2.1", "bob");
  elsewhere.endpoint = "payment";
  ASSERT_TRUE(history->put_decisions({base, blocked, elsewhere, denial(4min, "192.0.2.1", "ann"),
                                      denial(5min, "192.0.2.1", "ann")}));
  const auto all = history->shadow_summary({.since = kStart}).value();
  ASSERT_EQ(all.by_cause.size(), 3U);
  EXPECT_EQ(all.by_cause[0].rule, "hot-endpoint");
  EXPECT_EQ(all.by_cause[0].requests, 3U);
  EXPECT_EQ(all.by_cause[0].principals, 2U);
  const auto of = [&](std::vector<std::string> rules) {
    return history->shadow_summary({.since = kStart, .endpoint = {}, .rules = std::move(rules)})
        .value();
  };
  EXPECT_EQ(of({"attacker"}).denied, 1U);
  EXPECT_EQ(all.harmed, 4U);
  EXPECT_EQ(of({"attacker"}).harmed, 1U) << "its own verdict does not excuse what it denies";
  EXPECT_EQ(of({"hot-endpoint", "attacker"}).denied, 4U);
  EXPECT_EQ(of({""}).denied, 1U);
  EXPECT_EQ(of({}).denied, 0U);
  EXPECT_EQ(history->shadow_summary({.since = kStart, .endpoint = "payment"}).value().denied, 1U);
  const auto verdicts =
      history->shadow_summary({.since = kStart, .endpoint = {}, .rules = {}, .by_verdict = true})
          .value();
  EXPECT_EQ(verdicts.denied, 1U);
  ASSERT_EQ(verdicts.by_principal.size(), 1U);
  EXPECT_EQ(verdicts.by_principal[0].rule, "attacker");
}

TEST_F(ShadowTest, AreHarmUnlessAnEnforcedVerdictOrALabelExcusesThem) {
  const auto history = open();
  engine::DecisionRecord watched = denial(1min, "192.0.2.1", "", "malicious (watched)");
  engine::DecisionRecord enforced = denial(2min, "192.0.2.1", "", "malicious");
  engine::DecisionRecord labelled = denial(3min, "192.0.2.2", "ann", "malicious (label)");
  labelled.reason = "client_blocked";
  ASSERT_TRUE(history->put_decisions({watched, enforced, labelled}));
  const auto read = [&] { return history->shadow_summary({.since = kStart}).value(); };
  const auto summary = read();
  EXPECT_EQ(summary.denied, 3U);
  EXPECT_EQ(summary.harmed, 1U);
  EXPECT_EQ(summary.principals, 2U);
  EXPECT_EQ(summary.principals_harmed, 1U);
  ASSERT_EQ(summary.by_principal.size(), 3U);
  EXPECT_EQ(summary.by_principal[0].verdict, "malicious (watched)") << "harm first";
  EXPECT_EQ(history->shadow_summary({.since = kStart, .rules = {{"hot-endpoint"}}}).value().harmed,
            1U);
  // The operator's word, given later, over all verdicts.
  const auto label = [&](bool malicious, std::optional<WallTime> until = {}) {
    ASSERT_TRUE(history->put_label({"192.0.2.1", malicious, "", "ann", kStart + 1h, until}));
  };
  label(true);
  EXPECT_EQ(read().harmed, 0U);
  EXPECT_EQ(read().by_principal[1].verdict, "malicious (label)");
  label(false);
  EXPECT_EQ(read().harmed, 2U);
  label(false, kStart);
  EXPECT_EQ(read().harmed, 1U) << "it had ended before";
}

TEST_F(ShadowTest, TellOfALabelByItself) {
  const auto history = open();
  ASSERT_TRUE(history->put_decisions({denial(1min, "192.0.2.1", "", "normal")}));
  const auto said = [&](bool malicious) {
    EXPECT_TRUE(history->put_label({"192.0.2.1", malicious, "", "ann", kStart + 1h, {}}));
    return history->shadow_summary({.since = kStart}).value().by_principal.at(0).verdict;
  };
  EXPECT_EQ(said(true), "malicious (label)") << "nothing is normal about it";
  EXPECT_EQ(said(false), "not_malicious (label)");
}

TEST_F(ShadowTest, AreBoundedInNumberAndNeverInSum) {
  constexpr std::size_t kMost = 1000;
  constexpr std::size_t kHourly = 4000;
  constexpr std::size_t kHours = 4;
  const auto history = open({}, kMost);
  ASSERT_TRUE(history->put_label({"192.0.2.1", true, "", "ann", kStart, {}}));
  ASSERT_TRUE(history->put_decisions({denial(1min, "192.0.2.1", "")}));
  for (std::size_t hour = 0; hour < kHours; ++hour) {
    std::vector<engine::DecisionRecord> flood;
    for (std::size_t i = 0; i < kHourly; ++i)
      flood.push_back(denial(hour * 1h, "192.0.2.2", std::to_string(hour * kHourly + i)));
    ASSERT_TRUE(history->put_decisions(flood));
  }
  const auto summary =
      history->shadow_summary({.since = kStart, .endpoint = {}, .rules = {}, .most = 100'000})
          .value();
  EXPECT_EQ(summary.denied, kHours * kHourly + 1);
  EXPECT_EQ(summary.harmed, kHours * kHourly) << "but for the one that is labelled";
  EXPECT_LE(summary.principals, kMost + SqliteHistory::kCountedAfter);
  const auto& rows = summary.by_principal;
  EXPECT_EQ(rows.front().principal, engine::kOtherPrincipals);
  EXPECT_EQ(rows.back().principal, "192.0.2.1") << "of whom a label speaks";
  const auto names = [&](const std::string& user) {
    return std::any_of(rows.begin(), rows.end(),
                       [&](const auto& row) { return row.principal == "user/" + user; });
  };
  EXPECT_FALSE(names("0")) << "the oldest go first";
  EXPECT_TRUE(names(std::to_string(kHours * kHourly - 1)));
}

TEST_F(ShadowTest, ModesSetByHandAreKeptWithTheirAudit) {
  {
    const auto history = open();
    ASSERT_TRUE(history->put_modes(
        {{"rule/night", policy::ModeFor{limiter::Mode::enforce, 0.05}, "a try", "ann", kStart,
          kStart + 1h},
         {"all", policy::ModeFor{limiter::Mode::shadow}, "", "bob", kStart + 1min, {}}}));
    ASSERT_TRUE(history->put_modes({{"all", {}, "well again", "bob", kStart + 2min, {}}}));
  }
  const auto history = open();
  const auto latest = history->modes().value();
  ASSERT_EQ(latest.size(), 2U);
  EXPECT_EQ(latest[0].part, "rule/night");
  EXPECT_EQ(latest[0].mode, (policy::ModeFor{limiter::Mode::enforce, 0.05}));
  EXPECT_EQ(latest[0].until, kStart + 1h);
  EXPECT_EQ(latest[1].part, "all");
  EXPECT_FALSE(latest[1].mode);
  EXPECT_EQ(history->mode_changes(kStart).value().size(), 3U);
  EXPECT_EQ(history->mode_changes(kStart + 2min).value().size(), 1U);
}

TEST_F(ShadowTest, CountFromTheHourOfTheTimeOn) {
  const auto history = open();
  ASSERT_TRUE(
      history->put_decisions({denial(0s, "192.0.2.1", ""), denial(2h + 50min, "192.0.2.1", "")}));
  EXPECT_EQ(
      history
          ->shadow_summary({.since = kStart + 2h + 59min, .endpoint = {}, .rules = {}, .most = 10})
          .value()
          .denied,
      1U);
  EXPECT_EQ(history->shadow_summary({.since = kStart + 4h, .endpoint = {}, .rules = {}, .most = 10})
                .value()
                .denied,
            0U);
}

TEST_F(ShadowTest, StandBesideAllThatArrived) {
  const auto history = open();
  traffic::WindowStats stats;
  stats.requests = 90;
  stats.malicious = 10;
  stats.observed = true;
  ASSERT_TRUE(history->put_windows(kStart, 15min, {"browse"}, {stats}));
  ASSERT_TRUE(history->put_open_windows(open_window(kStart + 15min, {"browse"}, {stats})));
  EXPECT_EQ(history->shadow_summary({.since = kStart, .endpoint = {}, .rules = {}, .most = 10})
                .value()
                .arrived,
            200);
  // The open one closes: it is there once.
  ASSERT_TRUE(history->put_windows(kStart + 15min, 15min, {"browse"}, {stats}));
  EXPECT_EQ(history->shadow_summary({.since = kStart, .endpoint = {}, .rules = {}, .most = 10})
                .value()
                .arrived,
            200);
  EXPECT_EQ(
      history->shadow_summary({.since = kStart + 30h, .endpoint = {}, .rules = {}, .most = 10})
          .value()
          .arrived,
      0);
}

TEST_F(ShadowTest, OutliveTheDecisionsAndGoWithTheVerdicts) {
  const auto history = open();
  ASSERT_TRUE(history->put_decisions({denial(0s, "192.0.2.1", "")}));
  ASSERT_TRUE(history->put_decisions({denial(24h * 30, "192.0.2.2", "")}));
  EXPECT_EQ(history->shadow_summary({.since = kStart, .endpoint = {}, .rules = {}, .most = 10})
                .value()
                .denied,
            2U);
  ASSERT_TRUE(history->put_decisions({denial(24h * 200, "192.0.2.3", "")}));
  const auto left =
      history->shadow_summary({.since = kStart, .endpoint = {}, .rules = {}, .most = 10}).value();
  EXPECT_EQ(left.denied, 1U);
  EXPECT_EQ(left.by_principal.at(0).principal, "192.0.2.3");
}

TEST_F(ShadowTest, OldOnesGoInSmallBatches) {
  const auto history = open({}, 10'000);
  std::vector<engine::DecisionRecord> many;
  for (int i = 0; i < 2000; ++i) many.push_back(denial(0s, std::to_string(1000 + i / 2), ""));
  for (std::size_t i = 1; i < many.size(); i += 2) many[i].endpoint = "search";
  ASSERT_TRUE(history->put_decisions(many));
  const auto left = [&] {
    return history->shadow_summary({.since = kStart, .endpoint = {}, .rules = {}, .most = 10})
        .value()
        .denied;
  };
  std::uint64_t before = left();
  ASSERT_EQ(before, 2000U);
  for (int i = 1; before > 10; ++i) {
    ASSERT_TRUE(history->put_decisions({denial(24h * 200, "192.0.2.1", "")}));
    const std::uint64_t now = left();
    ASSERT_LT(now, before) << "each call removes some";
    EXPECT_GE(now + 503, before) << "and no more than a batch";
    before = now;
    ASSERT_LT(i, 10);
  }
}

}  // namespace
}  // namespace tidelimit::store
