#include <gtest/gtest.h>
#include <string>

#include "tidelimit.h"

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

class CLeases : public ::testing::Test {
 protected:
  ~CLeases() override { tidelimit_leases_destroy(leases); }
  [[nodiscard]] tidelimit_lease lease_of(const std::string& key) const {
    tidelimit_lease lease{};
    lease.key = key.data();
    lease.key_size = key.size();
    lease.timeout_ns = 30 * kSecond;
    lease.limit = 2;
    return lease;
  }
  int acquire(const tidelimit_lease& lease) {
    return tidelimit_acquire(leases, &lease, now, &in_flight);
  }

  tidelimit_leases* leases = tidelimit_leases_create(1 << 16, 7);
  std::string alice = "alice";
  std::int64_t now = kSecond;
  std::uint32_t in_flight = 0;
};

TEST_F(CLeases, GiveUpToTheLimitAndTakeBack) {
  const tidelimit_lease lease = lease_of(alice);
  EXPECT_EQ(acquire(lease), TIDELIMIT_ALLOWED);
  EXPECT_EQ(in_flight, 1U);
  EXPECT_EQ(acquire(lease), TIDELIMIT_ALLOWED);
  EXPECT_EQ(acquire(lease), TIDELIMIT_DENIED);
  EXPECT_EQ(in_flight, 2U);
  EXPECT_EQ(tidelimit_release(leases, &lease, now, now), 1);
  EXPECT_EQ(acquire(lease), TIDELIMIT_ALLOWED);
  EXPECT_EQ(tidelimit_release(leases, &lease, -1, now), 1);
  EXPECT_EQ(tidelimit_release(leases, &lease, -1, now), 1);
  EXPECT_EQ(tidelimit_release(leases, &lease, -1, now), 0);
}

TEST_F(CLeases, EndByTheirTimeout) {
  const tidelimit_lease lease = lease_of(alice);
  EXPECT_EQ(acquire(lease), TIDELIMIT_ALLOWED);
  EXPECT_EQ(acquire(lease), TIDELIMIT_ALLOWED);
  now += 30 * kSecond - 1;
  EXPECT_EQ(acquire(lease), TIDELIMIT_DENIED);
  now += 10 * kSecond + 1;
  EXPECT_EQ(acquire(lease), TIDELIMIT_ALLOWED);
  EXPECT_EQ(tidelimit_release(leases, &lease, kSecond, now), 0) << "it ended before";
}

TEST_F(CLeases, CountInThirdsOfTheTimeoutButInNoLessThanAMillisecond) {
  tidelimit_lease lease = lease_of(alice);
  lease.limit = 1;
  lease.timeout_ns = 1'000'000;
  EXPECT_EQ(acquire(lease), TIDELIMIT_ALLOWED);
  now += 3'999'999;
  EXPECT_EQ(acquire(lease), TIDELIMIT_DENIED);
  lease.timeout_ns = 3'000'000;
  EXPECT_EQ(acquire(lease), TIDELIMIT_DENIED) << "the same count";
  now += 1;
  EXPECT_EQ(acquire(lease), TIDELIMIT_ALLOWED);
}

TEST_F(CLeases, GiveNothingToAReadingASecondEarlier) {
  tidelimit_lease lease = lease_of(alice);
  lease.limit = 1;
  lease.timeout_ns = 3'000'000;
  now = 10 * kSecond;
  EXPECT_EQ(acquire(lease), TIDELIMIT_ALLOWED);
  now -= kSecond;
  EXPECT_EQ(acquire(lease), TIDELIMIT_DENIED);
}

TEST_F(CLeases, AreReleasedWhereverTheyAreCounted) {
  tidelimit_leases_destroy(leases);
  leases = tidelimit_leases_create(512, 7);  // 15 places, and 15 to share
  for (int i = 0; i < 15; ++i) {
    const std::string key = "user-" + std::to_string(i);
    EXPECT_EQ(acquire(lease_of(key)), TIDELIMIT_ALLOWED);
  }
  const tidelimit_lease lease = lease_of(alice);
  EXPECT_EQ(acquire(lease), TIDELIMIT_ALLOWED);
  const std::string first = "user-0";
  const tidelimit_lease ended = lease_of(first);
  EXPECT_EQ(tidelimit_release(leases, &ended, now, now), 1);
  EXPECT_EQ(acquire(lease), TIDELIMIT_ALLOWED) << "in a place of its own";
  for (int i = 0; i < 2; ++i) EXPECT_EQ(tidelimit_release(leases, &lease, now, now), 1);
  EXPECT_EQ(tidelimit_release(leases, &lease, now, now), 0);
}

TEST_F(CLeases, RefuseWhatIsOutOfRange) {
  const tidelimit_lease good = lease_of(alice);
  const auto invalid = [&](auto&& change) {
    tidelimit_lease bad = good;
    change(bad);
    EXPECT_EQ(acquire(bad), TIDELIMIT_INVALID);
    EXPECT_EQ(tidelimit_release(leases, &bad, -1, now), TIDELIMIT_INVALID);
  };
  invalid([](tidelimit_lease& lease) { lease.limit = 0; });
  invalid([](tidelimit_lease& lease) { lease.limit = 1001; });
  invalid([](tidelimit_lease& lease) { lease.timeout_ns = 999'999; });
  invalid([](tidelimit_lease& lease) { lease.timeout_ns = 3001 * kSecond; });
  invalid([](tidelimit_lease& lease) { lease.reserved = 1; });
  invalid([](tidelimit_lease& lease) { lease.key = nullptr; });
  EXPECT_EQ(tidelimit_acquire(nullptr, &good, now, nullptr), TIDELIMIT_INVALID);
  EXPECT_EQ(tidelimit_acquire(leases, nullptr, now, nullptr), TIDELIMIT_INVALID);
  EXPECT_EQ(tidelimit_acquire(leases, &good, TIDELIMIT_NOW_MAX, nullptr), TIDELIMIT_INVALID);
  EXPECT_EQ(tidelimit_release(leases, &good, -2, now), TIDELIMIT_INVALID);
  EXPECT_EQ(tidelimit_leases_create(SIZE_MAX, 1), nullptr);
}

TEST_F(CLeases, WhenFullAGroupSharesItsCount) {
  tidelimit_leases_destroy(leases);
  leases = tidelimit_leases_create(512, 7);  // 15 places, and 15 to share
  int given = 0;
  for (int i = 0; i < 200; ++i) {
    const std::string key = "user-" + std::to_string(i);
    tidelimit_lease lease = lease_of(key);
    lease.group = 1;
    given += acquire(lease) == TIDELIMIT_ALLOWED;
  }
  EXPECT_EQ(given, 17);
}

}  // namespace
