#include <thread>

#include "store/history/fixture.hpp"

namespace tidelimit::store {
namespace {

using DecisionsTest = HistoryTest;

engine::DecisionRecord decision(int n, const std::string& client, const std::string& user) {
  return {.id = "d" + std::to_string(n),
          .time = kStart + n * 1s,
          .client = client,
          .user = user,
          .path = "/browse/" + std::to_string(n),
          .method = "GET",
          .endpoint = "browse",
          .tier = "STD",
          .allowed = false,
          .outcome = "deny",
          .reason = "over_limit",
          .rule = "hot-endpoint",
          .verdict = "normal",
          .limit_per_minute = 50,
          .base_per_minute = 100,
          .remaining = 3,
          .retry_after_ms = 600.5,
          .plan_generation = 17,
          .explanation = "forecast of browse: 2.0 times the usual",
          .repeats = 370};
}

engine::DecisionQuery ask(std::string id, std::string user, std::string client, WallTime since = {},
                          std::size_t most = 1000) {
  return {std::move(id), std::move(user), std::move(client), since, most};
}

std::vector<std::string> ids(const Result<std::vector<engine::DecisionRecord>>& found) {
  std::vector<std::string> out;
  for (const auto& record : found.value()) out.push_back(record.id);
  return out;
}

TEST_F(DecisionsTest, ComeBackWhole) {
  const auto history = open();
  const auto put = decision(1, "192.0.2.1", "u'1; --");
  ASSERT_TRUE(history->put_decisions({put}));
  const auto found = history->decisions(ask("d1", "", "")).value();
  ASSERT_EQ(found.size(), 1U);
  const auto& back = found[0];
  EXPECT_EQ(back.id, put.id);
  EXPECT_EQ(back.time, put.time);
  EXPECT_EQ(back.client, put.client);
  EXPECT_EQ(back.user, put.user);
  EXPECT_EQ(back.path, put.path);
  EXPECT_EQ(back.method, put.method);
  EXPECT_EQ(back.endpoint, put.endpoint);
  EXPECT_EQ(back.tier, put.tier);
  EXPECT_EQ(back.allowed, put.allowed);
  EXPECT_EQ(back.outcome, put.outcome);
  EXPECT_EQ(back.reason, put.reason);
  EXPECT_EQ(back.rule, put.rule);
  EXPECT_EQ(back.verdict, put.verdict);
  EXPECT_EQ(back.limit_per_minute, put.limit_per_minute);
  EXPECT_EQ(back.base_per_minute, put.base_per_minute);
  EXPECT_EQ(back.remaining, put.remaining);
  EXPECT_EQ(back.retry_after_ms, put.retry_after_ms);
  EXPECT_EQ(back.plan_generation, put.plan_generation);
  EXPECT_EQ(back.explanation, put.explanation);
  EXPECT_EQ(back.repeats, put.repeats);
}

TEST_F(DecisionsTest, NamesOfUsersStayOverARestart) {
  const SipKey key = open()->user_name_key();
  EXPECT_NE(key.k0, 0U);
  EXPECT_EQ(open()->user_name_key().k0, key.k0);
  EXPECT_EQ(open()->user_name_key().k1, key.k1);
}

TEST_F(DecisionsTest, AreFoundByEveryPartOfTheQuestionNewestFirst) {
  using ::testing::ElementsAre;
  using ::testing::IsEmpty;
  const auto history = open();
  ASSERT_TRUE(
      history->put_decisions({decision(1, "192.0.2.1", "ann"), decision(2, "192.0.2.1", ""),
                              decision(3, "192.0.2.2", "ann"), decision(4, "192.0.2.2", "bob")}));
  EXPECT_THAT(ids(history->decisions(ask("", "", ""))), ElementsAre("d4", "d3", "d2", "d1"));
  EXPECT_THAT(ids(history->decisions(ask("", "", "", {}, 2))), ElementsAre("d4", "d3"));
  EXPECT_THAT(ids(history->decisions(ask("", "ann", ""))), ElementsAre("d3", "d1"));
  EXPECT_THAT(ids(history->decisions(ask("", "", "192.0.2.1"))), ElementsAre("d2", "d1"));
  EXPECT_THAT(ids(history->decisions(ask("", "ann", "192.0.2.1"))), ElementsAre("d1"));
  EXPECT_THAT(ids(history->decisions(ask("d4", "ann", ""))), IsEmpty());
  EXPECT_THAT(ids(history->decisions(ask("", "ann", "", kStart + 2s))), ElementsAre("d3"));
  EXPECT_THAT(ids(history->decisions(ask("", "", "", kStart + 4s))), ElementsAre("d4"));
  EXPECT_THAT(ids(history->decisions(ask("", "nobody", ""))), IsEmpty());
}

TEST_F(DecisionsTest, AreBoundedInNumberAndAge) {
  engine::Retention retention;
  retention.decisions = 60s;
  const auto history = open(retention, 50);
  std::vector<engine::DecisionRecord> batch;
  for (int n = 0; n < 200; ++n) batch.push_back(decision(n, "192.0.2.1", "ann"));
  ASSERT_TRUE(history->put_decisions(batch));
  EXPECT_EQ(history->decisions(ask("", "", "")).value().size(), 50U);
  EXPECT_EQ(history->decisions(ask("", "", "")).value().back().id, "d150");
  ASSERT_TRUE(history->put_decisions({decision(250, "192.0.2.1", "ann")}));
  EXPECT_EQ(history->decisions(ask("", "", "")).value().back().id, "d190");
}

TEST_F(DecisionsTest, AreAskedWhileOthersWrite) {
  const auto history = open({}, 100'000);
  constexpr int kBatches = 40;
  constexpr int kBatch = 50;
  std::thread writer([&] {
    for (int b = 0; b < kBatches; ++b) {
      std::vector<engine::DecisionRecord> batch;
      for (int n = 0; n < kBatch; ++n)
        batch.push_back(decision(b * kBatch + n, "192.0.2.1", "ann"));
      EXPECT_TRUE(history->put_decisions(batch));
      EXPECT_TRUE(history->put_open_windows(open_window(kStart, {"browse"}, {stats(b)})));
    }
  });
  std::size_t seen = 0;
  while (seen < kBatches * kBatch && !HasFailure()) {
    const auto found = history->decisions(ask("", "ann", "", {}, 100'000));
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->size() % kBatch, 0U) << "a batch is there as a whole or not at all";
    EXPECT_GE(found->size(), seen);
    seen = found->size();
  }
  writer.join();
}

}  // namespace
}  // namespace tidelimit::store
