// Lost races by force. This binary compiles the lease region with its sync points: at each, the
// hook may do what another thread would do there.
#include <array>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <thread>

#include "base/random.hpp"
#include "limiter/lease_calls.hpp"
#include "limiter/sync_point.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr Instant kStart = at(hours{1});

class LeaseRaces : public ::testing::Test {
 protected:
  void TearDown() override { sync_point_hook = nullptr; }

  // At the first passing of the point, once, with no further interruption.
  void once_at(std::string point, std::function<void()> what) {
    interruptions = 0;
    sync_point_hook = [=, this](const char* name) {
      if (point != name || interruptions != 0) return;
      ++interruptions;
      const auto hook = std::exchange(sync_point_hook, nullptr);
      what();
      sync_point_hook = hook;
    };
  }
  Grant take(std::uint64_t number, std::uint32_t limit) {
    return region.acquire(lease_key(number), limit, kStart).grant;
  }
  int taken(std::uint64_t number, std::uint32_t limit, int tries) {
    int given = 0;
    for (int i = 0; i < tries; ++i) given += take(number, limit) == Grant::given;
    return given;
  }

  LeaseRegion region{kOneSet};
  int interruptions = 0;
};

constexpr std::array kPlacing{"before searching", "before placing", "placed", "before settling"};

TEST_F(LeaseRaces, AKeyThatAnotherPlacesMeanwhileIsCountedOnce) {
  std::uint64_t number = 0;
  for (const char* point : kPlacing) {
    SCOPED_TRACE(point);
    ++number;
    once_at(point, [&] { EXPECT_EQ(taken(number, 3, 5), 3); });
    EXPECT_EQ(take(number, 3), Grant::refused);
    EXPECT_EQ(interruptions, 1);
    sync_point_hook = nullptr;
    EXPECT_EQ(region.peek(lease_key(number), 3, kStart).in_flight, 3U);
  }
}

TEST_F(LeaseRaces, APlacementThatAnotherKeyTookLooksElsewhere) {
  std::uint64_t number = 0;
  for (const char* point : kPlacing) {
    SCOPED_TRACE(point);
    number += 2;
    once_at(point, [&] { EXPECT_EQ(taken(number + 1, 1, 3), 1); });
    EXPECT_EQ(taken(number, 1, 3), 1);
    EXPECT_EQ(taken(number + 1, 1, 3), 0);
    EXPECT_EQ(interruptions, 1);
  }
}

TEST_F(LeaseRaces, ALeaseThatLosesItsSwapIsJudgedAnew) {
  EXPECT_EQ(take(1, 2), Grant::given);
  once_at("before leasing", [&] { EXPECT_EQ(take(1, 2), Grant::given); });
  EXPECT_EQ(take(1, 2), Grant::refused);
  EXPECT_EQ(interruptions, 1);
}

TEST_F(LeaseRaces, AReleaseThatLosesItsSwapIsDoneAnew) {
  EXPECT_EQ(taken(1, 3, 2), 2);
  once_at("before releasing", [&] { EXPECT_EQ(take(1, 3), Grant::given); });
  EXPECT_EQ(region.release(lease_key(1), kStart, kStart), Release::done);
  EXPECT_EQ(interruptions, 1);
  EXPECT_EQ(region.peek(lease_key(1), 3, kStart).in_flight, 2U);
}

TEST_F(LeaseRaces, ALeaseThatLosesForEverIsRefused) {
  EXPECT_EQ(take(1, 1000), Grant::given);
  int others = 0;
  sync_point_hook = [&](const char* name) {
    if (std::string_view(name) != "before leasing") return;
    const auto hook = std::exchange(sync_point_hook, nullptr);
    others += take(1, 1000) == Grant::given;
    sync_point_hook = hook;
  };
  EXPECT_EQ(take(1, 1000), Grant::refused);
  EXPECT_GE(others, 100);
}

