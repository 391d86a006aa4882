// Limits outside of any plan: all or none, by GCRA and in windows, against slow obvious oracles.
#include "limiter/loose_limits.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>
#include <thread>
#include <vector>

#include "base/hash.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class LooseLimits : public testing::Test {
 protected:
  LooseLimit gcra(std::uint64_t key, std::uint64_t count, Hits hits = 1) {
    LooseLimit one;
    one.key = key;
    one.overflow_key = key;
    one.limit = gcra_limit(count, minutes{1});
    one.hits = hits;
    return one;
  }
  LooseLimit window(std::uint64_t key, std::uint64_t count, Nanos period, Hits hits = 1) {
    LooseLimit one = gcra(key, 1, hits);
    one.limit = window_limit(count, period);
    one.window_left = window_left(now, offset, period);
    return one;
  }
  bool charge(std::vector<LooseLimit> limits, std::uint64_t epoch = 1) {
    return charge_all(buckets, limits, epoch, now, answers);
  }
  [[nodiscard]] std::uint64_t left(std::size_t i) const { return answers[i].conformance.remaining; }

  BucketTable buckets{1 << 20};
  Nanos offset{0};
  Instant now{hours{1}};
  std::array<LooseAnswer, kLooseMax> answers;
};

TEST_F(LooseLimits, AllAreChargedOrNone) {
  ASSERT_TRUE(charge({gcra(1, 5), gcra(2, 2, 2)}));
  EXPECT_EQ(left(0), 4u);
  EXPECT_EQ(left(1), 0u);
  EXPECT_FALSE(charge({gcra(1, 5), gcra(2, 2)}));
  EXPECT_TRUE(answers[0].conformance.conforms);
  EXPECT_EQ(left(0), 4u) << "nothing was charged";
  EXPECT_FALSE(answers[1].conformance.conforms);
  EXPECT_EQ(answers[1].conformance.retry_after, seconds{30});
  EXPECT_TRUE(charge({gcra(1, 5, 0)}));
  EXPECT_EQ(left(0), 4u) << "nor by asking";
}

TEST_F(LooseLimits, EqualKeysAreOneBucketChargedWithTheMost) {
  ASSERT_TRUE(charge({gcra(1, 9), gcra(1, 9, 3), gcra(1, 9, 0)}));
  EXPECT_EQ(left(0), 6u);
  EXPECT_EQ(left(1), 6u);
  ASSERT_TRUE(charge({gcra(1, 9, 0)}));
  EXPECT_EQ(left(0), 6u);
}

TEST_F(LooseLimits, AllPassThatShareABucketOfWhichACallTakesTheLast) {
  std::uint64_t key = 0;
  for (const auto& [first, second] : {std::pair{1, 1}, {1, 2}, {2, 1}, {0, 2}, {2, 2}, {2, 0}})
    for (const bool windows : {false, true}) {
      const auto limit = [&](int hits) {
        return windows ? window(key, 2, hours{1}, static_cast<Hits>(hits))
                       : gcra(key, 2, static_cast<Hits>(hits));
      };
      ++key;
      if (std::max(first, second) == 1) {
        ASSERT_TRUE(charge({limit(1)}));
      }
      ASSERT_TRUE(charge({limit(first), limit(second)})) << first << " and " << second;
      for (const std::size_t i : {0, 1}) {
        const Conformance& said = answers[i].conformance;
        EXPECT_TRUE(said.conforms) << first << " and " << second << ", the " << i << "th";
        EXPECT_EQ(said.remaining, 0u);
        EXPECT_EQ(said.retry_after, Nanos{0});
        EXPECT_GT(said.reset_after, Nanos{0});
      }
      EXPECT_FALSE(charge({limit(1)}));
    }
}

TEST_F(LooseLimits, AWatchedOneHoldsBackNoOther) {
  LooseLimit watched = gcra(1, 1);
  watched.watched = true;
  ASSERT_TRUE(charge({watched, gcra(2, 5)}));
  ASSERT_TRUE(charge({watched, gcra(2, 5)}));
  EXPECT_FALSE(answers[0].conformance.conforms);
  EXPECT_EQ(left(1), 3u);
  EXPECT_TRUE(charge({watched}));
  EXPECT_FALSE(answers[0].conformance.conforms);
}

TEST_F(LooseLimits, NothingPassesALimitOfZero) {
  EXPECT_FALSE(charge({gcra(1, 0)}));
  EXPECT_FALSE(charge({window(2, 0, minutes{1})}));
  EXPECT_FALSE(charge({window(2, 0, minutes{1}), gcra(3, 5)}));
  ASSERT_TRUE(charge({gcra(3, 5, 0)}));
  EXPECT_EQ(left(0), 5u);
}

