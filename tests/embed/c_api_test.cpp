#include <array>
#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <thread>
#include <vector>

#include "limiter/gcra.hpp"
#include "tidelimit.h"

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

struct Table {
  explicit Table(std::size_t bytes = 1 << 20) : handle(tidelimit_create(bytes, 7)) {}
  ~Table() { tidelimit_destroy(handle); }
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  tidelimit_table* handle;
};

tidelimit_call call_of(const std::string& key, std::uint64_t count, std::uint64_t burst) {
  tidelimit_call call{};
  call.key = key.data();
  call.key_size = key.size();
  call.hits = 1;
  EXPECT_EQ(tidelimit_limit_of(count, 60 * kSecond, burst, &call.limit), TIDELIMIT_ALLOWED);
  return call;
}

TEST(CApi, DecidesAsGcraDoes) {
  Table table;
  const std::string key = "alice";
  tidelimit_call call = call_of(key, 60, 5);
  const auto limit = tidelimit::limiter::make_limit({60, std::chrono::minutes{1}}, 5);
  tidelimit::limiter::Tat tat{0};
  for (int i = 0; i < 200; ++i) {
    const std::int64_t now = kSecond + i * 333'333'333LL;
    call.hits = static_cast<std::uint32_t>(i * 7 % 4);  // 0 is a peek
    const auto expected = tidelimit::limiter::conform(tat, call.hits, limit,
                                                      tidelimit::Instant{tidelimit::Nanos{now}});
    tat = expected.tat;
    tidelimit_answer said{};
    EXPECT_EQ(tidelimit_decide(table.handle, &call, now, &said), expected.conforms);
    EXPECT_EQ(said.allowed, expected.conforms);
    EXPECT_EQ(said.remaining, expected.remaining);
    EXPECT_EQ(said.retry_after_ns, expected.retry_after.count());
    EXPECT_EQ(said.reset_after_ns, expected.reset_after.count());
    EXPECT_EQ(said.shared, 0);
  }
}

TEST(CApi, DecidesABatchAsOneByOne) {
  Table one;
  Table batch;
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back("user " + std::to_string(i % 37));
  std::vector<tidelimit_call> calls;
  for (const auto& key : keys) calls.push_back(call_of(key, 2, 2));
  std::vector<tidelimit_answer> answers(calls.size());
  const auto allowed =
      tidelimit_decide_batch(batch.handle, calls.data(), calls.size(), kSecond, answers.data());
  std::int64_t passed = 0;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    tidelimit_answer said{};
    passed += tidelimit_decide(one.handle, &calls[i], kSecond, &said);
    EXPECT_EQ(said.allowed, answers[i].allowed) << i;
    EXPECT_EQ(said.remaining, answers[i].remaining) << i;
  }
  EXPECT_EQ(allowed, passed);
  EXPECT_EQ(allowed, 37 * 2);
  EXPECT_EQ(tidelimit_decide_batch(batch.handle, nullptr, 0, kSecond, nullptr), 0);
}

