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

TEST_F(LooseLimits, ADeniedCallMayTakeWhatIsLeft) {
  const auto rest = [&](std::uint64_t key, Hits hits) {
    LooseLimit one = window(key, 10, minutes{1}, hits);
    one.excess = Excess::rest;
    return one;
  };
  EXPECT_FALSE(charge({rest(1, 11)})) << "of a bucket that nobody has used yet";
  EXPECT_FALSE(charge({rest(1, 1)}));
  ASSERT_TRUE(charge({rest(2, 7)}));
  EXPECT_FALSE(charge({rest(2, 4)}));
  EXPECT_EQ(left(0), 0u);
  EXPECT_FALSE(charge({rest(2, 1)}));
  ASSERT_TRUE(charge({rest(3, 7)}));
  EXPECT_FALSE(charge({rest(3, 4), rest(4, 4)}));
  EXPECT_FALSE(charge({rest(3, 1)})) << "beside another one, too";
  ASSERT_TRUE(charge({rest(4, 10)})) << "which is charged nothing";
  LooseLimit watched = rest(5, 11);
  watched.watched = true;
  ASSERT_TRUE(charge({watched, rest(6, 1)}));
  EXPECT_FALSE(charge({rest(5, 1)})) << "and where it denies nobody, as where it does";
  now = now + minutes{1};
  EXPECT_TRUE(charge({rest(2, 10)})) << "of that window alone";
}

TEST_F(LooseLimits, ADeniedCallMayRunIntoDebt) {
  const auto debt = [&](Hits hits) {
    LooseLimit one = gcra(1, 60, hits);  // one a second
    one.excess = Excess::debt;
    return one;
  };
  ASSERT_TRUE(charge({debt(50)}));
  EXPECT_FALSE(charge({debt(30)}));
  EXPECT_EQ(answers[0].conformance.retry_after, seconds{50}) << "20 owed, then 30";
  EXPECT_FALSE(charge({debt(30)})) << "nothing is left: no more is charged";
  EXPECT_EQ(answers[0].conformance.retry_after, seconds{50});
  EXPECT_FALSE(charge({gcra(1, 60)}));
  EXPECT_EQ(answers[0].conformance.retry_after, seconds{21});
  now = now + seconds{21};
  EXPECT_FALSE(charge({debt(1000)})) << "at most a whole unit is owed";
  EXPECT_FALSE(charge({gcra(1, 60)}));
  EXPECT_EQ(answers[0].conformance.retry_after, seconds{61});
}

// So that a cost told when a response is done limits as well as one that is told before.
TEST_F(LooseLimits, CostsToldAfterwardsKeepToTheRate) {
  Hits used = 0;
  for (int second = 0; second < 3600; ++second, now = now + seconds{1}) {
    LooseLimit asks = gcra(1, 60, 0);
    if (!charge({asks})) continue;
    asks.hits = 50;
    asks.excess = Excess::debt;
    static_cast<void>(charge({asks}));
    used += 50;
  }
  EXPECT_NEAR(used, 3600 + 60, 50);
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

TEST_F(LooseLimits, AWindowsCountStaysWhatItIsWhereTheLimitMoves) {
  ASSERT_TRUE(charge({window(1, 1000, hours{24}, 800)}));
  ASSERT_TRUE(charge({window(1, 5000, hours{24}, 0)}, 2));
  EXPECT_EQ(left(0), 4200u);
  ASSERT_TRUE(charge({window(2, 100, hours{24}, 3)}));
  EXPECT_FALSE(charge({window(2, 3, hours{24})}));
  EXPECT_FALSE(charge({window(1, 500, hours{24})}, 3));
  EXPECT_FALSE(charge({window(1, 500, hours{24})}, 3));
}

TEST_F(LooseLimits, AWholeUnitIsBackAfterAUnit) {
  for (const std::uint64_t count : {7, 11, 13, 17, 100, 700}) {
    LooseLimit one = gcra(count, count, static_cast<Hits>(count));
    one.limit = gcra_limit(count, hours{1});
    ASSERT_TRUE(charge({one}));
    EXPECT_LE(answers[0].conformance.reset_after, hours{1}) << count;
    EXPECT_GT(answers[0].conformance.reset_after, hours{1} - milliseconds{1}) << count;
  }
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
