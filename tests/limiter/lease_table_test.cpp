#include <gtest/gtest.h>

#include "limiter/lease_calls.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = at(hours{1});

class Leases : public ::testing::Test {
 protected:
  Grant take(const LeaseKey& key, std::uint32_t limit) {
    return region.acquire(key, limit, now).grant;
  }
  int taken(const LeaseKey& key, std::uint32_t limit, int tries) {
    int given = 0;
    for (int i = 0; i < tries; ++i) given += take(key, limit) == Grant::given;
    return given;
  }
  std::uint32_t in_flight(const LeaseKey& key) { return region.peek(key, 1, now).in_flight; }

  LeaseRegion region{16 * 256};
  LeaseKey key = lease_key(1);
  Instant now = kStart;
};

TEST_F(Leases, AreGivenUpToTheLimit) {
  EXPECT_EQ(taken(key, 5, 8), 5);
  const Leasing said = region.acquire(key, 5, now);
  EXPECT_EQ(said.grant, Grant::refused);
  EXPECT_EQ(said.in_flight, 5U);
  EXPECT_EQ(taken(lease_key(2), 3, 8), 3) << "another principal has its own";
}

TEST_F(Leases, AReleaseMakesRoomForOne) {
  EXPECT_EQ(taken(key, 2, 2), 2);
  EXPECT_EQ(region.release(key, std::nullopt, now), Release::done);
  EXPECT_EQ(taken(key, 2, 2), 1);
  EXPECT_EQ(in_flight(key), 2U);
}

TEST_F(Leases, AReleaseOfWhatIsNotHeldDoesNothing) {
  EXPECT_EQ(region.release(key, std::nullopt, now), Release::no_entry);
  EXPECT_EQ(taken(key, 2, 1), 1);
  EXPECT_EQ(region.release(key, now, now), Release::done);
  EXPECT_EQ(region.release(key, now, now), Release::no_lease);
  EXPECT_EQ(taken(key, 2, 3), 2);
}

TEST_F(Leases, HoldForTheTimeoutAndAtMostAThirdMore) {
  for (const Nanos into :
       {milliseconds{0}, milliseconds{1}, milliseconds{500}, milliseconds{999}}) {
    LeaseRegion fresh(kOneSet);
    ASSERT_EQ(fresh.acquire(key, 1, kStart + into).grant, Grant::given);
    EXPECT_EQ(fresh.peek(key, 1, kStart + into + seconds{3}).in_flight, 1U);
    EXPECT_EQ(fresh.peek(key, 1, kStart + seconds{4} - Nanos{1}).in_flight, 1U);
    EXPECT_EQ(fresh.peek(key, 1, kStart + seconds{4}).in_flight, 0U);
  }
}

TEST_F(Leases, AreReleasedInTheGenerationInWhichTheyBegan) {
  EXPECT_EQ(take(key, 9), Grant::given);  // whose end nobody tells
  now = kStart + seconds{2};
  EXPECT_EQ(taken(key, 9, 2), 2);
  EXPECT_EQ(region.release(key, now, now), Release::done);
  EXPECT_EQ(region.release(key, now, now), Release::done);
  EXPECT_EQ(in_flight(key), 1U);
  now = kStart + seconds{4};
  EXPECT_EQ(in_flight(key), 0U) << "the lost one ends by its timeout, not by those after it";
}

TEST_F(Leases, WithoutATimeTheOldestIsReleased) {
  EXPECT_EQ(take(key, 9), Grant::given);
  now = kStart + seconds{2};
  EXPECT_EQ(take(key, 9), Grant::given);
  EXPECT_EQ(region.release(key, std::nullopt, now), Release::done);
  now = kStart + seconds{4};
  EXPECT_EQ(in_flight(key), 1U);
}

TEST_F(Leases, ALateReleaseTakesNobodyElsesLease) {
  EXPECT_EQ(take(key, 1), Grant::given);
  now = kStart + seconds{4};
  EXPECT_EQ(take(key, 1), Grant::given);
  EXPECT_EQ(region.release(key, kStart, now), Release::no_lease);
  EXPECT_EQ(take(key, 1), Grant::refused);
}

TEST_F(Leases, AClockThatStepsBackALittleGrantsNothing) {
  EXPECT_EQ(taken(key, 2, 2), 2);
  for (const int back : {1, 16, 17, 100, 1024}) {
    now = kStart - seconds{back};
    EXPECT_EQ(take(key, 2), Grant::refused) << back;
  }
}

