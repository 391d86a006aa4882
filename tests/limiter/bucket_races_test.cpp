// Lost races by force. This binary compiles the limiter with its sync points: at each, the hook may
// do what another thread would do there.
#include <array>
#include <gtest/gtest.h>
#include <map>
#include <semaphore>
#include <string>
#include <thread>

#include "base/random.hpp"
#include "limiter/bucket_calls.hpp"
#include "limiter/sync_point.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = at(seconds{100});

class BucketRaces : public ::testing::Test {
 protected:
  void TearDown() override { sync_point_hook = nullptr; }

  // At the `turn`-th passing of the point, once, with no further interruption.
  void once_at(std::string point, std::function<void()> what, int turn = 1) {
    sync_point_hook = [=, this, left = turn](const char* name) mutable {
      if (point != name || --left != 0) return;
      ++interruptions;
      const auto hook = std::exchange(sync_point_hook, nullptr);
      what();
      sync_point_hook = hook;
    };
  }
  Charge charge(const BucketCall& call) {
    Charge said;
    found = region.charge(call, said);
    return said;
  }
  int passes_of(const BucketCall& call, int tries) {
    return passes([&](const BucketCall& c) { return charge(c); }, call, tries);
  }

  BucketRegion region{128};  // two sets of four
  bool found = false;
  int interruptions = 0;
};

TEST_F(BucketRaces, AChargeThatLosesItsSwapIsJudgedAnew) {
  const auto call = call_on(2, every(seconds{1}, 3), kStart);
  EXPECT_TRUE(charge(call).conformance.conforms);
  once_at("before charging", [&] { EXPECT_EQ(passes_of(call, 5), 2); });
  EXPECT_FALSE(charge(call).conformance.conforms);
  EXPECT_EQ(interruptions, 1);
}

