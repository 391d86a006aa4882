// Whole decisions by real threads, while plans are switched and clocks step back: not more than the
// larger limit gives in any interval, not less than the smaller one gives in all.
#include <array>
#include <atomic>
#include <gtest/gtest.h>
#include <thread>

#include "base/random.hpp"
#include "limiter/gate_plan.hpp"
#include "limiter/interval_bound.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::size_t kThreads = 3;
constexpr std::uint64_t kUsers = 4;
constexpr int kCalls = 60'000;

// Odd generations hold the large limit, even ones half of it: the same tolerance.
const Limit kLarge{milliseconds{4}, 8};
const Limit kSmall = scaled(kLarge, 0.5);

std::shared_ptr<const Plan> plan_of(std::uint64_t generation) {
  Plan plan = open_plan();
  plan.generation = generation;
  set_limits(plan, kPayment, kStandard, generation % 2 == 1 ? kLarge : kSmall);
  return std::make_shared<Plan>(plan);
}

struct Seen {
  std::vector<Passed> passed;
  std::array<Nanos, kUsers> first{};  // the first reading that was used; 0: none
  std::array<Nanos, kUsers> last_denied{};
  std::uint64_t strange = 0;    // decisions that name another plan than they obeyed
  std::uint64_t backwards = 0;  // plans older than one seen before
  std::uint64_t newest = 0;     // plan
};

// All of it wants far more than the limits give, so no bucket drains. One thread switches plans
// too.
void demand(Limiter& limiter, std::atomic<std::int64_t>& clock_us, std::uint64_t seed,
            bool publishes, Seen& seen) {
  Worker worker{limiter};
  Random random(seed);
  for (int i = 0; i < kCalls; ++i) {
    if (publishes && i % 300 == 0)
      limiter.plan.publish(plan_of(2 + static_cast<std::uint64_t>(i) / 300));
    Nanos now = microseconds{clock_us.fetch_add(30)};
    if (random.below(32) == 0) now -= microseconds{random.below(20'000)};
    const std::uint64_t user = random.below(kUsers);
    Call call;
    call.client = v4_client(static_cast<std::uint32_t>(user));
    call.user = user + 1;
    call.endpoint = kPayment;
    call.tier = kStandard;
    const Decision said = worker.decide(call, Instant{now});
    seen.strange += !(said.limit == (said.plan_generation % 2 == 1 ? kLarge : kSmall));
    seen.backwards += said.plan_generation < seen.newest;
    seen.newest = std::max(seen.newest, said.plan_generation);
    auto& first = seen.first[user];
    first = first == Nanos{0} ? now : std::min(first, now);
    if (said.allowed)
      seen.passed.push_back({now, user, 1});
    else
      seen.last_denied[user] = std::max(seen.last_denied[user], now);
  }
}

TEST(ThreadsBounds, HoldFromAboveAndBelowWhilePlansSwitchAndClocksStepBack) {
  Limiter limiter{{.bucket_bytes = 1 << 16, .client_bytes = 1 << 14, .seed = 3}};
  limiter.plan.publish(plan_of(1));
  std::atomic<std::int64_t> clock_us{3'600'000'000};
  std::array<Seen, kThreads> seen;
  std::vector<std::thread> threads;
  for (std::size_t id = 0; id < kThreads; ++id)
    threads.emplace_back([&, id] { demand(limiter, clock_us, id + 1, id == 0, seen[id]); });
  for (std::thread& thread : threads) thread.join();

  std::vector<Passed> all;
  std::array<std::int64_t, kUsers> passes{};
  std::array<Nanos, kUsers> first{};
  std::array<Nanos, kUsers> last_denied{};
  std::uint64_t newest = 0;
  for (const Seen& mine : seen) {
    newest = std::max(newest, mine.newest);
    EXPECT_EQ(mine.strange, 0U);
    EXPECT_EQ(mine.backwards, 0U);
    all.insert(all.end(), mine.passed.begin(), mine.passed.end());
    for (const Passed& pass : mine.passed) ++passes[pass.key];
    for (std::size_t user = 0; user < kUsers; ++user) {
      if (mine.first[user] != Nanos{0})
        first[user] =
            first[user] == Nanos{0} ? mine.first[user] : std::min(first[user], mine.first[user]);
      last_denied[user] = std::max(last_denied[user], mine.last_denied[user]);
    }
  }
  EXPECT_GT(newest, 100U);
  // Whoever is denied at `now` found TAT > now + (burst - 1)*T; each pass raised the TAT by T of
  // the small limit at most, from no earlier than the first reading.
  for (std::size_t user = 0; user < kUsers; ++user) {
    const auto least = (last_denied[user] - first[user]) / kSmall.emission_interval +
                       static_cast<std::int64_t>(kSmall.burst) - 1;
    EXPECT_GT(last_denied[user] - first[user], std::chrono::seconds{1}) << user;
    EXPECT_GE(passes[user] + static_cast<std::int64_t>(kThreads), least) << user;
  }
  EXPECT_TRUE(within_bound(std::move(all), kLarge));
}

}  // namespace
}  // namespace tidelimit::limiter
