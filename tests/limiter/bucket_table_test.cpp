#include "limiter/bucket_table.hpp"

#include <gtest/gtest.h>
#include <vector>

#include "limiter/bucket_calls.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::size_t kBytes = 64 * 1024;
constexpr Instant kStart = at(hours{1});

class BucketTableTest : public ::testing::Test {
 protected:
  Charge charge(const BucketCall& call, std::uint64_t overflow_key = 1) {
    return table.charge(call, [&] { return overflow_key; });
  }
  Charge peek(const BucketCall& call) {
    return table.peek(call, [] { return std::uint64_t{1}; });
  }
  int passes_of(const BucketCall& call, int tries) {
    return passes([&](const BucketCall& c) { return charge(c); }, call, tries);
  }
  // One hit each of `count` fresh keys from number `first` on.
  void flood(std::uint64_t first, std::uint64_t count, const Limit& limit, Instant now) {
    for (std::uint64_t i = first; i < first + count; ++i)
      static_cast<void>(charge(call_on(key_number(i), limit, now), key_number(~i)));
  }

  BucketTable table{kBytes};
};

TEST_F(BucketTableTest, SpendsSixteenBytesOnAKey) {
  EXPECT_GE(table.capacity() * 16, kBytes - 256);
  EXPECT_LE(table.capacity() * 16, kBytes);
}

TEST_F(BucketTableTest, GivesEveryKeyABucketOfItsOwn) {
  const Limit limit = every(minutes{1}, 2);
  const auto keys = table.capacity() / 2;
  for (std::uint64_t i = 0; i < keys; ++i)
    ASSERT_EQ(passes_of(call_on(key_number(i), limit, kStart), 3), 2) << i;
  EXPECT_EQ(table.overflows(), 0U);
  EXPECT_EQ(table.reclaimed(), 0U);
  EXPECT_EQ(table.live(kStart), keys);
  EXPECT_EQ(table.live(kStart + minutes{2}), 0U);
}

TEST_F(BucketTableTest, EvictsNoLiveBucketHoweverManyKeysCome) {
  const Limit limit = every(hours{1}, 1);
  flood(0, table.capacity() * 4, limit, kStart);
  EXPECT_EQ(table.reclaimed(), 0U);
  EXPECT_GT(table.overflows(), table.capacity());
  for (std::uint64_t i = 0; i < 1000; ++i)
    ASSERT_EQ(passes_of(call_on(key_number(i), limit, kStart + minutes{59}), 1), 0) << i;
}

TEST_F(BucketTableTest, ReclaimsDrainedBuckets) {
  const Limit limit = every(seconds{1}, 1);
  flood(0, table.capacity() * 4, limit, kStart);
  const auto overflows = table.overflows();
  flood(1'000'000, table.capacity() / 2, limit, kStart + seconds{2});
  EXPECT_EQ(table.overflows(), overflows);
  EXPECT_GT(table.reclaimed(), table.capacity() / 4);
}

TEST_F(BucketTableTest, LetsNewcomersOfAFullTableShareTheBucketOfTheirNeighbourhood) {
  const Limit limit = every(hours{1}, 3);
  flood(0, table.capacity() * 20, limit, kStart);
  int passed = 0;
  int shared = 0;
  for (std::uint64_t i = 0; i < 20; ++i) {
    const Charge said = charge(call_on(key_number(1'000'000 + i), limit, kStart), key_number(7));
    shared += said.overflow;
    passed += said.overflow && said.conformance.conforms;
  }
  EXPECT_GT(shared, 10);
  EXPECT_LE(passed, 3);
}

TEST_F(BucketTableTest, BoundsWhatNewcomersGetWhenEvenTheSharedBucketsRunOut) {
  const Limit limit = every(hours{1}, 3);
  flood(0, table.capacity() * 20, limit, kStart);
  const auto before = table.overflows();
  int passed = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const auto key = key_number(1'000'000 + i);
    const Charge said = charge(call_on(key, limit, kStart), key_number(2'000'000 + i));
    passed += said.conformance.conforms;
    ASSERT_TRUE(said.overflow || said.conformance.conforms);
  }
  EXPECT_GT(table.overflows(), before + 19'000);
  EXPECT_LE(passed, static_cast<int>(table.capacity() / 64 * 3 + 100));
}

// The principals drained their buckets, so their places could be given away without loss. But then
// they would come back to a full table and share a bucket with the flood.
TEST_F(BucketTableTest, KeepsThePlacesOfKnownPrincipalsUnderAFlood) {
  const Limit limit = every(milliseconds{100}, 10);
  const std::uint64_t principals = table.capacity() / 10;
  Instant now = kStart;
  const auto all_call = [&] {
    int shared = 0;
    for (std::uint64_t i = 0; i < principals; ++i)
      shared += charge(call_on(key_number(i), limit, now)).overflow;
    return shared;
  };
  EXPECT_EQ(all_call(), 0);
  now = now + seconds{5};
  EXPECT_EQ(all_call(), 0);
  for (int round = 0; round < 5; ++round) {
    now = now + seconds{10};
    flood(1'000'000 + static_cast<std::uint64_t>(round) * 100'000, table.capacity() * 4,
          every(hours{1}, 1), now);
    EXPECT_EQ(all_call(), 0) << "round " << round;
  }
  EXPECT_GT(table.overflows(), table.capacity() * 10);
}