TEST(CApi, RefusesWhatIsOutOfRangeAndChargesNothing) {
  Table table;
  const std::string key = "alice";
  const tidelimit_call good = call_of(key, 1, 1);
  std::vector<tidelimit_call> bad(6, good);
  bad[0].key = nullptr;
  bad[1].limit.emission_interval_ns = 0;
  bad[2].limit.emission_interval_ns = std::numeric_limits<std::int64_t>::max();
  bad[3].limit.burst = 0;
  bad[4].limit.burst = std::numeric_limits<std::uint64_t>::max();
  bad[5].reserved = 1;
  for (const auto& call : bad) {
    const std::array<tidelimit_call, 2> calls{good, call};
    std::array<tidelimit_answer, 2> answers{};
    EXPECT_EQ(tidelimit_decide(table.handle, &call, kSecond, nullptr), TIDELIMIT_INVALID);
    EXPECT_EQ(tidelimit_decide_batch(table.handle, calls.data(), 2, kSecond, answers.data()),
              TIDELIMIT_INVALID);
  }
  const std::int64_t time_of_day = 1'790'000'000 * kSecond;
  EXPECT_EQ(tidelimit_decide(table.handle, &good, time_of_day, nullptr), TIDELIMIT_INVALID);
  EXPECT_EQ(tidelimit_decide(table.handle, &good, -1, nullptr), TIDELIMIT_INVALID);
  EXPECT_EQ(tidelimit_decide(nullptr, &good, kSecond, nullptr), TIDELIMIT_INVALID);
  EXPECT_EQ(tidelimit_decide(table.handle, nullptr, kSecond, nullptr), TIDELIMIT_INVALID);
  EXPECT_EQ(tidelimit_decide(table.handle, &good, kSecond, nullptr), TIDELIMIT_ALLOWED);
  EXPECT_EQ(tidelimit_decide(table.handle, &good, kSecond, nullptr), TIDELIMIT_DENIED);

  tidelimit_limit limit{};
  EXPECT_EQ(tidelimit_limit_of(0, kSecond, 1, &limit), TIDELIMIT_INVALID);
  EXPECT_EQ(tidelimit_limit_of(1, 0, 1, &limit), TIDELIMIT_INVALID);
  EXPECT_EQ(tidelimit_limit_of(1, kSecond, 0, &limit), TIDELIMIT_INVALID);
  EXPECT_EQ(tidelimit_limit_of(2'000'000'000, kSecond, 1, &limit), TIDELIMIT_INVALID);
  EXPECT_EQ(tidelimit_limit_of(1, kSecond, 1, nullptr), TIDELIMIT_INVALID);
}

TEST(CApi, SaysThatMoreHitsThanTheBurstNeverPass) {
  Table table;
  const std::string key = "alice";
  tidelimit_call call = call_of(key, 10, 10);
  call.hits = 11;
  tidelimit_answer said{};
  EXPECT_EQ(tidelimit_decide(table.handle, &call, kSecond, &said), TIDELIMIT_DENIED);
  EXPECT_EQ(said.retry_after_ns, TIDELIMIT_NEVER);
  EXPECT_EQ(said.remaining, 10u);
}

TEST(CApi, SharesTheGroupsBucketWhenTheTableIsFull) {
  Table table(1 << 14);
  const std::uint64_t places = tidelimit_capacity(table.handle);
  ASSERT_GT(places, 500u);
  tidelimit_call call = call_of("", 1, 1);
  std::uint64_t passed = 0;
  for (std::uint64_t i = 0; i < places * 4; ++i) {
    call.key = &i;
    call.key_size = sizeof(i);
    call.group = i % 4;
    passed += tidelimit_decide(table.handle, &call, kSecond, nullptr) == TIDELIMIT_ALLOWED;
  }
  EXPECT_LE(passed, places);
  EXPECT_GE(passed, places * 9 / 10);
  EXPECT_GT(tidelimit_shared_calls(table.handle), places * 2);
  EXPECT_NEAR(static_cast<double>(tidelimit_live(table.handle, kSecond)),
              static_cast<double>(passed), static_cast<double>(places) * 0.05);
  EXPECT_EQ(tidelimit_live(table.handle, kSecond + 61 * kSecond), 0u);
}

// Eight places, of which one is free after a second.
struct FullTable : Table {
  FullTable() : Table(128) {
    for (int i = 0; i < 8; ++i) {
      const std::string key = "user " + std::to_string(i);
      tidelimit_call call = call_of(key, 1, 1);
      if (i == 0) tidelimit_limit_of(1, kSecond, 1, &call.limit);
      tidelimit_decide(handle, &call, kSecond, nullptr);
    }
  }
};

TEST(CApi, DeniesNoFastLimitForASlowOneOfTheSameGroup) {
  FullTable table;
  const std::string slow = "slow";
  const std::string fast = "fast";
  tidelimit_answer said{};
  tidelimit_call call = call_of(slow, 1, 10);
  EXPECT_EQ(tidelimit_decide(table.handle, &call, kSecond, &said), TIDELIMIT_ALLOWED);
  EXPECT_EQ(said.shared, 1);
  call = call_of(fast, 6000, 100);
  EXPECT_EQ(tidelimit_decide(table.handle, &call, kSecond, &said), TIDELIMIT_ALLOWED);
  EXPECT_EQ(said.shared, 1);
}

TEST(CApi, SaysOfNoTableThatNothingIsInIt) {
  EXPECT_EQ(tidelimit_capacity(nullptr), 0u);
  EXPECT_EQ(tidelimit_live(nullptr, kSecond), 0u);
  EXPECT_EQ(tidelimit_shared_calls(nullptr), 0u);
  Table table;
  const std::string key = "alice";
  const tidelimit_call call = call_of(key, 1, 1);
  EXPECT_EQ(tidelimit_decide(table.handle, &call, kSecond, nullptr), TIDELIMIT_ALLOWED);
  EXPECT_EQ(tidelimit_live(table.handle, kSecond), 1u);
  EXPECT_EQ(tidelimit_live(table.handle, -5), 0u) << "a reading out of range";
}

TEST(CApi, RoundsLongPeriodsToTheNanosecond) {
  tidelimit_limit limit{};
  for (const std::int64_t period : {9'007'199'254'740'993, 31'535'999'999'999'999}) {
    EXPECT_EQ(tidelimit_limit_of(1, period, 1, &limit), TIDELIMIT_ALLOWED);
    EXPECT_EQ(limit.emission_interval_ns, period);
  }
  EXPECT_EQ(tidelimit_limit_of(2, 3, 1, &limit), TIDELIMIT_ALLOWED);
  EXPECT_EQ(limit.emission_interval_ns, 2);
  EXPECT_EQ(tidelimit_limit_of(3, 10, 1, &limit), TIDELIMIT_ALLOWED);
  EXPECT_EQ(limit.emission_interval_ns, 3);
}

TEST(CApi, GivesNoTableThatCannotBe) {
  EXPECT_EQ(tidelimit_create(std::numeric_limits<std::size_t>::max() / 2, 1), nullptr);
  tidelimit_destroy(nullptr);
  EXPECT_EQ(tidelimit_abi_version(), static_cast<std::uint32_t>(TIDELIMIT_ABI_VERSION));
}

TEST(CApi, HoldsTheLimitAmongThreads) {
  Table table;
  const std::string key = "shared by all";
  const tidelimit_call call = call_of(key, 1000, 1000);
  std::array<int, 4> passed{};
  std::vector<std::thread> threads;
  for (int& mine : passed)
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i)
        mine += tidelimit_decide(table.handle, &call, kSecond, nullptr) == TIDELIMIT_ALLOWED;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(passed[0] + passed[1] + passed[2] + passed[3], 1000);
}

}  // namespace