TEST_F(BucketRaces, AChargeThatLosesForEverIsDenied) {
  const auto call = call_on(2, every(seconds{1}, 100'000), kStart);
  EXPECT_TRUE(charge(call).conformance.conforms);
  int others = 0;
  sync_point_hook = [&](const char* name) {
    if (std::string_view(name) != "before charging") return;
    const auto hook = std::exchange(sync_point_hook, nullptr);
    others += charge(call).conformance.conforms;
    sync_point_hook = hook;
  };
  const Charge said = charge(call);
  EXPECT_TRUE(found);
  EXPECT_FALSE(said.conformance.conforms);
  EXPECT_EQ(said.conformance.retry_after, seconds{1});
  EXPECT_GE(others, 100);
}

TEST_F(BucketRaces, APlacementThatLosesToTheSameKeyChargesThatBucket) {
  const auto call = call_on(2, every(seconds{1}, 3), kStart);
  once_at("before placing", [&] { EXPECT_EQ(passes_of(call, 3), 3); });
  EXPECT_FALSE(charge(call).conformance.conforms);
  EXPECT_EQ(interruptions, 1);
}

TEST_F(BucketRaces, APlacementThatLosesToAnotherKeyLooksElsewhere) {
  const Limit limit = every(seconds{1}, 3);
  once_at("before placing", [&] { EXPECT_TRUE(charge(call_on(4, limit, kStart)).entry); });
  EXPECT_EQ(passes_of(call_on(2, limit, kStart), 5), 3);
  EXPECT_EQ(passes_of(call_on(4, limit, kStart), 5), 2);
  EXPECT_EQ(interruptions, 1);
}

TEST_F(BucketRaces, ABucketThatIsNotYetDecidedIsNotCopied) {
  const auto copied = [&] {
    std::array<KeptBucket, 16> out;
    std::size_t cursor = 0;
    return region.copy_later(kStart.since_start, cursor, out);
  };
  const auto call = call_on(2, every(seconds{1}, 3), kStart);
  once_at("placed", [&] { EXPECT_EQ(copied(), 0U); });
  EXPECT_TRUE(charge(call).conformance.conforms);
  EXPECT_EQ(copied(), 1U);
  EXPECT_EQ(interruptions, 1);
}

TEST_F(BucketRaces, WhoMeetsATentativeBucketSettlesIt) {
  const auto call = call_on(2, every(seconds{1}, 3), kStart);
  for (const char* point : {"placed", "before settling"}) {
    SCOPED_TRACE(point);
    interruptions = 0;
    BucketRegion fresh(128);
    const auto on_fresh = [&](const BucketCall& c) {
      Charge said;
      EXPECT_TRUE(fresh.charge(c, said));
      return said;
    };
    once_at(point, [&] { EXPECT_EQ(passes(on_fresh, call, 2), 2); });
    EXPECT_EQ(passes(on_fresh, call, 5), 1);
    EXPECT_EQ(interruptions, 1);
  }
}

TEST_F(BucketRaces, APeekAtATentativeBucketSaysWhatAFreshOneWould) {
  const auto call = call_on(2, every(seconds{1}, 3), kStart);
  once_at("placed", [&] {
    Charge said;
    EXPECT_TRUE(region.peek(call, said));
    EXPECT_EQ(said.conformance.remaining, 2U);
  });
  EXPECT_TRUE(charge(call).conformance.conforms);
  EXPECT_EQ(interruptions, 1);
}

// Places 0 and 1 of the first set: the first drains at 105 s, the second at 91 s; the others are
// live. So a call at 100 s takes the second, a call at 106 s the first.
class TwoVacancies : public BucketRaces {
 protected:
  static std::uint64_t key(std::uint64_t top) { return top << 56 | 2; }
  void SetUp() override {
    const Instant before = at(seconds{90});
    ASSERT_TRUE(charge(call_on(key(1), every(seconds{15}, 1), before)).entry);
    ASSERT_TRUE(charge(call_on(key(2), every(seconds{1}, 1), before)).entry);
    ASSERT_TRUE(charge(call_on(key(3), every(hours{1}, 1), before)).entry);
    ASSERT_TRUE(charge(call_on(key(4), every(hours{1}, 1), before)).entry);
  }
  const std::uint64_t kKey = key(9);
};

TEST_F(TwoVacancies, ASecondPlacementOfAKeyGivesItsPlaceBack) {
  const Limit limit = every(seconds{1}, 10);
  once_at("before placing", [&] {
    EXPECT_TRUE(charge(call_on(kKey, limit, at(seconds{106}), 10)).conformance.conforms);
  });
  EXPECT_FALSE(charge(call_on(kKey, limit, kStart)).conformance.conforms);
  EXPECT_EQ(interruptions, 1);
  EXPECT_EQ(passes_of(call_on(kKey, limit, at(seconds{107})), 5), 1);
}

// One thread searched before the other placed, and both place. The later in probe order loses,
// though it was placed first.
TEST_F(TwoVacancies, OfTwoTentativePlacementsTheEarlierInOrderStays) {
  const Limit limit = every(seconds{1}, 10);
  std::binary_semaphore searched{0};
  std::binary_semaphore placed{0};
  std::binary_semaphore settled{0};
  const auto main_thread = std::this_thread::get_id();
  sync_point_hook = [&](const char* name) {
    const bool mine = std::this_thread::get_id() == main_thread;
    if (mine && std::string_view(name) == "before placing") {
      searched.release();
      placed.acquire();
    } else if (!mine && std::string_view(name) == "placed") {
      placed.release();
      settled.acquire();
    }
  };
  Charge others;
  std::thread other([&] {
    searched.acquire();
    EXPECT_TRUE(region.charge(call_on(kKey, limit, kStart, 4), others));
  });
  const Charge mine = charge(call_on(kKey, limit, at(seconds{106}), 4));
  settled.release();
  other.join();
  sync_point_hook = nullptr;
  EXPECT_TRUE(mine.conformance.conforms);
  EXPECT_FALSE(others.conformance.conforms) << "it met the first four at a clock 6 s behind";
  EXPECT_EQ(passes_of(call_on(kKey, limit, at(seconds{106})), 20), 6);
}

// Between its search and its placement the thread sleeps; meanwhile the key is placed by another,
// spent, drained and reclaimed. The late placement must not start before what was spent.
TEST_F(TwoVacancies, AThreadThatSleptOverAWholeLifeOfTheBucketGainsNothing) {
  const Limit limit = every(seconds{1}, 10);
  once_at("before placing", [&] {
    EXPECT_TRUE(charge(call_on(kKey, limit, at(seconds{106}), 10)).conformance.conforms);
    EXPECT_TRUE(charge(call_on(key(8), every(hours{1}, 1), at(seconds{200}))).entry);
    EXPECT_EQ(region.reclaimed(), 2U);
  });
  EXPECT_FALSE(charge(call_on(kKey, limit, kStart)).conformance.conforms);
  EXPECT_EQ(interruptions, 1);
}

// Any call may be interrupted at any point by other calls, those again, four deep; the sum of what
// passes per key at one moment is its burst.
TEST_F(BucketRaces, RandomInterruptionsNeverPassMoreThanTheBurst) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Random random(seed);
    BucketRegion small(2 * 128);
    std::map<std::uint64_t, int> passed;
    int depth = 0;
    const auto call_any = [&] {
      const std::uint64_t number = random.below(10);
      const auto call = call_on(key_number(number), every(seconds{1}, 3), kStart);
      Charge said;
      if (small.charge(call, said) && said.conformance.conforms) ++passed[number];
    };
    sync_point_hook = [&](const char*) {
      if (depth >= 4) return;
      ++depth;
      while (random.chance(0.4)) call_any();
      --depth;
    };
    for (int i = 0; i < 200; ++i) call_any();
    sync_point_hook = nullptr;
    for (const auto& [number, count] : passed) ASSERT_LE(count, 3) << "seed " << seed;
    ASSERT_EQ(passed.size(), 10U) << "seed " << seed;
  }
}

// The same with real threads that give way at every point.
TEST_F(BucketRaces, ThreadsThatGiveWayAtEveryPointMakeOneBucketPerKey) {
  sync_point_hook = [](const char*) { std::this_thread::yield(); };
  for (int round = 0; round < 200; ++round) {
    BucketRegion small(4 * 128);
    std::array<std::atomic<int>, 16> passed{};
    const auto body = [&] {
      for (std::size_t i = 0; i < 64; ++i) {
        Charge said;
        const auto call = call_on(key_number(i % 16), every(seconds{1}, 3), kStart);
        if (small.charge(call, said)) passed[i % 16] += said.conformance.conforms;
      }
    };
    std::thread first(body);
    std::thread second(body);
    body();
    first.join();
    second.join();
    for (const auto& count : passed) ASSERT_EQ(count.load(), 3) << "round " << round;
  }
}

}  // namespace
}  // namespace tidelimit::limiter
