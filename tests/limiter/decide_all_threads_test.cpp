// Calls that stand or fall together, by real threads over the same buckets.
#include <array>
#include <atomic>
#include <gtest/gtest.h>
#include <vector>

#include "base/random.hpp"
#include "limiter/gate_plan.hpp"
#include "limiter/interval_bound.hpp"
#include "limiter/threads.hpp"

namespace tidelimit::limiter {
namespace {

constexpr std::uint32_t kClients = 6;

class DecideAllThreads : public GateTest {
 protected:
  // Two to four clients at one endpoint, in any order, some of them twice.
  static std::vector<Call> any_calls(Random& random) {
    std::vector<Call> calls(2 + random.below(3));
    for (Call& call : calls) {
      call.client = v4_client(0xc0000200 + static_cast<std::uint32_t>(random.below(kClients)));
      call.endpoint = kPayment;
      call.tier = kStandard;
      call.hits = static_cast<Hits>(1 + random.below(2));
    }
    return calls;
  }
  // What the call took of each client's bucket: the most of its calls.
  static std::vector<Hits> taken(const std::vector<Call>& calls) {
    std::vector<Hits> hits(kClients, 0);
    for (const Call& call : calls) {
      Hits& most = hits[call.client.lo & 0xff];
      most = std::max(most, call.hits);
    }
    return hits;
  }
};

TEST_F(DecideAllThreads, NeverPassMoreThanTheLimitsWhileTimeRuns) {
  const Limit limit = per_minute(60'000, 5);
  set_limits(plan, kPayment, kStandard, limit);
  publish();
  std::atomic<std::int64_t> clock_us{3'600'000'000};
  std::array<std::vector<Passed>, kThreads> passes;
  in_threads([&](std::size_t thread) {
    Worker mine{limiter};
    Random random(thread + 1);
    std::array<Decision, 8> said;
    for (int i = 0; i < 60'000; ++i) {
      const Nanos at = std::chrono::microseconds{clock_us.fetch_add(100)};
      const auto calls = any_calls(random);
      if (!mine.decide_all(calls, Instant{at}, said)) continue;
      const auto hits = taken(calls);
      for (std::uint32_t client = 0; client < kClients; ++client)
        if (hits[client] != 0) passes[thread].push_back({at, client, hits[client]});
    }
  });
  std::vector<Passed> all;
  for (const auto& each : passes) all.insert(all.end(), each.begin(), each.end());
  EXPECT_GT(all.size(), 10'000U);
  EXPECT_TRUE(within_bound(all, limit));
}

// At one moment a bucket only fills. What was taken back must be there again: with every thread
// done, no bucket holds more than what passed, but for charges on which another thread built.
TEST_F(DecideAllThreads, LeaveRoomThatOneCanStillTake) {
  constexpr std::uint64_t kBurst = 40'000;
  set_limits(plan, kPayment, kStandard, per_minute(60, kBurst));
  publish();
  std::array<std::atomic<std::uint64_t>, kClients> passed{};
  in_threads([&](std::size_t thread) {
    Worker mine{limiter};
    Random random(thread + 1);
    std::array<Decision, 8> said;
    for (int i = 0; i < 60'000; ++i) {
      const auto calls = any_calls(random);
      if (!mine.decide_all(calls, now, said)) continue;
      const auto hits = taken(calls);
      for (std::uint32_t client = 0; client < kClients; ++client) passed[client] += hits[client];
    }
  });
  for (std::uint32_t i = 0; i < kClients; ++i) {
    client = v4_client(0xc0000200 + i);
    const std::uint64_t left = peek(call()).remaining;
    EXPECT_LE(passed[i] + left, kBurst);
    EXPECT_GE(passed[i] + left, kBurst - 4 * kThreads)
        << "at most one call of each thread in doubt";
  }
}

}  // namespace
}  // namespace tidelimit::limiter