TEST_F(BucketTableTest, DoesNotLetDrainedPrincipalsFillTheTableForGood) {
  const Limit limit = every(milliseconds{100}, 10);
  flood(0, table.capacity() * 2, limit, kStart);
  flood(0, table.capacity() * 2, limit, kStart + milliseconds{150});  // all come twice
  const auto before = table.overflows();
  flood(1'000'000, table.capacity() / 4, limit, kStart + seconds{2});
  EXPECT_LT(table.overflows() - before, table.capacity() / 4 / 50);
}

TEST_F(BucketTableTest, PeeksWithoutMakingOrCharging) {
  const Limit limit = every(seconds{1}, 2);
  const BucketCall ask = call_on(key_number(1), limit, kStart, 0);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(peek(ask).conformance.remaining, 2U);
  EXPECT_EQ(table.live(kStart), 0U);
  EXPECT_EQ(passes_of(call_on(key_number(1), limit, kStart), 5), 2);
  EXPECT_FALSE(peek(ask).conformance.conforms);
  EXPECT_EQ(peek(ask).conformance.retry_after, seconds{1});
}

TEST_F(BucketTableTest, TakesAChargeBackUnlessSomebodyCameBetween) {
  const Limit limit = every(seconds{1}, 2);
  const BucketCall one = call_on(key_number(1), limit, kStart);
  const Charge first = charge(one);
  BucketTable::undo(first);
  EXPECT_EQ(peek(one).conformance.remaining, 1U);  // of two, were this one charged
  const Charge second = charge(one);
  static_cast<void>(charge(one));
  BucketTable::undo(second);
  EXPECT_FALSE(peek(one).conformance.conforms);
  BucketTable::undo(Charge{});
}

TEST_F(BucketTableTest, ChargesSeveralHitsOrNone) {
  const Limit limit = every(seconds{1}, 10);
  EXPECT_FALSE(charge(call_on(key_number(1), limit, kStart, 11)).conformance.conforms);
  EXPECT_TRUE(charge(call_on(key_number(1), limit, kStart, 7)).conformance.conforms);
  EXPECT_FALSE(charge(call_on(key_number(1), limit, kStart, 4)).conformance.conforms);
  EXPECT_TRUE(charge(call_on(key_number(1), limit, kStart, 3)).conformance.conforms);
}

// At two minutes the first buckets are given away; a worker whose clock reads an earlier time must
// not find those principals fresh.
TEST_F(BucketTableTest, GrantsNothingToAClockThatReadsEarlierThanAReclaim) {
  const Limit limit = every(seconds{1}, 10);
  const std::uint64_t count = 64;
  for (std::uint64_t i = 0; i < count; ++i)
    ASSERT_EQ(passes_of(call_on(key_number(i), limit, kStart), 20), 10);
  flood(1'000'000, table.capacity() * 4, every(hours{1}, 1), kStart + minutes{2});
  EXPECT_GT(table.reclaimed(), count / 2);
  for (std::uint64_t i = 0; i < count; ++i) {
    const BucketCall late = call_on(key_number(i), limit, kStart + seconds{4});
    EXPECT_LE(passes_of(late, 20), 4) << i;
  }
}

TEST_F(BucketTableTest, ClampsABucketOnItsFirstUseUnderNewBaseLimits) {
  BucketCall call = call_on(key_number(1), every(minutes{1}, 10), kStart, 10);
  call.epoch = 3;
  ASSERT_TRUE(charge(call).conformance.conforms);
  call.limit = every(seconds{1}, 10);  // raised sixty times
  call.hits = 1;
  EXPECT_EQ(charge(call).conformance.retry_after, minutes{9} + seconds{51});
  call.epoch = 4;
  EXPECT_EQ(charge(call).conformance.retry_after, seconds{1});
  call.now = kStart + seconds{1};
  EXPECT_TRUE(charge(call).conformance.conforms);
  EXPECT_FALSE(charge(call).conformance.conforms) << "clamped once, not at each call";
}

TEST_F(BucketTableTest, ClampsABucketThatSleptOverManyChanges) {
  for (std::uint64_t later = 1; later <= 13; ++later) {
    BucketCall call = call_on(key_number(later), every(hours{1}, 10), kStart, 10);
    call.epoch = 5;
    ASSERT_TRUE(charge(call).conformance.conforms);
    call.limit = every(seconds{1}, 10);
    call.hits = 1;
    call.epoch = 5 + later;
    call.now = kStart + seconds{1};
    EXPECT_EQ(charge(call).conformance.retry_after, seconds{1}) << later;
  }
}

TEST_F(BucketTableTest, IgnoresTheEpochOfAWorkerThatStillHoldsAnOlderPlan) {
  BucketCall call = call_on(key_number(1), every(minutes{1}, 10), kStart, 10);
  call.epoch = 8;
  ASSERT_TRUE(charge(call).conformance.conforms);
  call.limit = every(seconds{1}, 10);
  call.hits = 1;
  call.epoch = 7;
  EXPECT_GT(charge(call).conformance.retry_after, minutes{9});
  call.epoch = 8;
  EXPECT_GT(charge(call).conformance.retry_after, minutes{9});
}

TEST_F(BucketTableTest, StartsAnAbsentBucketFromItsFloor) {
  BucketCall call = call_on(key_number(1), every(seconds{1}, 10), kStart);
  call.floor = kStart.since_start + seconds{6};
  EXPECT_EQ(passes_of(call, 20), 4);
}

}  // namespace
}  // namespace tidelimit::limiter