// A thread that sleeps after its placement was accepted: whoever comes settles it, and it counts
// what was given meanwhile.
TEST_F(LeaseRaces, AnAcceptedPlacementIsSettledByWhoeverComes) {
  once_at("before settling", [&] {
    EXPECT_EQ(taken(2, 1, 2), 1) << "another key moves the turn on";
    EXPECT_EQ(taken(1, 2, 2), 2);
    EXPECT_EQ(region.release(lease_key(1), kStart, kStart), Release::done);
  });
  EXPECT_EQ(take(1, 2), Grant::given);
  EXPECT_EQ(take(1, 2), Grant::refused);
  EXPECT_EQ(interruptions, 1);
}

// It slept for so long that its place went through other hands.
TEST_F(LeaseRaces, AThreadThatSleptOverAWholeLifeOfTheEntryDoublesNothing) {
  for (const char* point : kPlacing) {
    SCOPED_TRACE(point);
    LeaseRegion fresh(kOneSet);
    const auto give = [&](std::uint64_t number, Instant now) {
      return fresh.acquire(lease_key(number), 1, now).grant;
    };
    once_at(point, [&] {
      EXPECT_EQ(give(1, kStart), Grant::given);
      const Instant later = kStart + seconds{4};
      for (std::uint64_t i = 10; i < 25; ++i) EXPECT_EQ(give(i, later), Grant::given);
      EXPECT_EQ(give(1, later), Grant::full);
      EXPECT_EQ(fresh.release(lease_key(12), later, later), Release::done);
      EXPECT_EQ(give(1, later), Grant::given);
    });
    EXPECT_EQ(give(1, kStart + seconds{4}), Grant::refused);
    EXPECT_EQ(interruptions, 1);
  }
}

// Any call may be interrupted at any point by other calls, those again, four deep; what is out per
// key is never above the limit, and none is lost.
TEST_F(LeaseRaces, RandomInterruptionsNeverGiveMoreThanTheLimit) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Random random(seed);
    LeaseRegion small(kOneSet);
    std::map<std::uint64_t, int> out;
    int depth = 0;
    bool over = false;
    const auto call_any = [&] {
      const std::uint64_t number = random.below(20);  // of 15 places
      const LeaseKey key = lease_key(number);
      if (random.chance(0.55)) {
        if (small.acquire(key, 2, kStart).grant == Grant::given) over = over || ++out[number] > 2;
      } else if (out[number] > 0) {
        --out[number];
        if (small.release(key, kStart, kStart) != Release::done) over = true;
      }
    };
    sync_point_hook = [&](const char*) {
      if (depth >= 4) return;
      ++depth;
      while (random.chance(0.3)) call_any();
      --depth;
    };
    for (int i = 0; i < 300; ++i) call_any();
    sync_point_hook = nullptr;
    ASSERT_FALSE(over) << "seed " << seed;
    for (const auto& [number, count] : out)
      ASSERT_EQ(small.peek(lease_key(number), 2, kStart).in_flight,
                static_cast<std::uint32_t>(count))
          << "seed " << seed;
  }
}

// The same with real threads that give way at every point.
TEST_F(LeaseRaces, ThreadsThatGiveWayAtEveryPointMakeOneCountPerKey) {
  sync_point_hook = [](const char*) { std::this_thread::yield(); };
  for (int round = 0; round < 60; ++round) {
    LeaseRegion small(kOneSet);
    std::array<std::atomic<int>, 12> given{};
    const auto body = [&] {
      for (std::uint64_t i = 0; i < 48; ++i)
        given[i % 12] += small.acquire(lease_key(i % 12), 3, kStart).grant == Grant::given;
    };
    std::thread first(body);
    std::thread second(body);
    body();
    first.join();
    second.join();
    for (const auto& count : given) ASSERT_EQ(count.load(), 3) << "round " << round;
  }
}

}  // namespace
}  // namespace tidelimit::limiter
