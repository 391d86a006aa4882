// Real threads on the same few buckets: under any interleaving each key gets at most burst + L/T in
// any interval L, and not less than it could have.
#include <atomic>
#include <gtest/gtest.h>
#include <vector>

#include "base/random.hpp"
#include "limiter/bucket_calls.hpp"
#include "limiter/interval_bound.hpp"
#include "limiter/threads.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(BucketThreads, PassExactlyTheBurstAtOneMoment) {
  constexpr std::uint64_t kKeys = 16;
  constexpr std::uint64_t kBurst = 5000;
  BucketTable table(64 * 1024);
  std::array<std::atomic<std::uint64_t>, kKeys> passed{};
  in_threads([&](std::size_t) {
    for (std::uint64_t i = 0; i < kKeys * kBurst; ++i) {
      const auto call = call_on(key_number(i % kKeys), every(seconds{1}, kBurst), at(hours{1}));
      const auto said = table.charge(call, [] { return std::uint64_t{1}; });
      passed[i % kKeys] += said.conformance.conforms;
    }
  });
  for (const auto& count : passed) EXPECT_EQ(count.load(), kBurst);
}

// A thread may charge and take back; what others see meanwhile is at worst too strict.
TEST(BucketThreads, NeverPassMoreWhenChargesAreTakenBack) {
  constexpr std::uint64_t kBurst = 2000;
  BucketTable table(64 * 1024);
  std::atomic<std::uint64_t> passed{0};
  const auto call = call_on(key_number(1), every(seconds{1}, kBurst), at(hours{1}));
  in_threads([&](std::size_t thread) {
    for (std::uint64_t i = 0; i < 2 * kBurst; ++i) {
      const Charge said = table.charge(call, [] { return std::uint64_t{1}; });
      if (!said.conformance.conforms) continue;
      if (thread == 0)
        BucketTable::undo(said);
      else
        ++passed;
    }
  });
  EXPECT_LE(passed.load(), kBurst);
  EXPECT_GT(passed.load(), 0U);
}

// A clock that all threads push on, each reading it early and using the reading late; a table so
// small that drained buckets are reclaimed all the time, under the feet of late readings.
TEST(BucketThreads, HoldTheBoundWhileTimeRunsAndBucketsAreReclaimed) {
  constexpr std::uint64_t kKeys = 48;
  constexpr int kCalls = 150'000;
  const Limit limit = every(milliseconds{4}, 3);
  BucketRegion region(4 * 128);
  std::atomic<std::int64_t> clock_us{3'600'000'000};
  std::array<std::vector<Passed>, kThreads> passes;
  in_threads([&](std::size_t thread) {
    Random random(thread + 1);
    for (int i = 0; i < kCalls; ++i) {
      Nanos now = microseconds{clock_us.fetch_add(20)};
      if (random.below(64) == 0) now -= milliseconds{random.below(100)};
      const std::uint64_t key = random.below(kKeys);
      const auto hits = static_cast<Hits>(1 + random.below(2));
      Charge said;
      if (!region.charge(call_on(key_number(key), limit, at(now), hits), said)) continue;
      if (said.conformance.conforms) passes[thread].push_back({now, key, hits});
      if (random.below(256) == 0) clock_us += 50'000;
    }
  });
  std::vector<Passed> all;
  for (const auto& some : passes) all.insert(all.end(), some.begin(), some.end());
  EXPECT_GT(region.reclaimed(), 1000U);
  EXPECT_GT(all.size(), 10'000U);
  EXPECT_TRUE(within_bound(std::move(all), limit));
}

// All threads bring the same fresh keys at once: each key gets one bucket.
TEST(BucketThreads, MakeOneBucketOfAKeyThatAllBringAtOnce) {
  constexpr std::uint64_t kKeys = 20'000;
  BucketTable table(1024 * 1024);
  std::vector<std::atomic<std::uint32_t>> passed(kKeys);
  in_threads([&](std::size_t) {
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      const auto call = call_on(key_number(i), every(seconds{1}, 2), at(hours{1}));
      const auto said = table.charge(call, [] { return std::uint64_t{1}; });
      passed[i] += said.conformance.conforms;
    }
  });
  EXPECT_EQ(table.overflows(), 0U);
  for (const auto& count : passed) ASSERT_EQ(count.load(), 2U);
}

}  // namespace
}  // namespace tidelimit::limiter