TEST_F(LooseLimits, ALoweredLimitHoldsAtOnceAndARaisedOneFrees) {
  ASSERT_TRUE(charge({gcra(1, 100, 90)}));
  EXPECT_FALSE(charge({gcra(1, 10, 2)}, 2));
  ASSERT_TRUE(charge({gcra(1, 1000, 1)}, 3));
  EXPECT_GT(left(0), 50u);
}

TEST_F(LooseLimits, AWindowEndsAtAWholeMultipleOfItsPeriod) {
  offset = seconds{-7};
  now = {hours{1} + seconds{50}};  // 43 s into a minute of that clock
  ASSERT_TRUE(charge({window(1, 3, minutes{1}, 3)}));
  EXPECT_EQ(left(0), 0u);
  EXPECT_EQ(answers[0].conformance.reset_after, seconds{17});
  EXPECT_FALSE(charge({window(1, 3, minutes{1})}));
  EXPECT_EQ(answers[0].conformance.retry_after, seconds{17});
  now = now + seconds{17} - Nanos{1};
  EXPECT_FALSE(charge({window(1, 3, minutes{1})}));
  now = now + Nanos{1};
  EXPECT_TRUE(charge({window(1, 3, minutes{1}, 3)}));
  EXPECT_FALSE(charge({window(1, 3, minutes{1})}));
}

/// Counts as a person would: a number for each window.
class WindowOracle {
 public:
  bool charge(std::uint64_t key, std::uint64_t count, Nanos period, Hits hits, Nanos at) {
    std::uint64_t& used = used_[{key, at / period}];
    if (used + hits > count) return false;
    used += hits;
    return true;
  }

 private:
  std::map<std::pair<std::uint64_t, std::int64_t>, std::uint64_t> used_;
};

RC_GTEST_FIXTURE_PROP(LooseLimits, AWindowCountsExactly, ()) {
  const auto count = *rc::gen::inRange<std::uint64_t>(1, 2000);
  const Nanos period = *rc::gen::element<Nanos>(seconds{1}, minutes{1}, hours{24 * 30});
  const auto steps =
      *rc::gen::container<std::vector<std::pair<std::uint32_t, std::uint32_t>>>(rc::gen::pair(
          rc::gen::inRange<std::uint32_t>(0, 1000), rc::gen::inRange<std::uint32_t>(1, 400)));
  WindowOracle oracle;
  for (const auto& [permille, hits] : steps) {
    now = now + period / 1000 * permille / 3;
    const std::uint64_t key = 1 + hits % 3;
    RC_ASSERT(charge({window(key, count, period, hits)}) ==
              oracle.charge(key, count, period, hits, now.since_start));
  }
}

// Windows of a second are not to make room by taking those of a day, nor the other way round.
TEST_F(LooseLimits, WindowsLiveInOneTableWithAllElse) {
  BucketTable small{16 << 10};  // about a thousand
  const auto ask = [&](const LooseLimit& one) {
    return charge_all(small, {&one, 1}, 1, now, answers);
  };
  ASSERT_TRUE(ask(window(1, 1, hours{24})));
  for (std::uint64_t key = 2; key < 3000; ++key) {
    now = now + milliseconds{20};
    static_cast<void>(ask(window(mix(key, 1), 1, seconds{1})));
    static_cast<void>(ask(gcra(mix(key, 2), 100)));
    ASSERT_FALSE(ask(window(1, 1, hours{24}))) << key;
  }
  EXPECT_EQ(small.overflows(), 0u) << "those of a second were given up after it";
}

TEST_F(LooseLimits, ASlowOneThatSharesAFullTablesBucketHoldsBackNoFastOne) {
  BucketTable full{128};  // eight places
  const auto ask = [&](LooseLimit one) {
    one.overflow_key = 7;
    return charge_all(full, {&one, 1}, 1, now, answers);
  };
  for (std::uint64_t key = 1; key < 20; ++key)
    static_cast<void>(ask(window(mix(key, 1), 1, hours{24})));
  ASSERT_GT(full.overflows(), 0u);
  EXPECT_TRUE(ask(gcra(mix(100, 1), 100)));
}

TEST_F(LooseLimits, ThreadsTogetherGetNoMoreThanTheLimit) {
  constexpr std::uint64_t kCount = 5000;
  std::atomic<std::uint64_t> passed{0};
  const auto work = [&] {
    std::array<LooseAnswer, kLooseMax> mine;
    const std::vector<LooseLimit> both{window(1, kCount, hours{24}), gcra(2, 2 * kCount)};
    for (int i = 0; i < 5000; ++i) passed += charge_all(buckets, both, 1, now, mine) ? 1 : 0;
  };
  std::thread a(work), b(work);
  a.join();
  b.join();
  EXPECT_LE(passed.load(), kCount);
  EXPECT_GE(passed.load(), kCount - 1) << "a lost race may take back one that stands";
  ASSERT_TRUE(charge({gcra(2, 2 * kCount, 0)}));
  EXPECT_LE(left(0), kCount + 1);
}

}  // namespace
}  // namespace tidelimit::limiter