TEST_F(Leases, AFreshOneByALateClockHoldsNoLonger) {
  now = at(seconds{(1 << 23) - 3});  // just before the number of a generation comes round
  EXPECT_EQ(take(key, 1), Grant::given);
  now = now + seconds{4};
  EXPECT_EQ(take(key, 1), Grant::given);
  now = now + seconds{4};
  EXPECT_EQ(take(key, 1), Grant::given);
}

TEST_F(Leases, APeekTakesNothing) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(region.peek(key, 1, now).grant, Grant::given);
  EXPECT_EQ(region.live(now), 0U);
  EXPECT_EQ(take(key, 1), Grant::given);
  const Leasing said = region.peek(key, 1, now);
  EXPECT_EQ(said.grant, Grant::refused);
  EXPECT_EQ(said.in_flight, 1U);
  EXPECT_EQ(region.live(now), 1U);
}

TEST_F(Leases, OfDifferentTimeoutsAreApart) {
  const LeaseKey longer = lease_key(1, 10'000);
  EXPECT_EQ(take(key, 1), Grant::given);
  EXPECT_EQ(take(longer, 1), Grant::given);
  now = kStart + seconds{5};
  EXPECT_EQ(take(key, 1), Grant::given);
  EXPECT_EQ(take(longer, 1), Grant::refused);
}

TEST_F(Leases, OneGenerationHoldsAThousand) {
  EXPECT_EQ(taken(key, 2000, 2000), static_cast<int>(LeaseCounts::kMost));
  now = now + seconds{1};
  EXPECT_EQ(taken(key, 2000, 2000), 2000 - static_cast<int>(LeaseCounts::kMost));
}

TEST(LeaseRegionWithOneSet, GivesPlacesOfEndedLeasesAway) {
  LeaseRegion region(kOneSet);
  ASSERT_EQ(region.capacity(), 15U);
  for (std::uint64_t i = 0; i < 15; ++i)
    ASSERT_EQ(region.acquire(lease_key(i), 1, kStart).grant, Grant::given);
  EXPECT_EQ(region.acquire(lease_key(15), 1, kStart).grant, Grant::full);
  EXPECT_EQ(region.peek(lease_key(15), 1, kStart).grant, Grant::full);
  EXPECT_EQ(region.live(kStart), 15U);
  EXPECT_EQ(region.release(lease_key(7), std::nullopt, kStart), Release::done);
  EXPECT_EQ(region.acquire(lease_key(15), 1, kStart).grant, Grant::given);
  EXPECT_EQ(region.reclaimed(), 1U);
  const Instant later = kStart + seconds{4};
  EXPECT_EQ(region.live(later), 0U);
  for (std::uint64_t i = 20; i < 35; ++i)
    ASSERT_EQ(region.acquire(lease_key(i), 1, later).grant, Grant::given);
}

TEST(LeaseTableWhenFull, SharesTheCountOfANeighbourhoodAndCountsIt) {
  LeaseTable table(2 * kOneSet);  // one set, and one to spill
  const auto neighbours = [] { return lease_key(1000); };
  const auto take = [&](std::uint64_t number) {
    return table.acquire(lease_key(number), 2, kStart, neighbours);
  };
  for (std::uint64_t i = 0; i < 15; ++i) ASSERT_FALSE(take(i).overflow);
  EXPECT_EQ(table.overflows(), 0U);
  EXPECT_TRUE(take(20).overflow);
  EXPECT_EQ(take(21).grant, Grant::given);
  EXPECT_EQ(take(22).grant, Grant::refused) << "they share two";
  EXPECT_EQ(table.overflows(), 3U);
  EXPECT_TRUE(table.release(lease_key(21), std::nullopt, kStart, neighbours));
  EXPECT_EQ(take(22).grant, Grant::given);
}

TEST(LeaseTableWhenFull, RefusesWhereTheSharedPartIsFullToo) {
  LeaseTable table(2 * kOneSet);
  for (std::uint64_t i = 0; i < 15; ++i)
    ASSERT_EQ(table.acquire(lease_key(i), 1, kStart, [] { return lease_key(0); }).grant,
              Grant::given);
  int given = 0;
  for (std::uint64_t i = 100; i < 200; ++i) {
    const Leasing said = table.acquire(lease_key(i), 1, kStart, [&] { return lease_key(i); });
    EXPECT_NE(said.grant, Grant::full);
    given += said.grant == Grant::given;
  }
  EXPECT_EQ(given, 15);
}

}  // namespace
}  // namespace tidelimit::limiter
