// The lease region beside a slow obvious one, in virtual time: a list of leases, each with the time
// it was given.
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <vector>

#include "base/random.hpp"
#include "limiter/lease_calls.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Oracle {
  static constexpr Nanos kGeneration = seconds{1};

  std::vector<Instant>& live(std::uint64_t key, Instant now) {
    auto& leases = given[key];
    // A lease counts to the end of the third generation after its own.
    std::erase_if(leases, [&](Instant began) {
      return now.since_start / kGeneration - began.since_start / kGeneration >= 4;
    });
    return leases;
  }
  std::map<std::uint64_t, std::vector<Instant>> given;
};

TEST(LeaseOracle, TheRegionGivesAndRefusesAsAListWould) {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    LeaseRegion region(64 * 256);
    Oracle oracle;
    Instant now{hours{1}};
    for (int step = 0; step < 5000; ++step) {
      now = now + milliseconds{random.below(random.below(50) == 0 ? 6000 : 100)};
      const std::uint64_t number = random.below(20);
      const LeaseKey key = lease_key(number);
      const auto limit = static_cast<std::uint32_t>(1 + random.below(6));
      auto& leases = oracle.live(number, now);
      if (random.chance(0.6)) {
        const Leasing seen = region.peek(key, limit, now);
        const Leasing said = region.acquire(key, limit, now);
        ASSERT_EQ(seen.in_flight, leases.size()) << "seed " << seed << " step " << step;
        ASSERT_EQ(said.grant, seen.grant);
        ASSERT_EQ(said.grant == Grant::given, leases.size() < limit);
        if (said.grant == Grant::given) leases.push_back(now);
        ASSERT_EQ(said.in_flight, leases.size());
      } else if (leases.empty()) {
        ASSERT_NE(region.release(key, std::nullopt, now), Release::done);
      } else if (random.chance(0.5)) {
        ASSERT_EQ(region.release(key, std::nullopt, now), Release::done);
        leases.erase(std::min_element(leases.begin(), leases.end()));
      } else {
        const auto which =
            leases.begin() + static_cast<std::ptrdiff_t>(random.below(leases.size()));
        ASSERT_EQ(region.release(key, *which, now), Release::done);
        leases.erase(which);
      }
    }
  }
}

// What is promised: at no time are more than `limit` leases out that were given within the last
// timeout and not released, whatever release says of its time; and one that was given and is older
// than 4/3 of it stands in nobody's way.
TEST(LeaseOracle, NeverMoreThanTheLimitWithinTheTimeout) {
  constexpr Nanos kTimeout = seconds{3};
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    Random random(seed);
    LeaseRegion region(256);
    std::map<std::uint64_t, std::vector<Instant>> out;
    Instant now{hours{1}};
    for (int step = 0; step < 5000; ++step) {
      now = now + milliseconds{random.below(400)};
      const std::uint64_t number = random.below(10);
      const LeaseKey key = lease_key(number);
      constexpr std::uint32_t kLimit = 4;
      auto& leases = out[number];
      if (random.chance(0.6)) {
        const bool given = region.acquire(key, kLimit, now).grant == Grant::given;
        if (given) leases.push_back(now);
        const auto young = std::count_if(leases.begin(), leases.end(),
                                         [&](Instant began) { return now - began < kTimeout; });
        ASSERT_LE(young, kLimit) << "seed " << seed << " step " << step;
        const auto holding = std::count_if(leases.begin(), leases.end(), [&](Instant began) {
          return now - began <= kTimeout * 4 / 3;
        });
        ASSERT_TRUE(given || holding >= kLimit) << "seed " << seed << " step " << step;
      } else if (!leases.empty()) {
        const auto which =
            leases.begin() + static_cast<std::ptrdiff_t>(random.below(leases.size()));
        region.release(key, *which, now);
        leases.erase(which);
      }
    }
  }
}

}  // namespace
}  // namespace tidelimit::limiter
