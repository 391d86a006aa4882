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
  const auto summary = history->shadow_summary(kStart, 10).value();
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

TEST_F(ShadowTest, CountFromTheHourOfTheTimeOn) {
  const auto history = open();
  ASSERT_TRUE(
      history->put_decisions({denial(0s, "192.0.2.1", ""), denial(2h + 50min, "192.0.2.1", "")}));
  EXPECT_EQ(history->shadow_summary(kStart + 2h + 59min, 10).value().denied, 1U);
  EXPECT_EQ(history->shadow_summary(kStart + 4h, 10).value().denied, 0U);
}

TEST_F(ShadowTest, StandBesideAllThatArrived) {
  const auto history = open();
  traffic::WindowStats stats;
  stats.requests = 90;
  stats.malicious = 10;
  stats.observed = true;
  ASSERT_TRUE(history->put_windows(kStart, 15min, {"browse"}, {stats}));
  ASSERT_TRUE(history->put_open_window(kStart + 15min, 15min, {"browse"}, {stats}));
  EXPECT_EQ(history->shadow_summary(kStart, 10).value().arrived, 200);
  EXPECT_EQ(history->shadow_summary(kStart + 30h, 10).value().arrived, 0);
}

TEST_F(ShadowTest, OutliveTheDecisionsAndGoWithTheVerdicts) {
  const auto history = open();
  ASSERT_TRUE(history->put_decisions({denial(0s, "192.0.2.1", "")}));
  ASSERT_TRUE(history->put_decisions({denial(24h * 30, "192.0.2.2", "")}));
  EXPECT_EQ(history->shadow_summary(kStart, 10).value().denied, 2U);
  ASSERT_TRUE(history->put_decisions({denial(24h * 200, "192.0.2.3", "")}));
  const auto left = history->shadow_summary(kStart, 10).value();
  EXPECT_EQ(left.denied, 1U);
  EXPECT_EQ(left.by_principal.at(0).principal, "192.0.2.3");
}

}  // namespace
}  // namespace tidelimit::store
