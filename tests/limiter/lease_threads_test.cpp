// Real threads on the same few leases: under any interleaving never more than the limit are out at
// once, and none is lost.
#include <array>
#include <atomic>
#include <gtest/gtest.h>
#include <vector>

#include "base/random.hpp"
#include "limiter/lease_calls.hpp"
#include "limiter/threads.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::seconds;

TEST(LeaseThreads, NeverHoldMoreThanTheLimitAtOnce) {
  constexpr std::uint64_t kKeys = 40;  // of a region with 30 places: they come and go
  constexpr int kLimit = 3;
  LeaseRegion region(2 * 256);
  std::array<std::atomic<int>, kKeys> out{};
  std::atomic<int> given{0};
  const Instant now{hours{1}};
  in_threads([&](std::size_t thread) {
    Random random(thread + 1);
    std::vector<std::uint64_t> held;
    const auto give_back = [&] {
      const std::size_t i = random.below(held.size());
      --out[held[i]];
      EXPECT_EQ(region.release(lease_key(held[i]), now, now), Release::done);
      held[i] = held.back();
      held.pop_back();
    };
    for (int i = 0; i < 60'000; ++i) {
      const std::uint64_t number = random.below(kKeys);
      if (region.acquire(lease_key(number), kLimit, now).grant == Grant::given) {
        EXPECT_LE(++out[number], kLimit);
        held.push_back(number);
        ++given;
      }
      while (held.size() > 8 || (!held.empty() && random.chance(0.4))) give_back();
    }
    while (!held.empty()) give_back();
  });
  EXPECT_GT(given.load(), 10'000);
  EXPECT_EQ(region.live(now), 0U);
  for (std::uint64_t i = 0; i < kKeys; ++i)
    EXPECT_EQ(region.peek(lease_key(i), kLimit, now).in_flight, 0U) << i;
}

// A clock that all threads push on, each reading it early and using the reading late; leases that
// are never released. In any stretch of a timeout at most `limit` are given.
TEST(LeaseThreads, HoldTheBoundWhileTimeRuns) {
  constexpr std::uint64_t kKeys = 24;
  constexpr std::uint32_t kLimit = 3;
  constexpr Nanos kTimeout = seconds{3};
  constexpr Nanos kSkew = microseconds{50 * 64};
  LeaseRegion region(256);
  std::atomic<std::int64_t> clock_us{3'600'000'000};
  std::array<std::array<std::vector<Instant>, kKeys>, kThreads> given;
  in_threads([&](std::size_t thread) {
    Random random(thread + 1);
    for (int i = 0; i < 60'000; ++i) {
      const Instant now{microseconds{clock_us.fetch_add(50)}};
      const std::uint64_t number = random.below(kKeys);
      if (region.acquire(lease_key(number), kLimit, now).grant == Grant::given)
        given[thread][number].push_back(now);
    }
  });
  for (std::uint64_t number = 0; number < kKeys; ++number) {
    std::vector<Instant> all;
    for (const auto& mine : given) all.insert(all.end(), mine[number].begin(), mine[number].end());
    std::sort(all.begin(), all.end());
    for (std::size_t i = kLimit; i < all.size(); ++i)
      ASSERT_GE(all[i] - all[i - kLimit], kTimeout - kSkew) << "key " << number;
  }
}

}  // namespace
}  // namespace tidelimit::limiter
