// The table takes equal 64-bit keys for one principal, and states the chance: n^2 / 2^65 for any
// pair among n. That holds if keys are as good as random; here it is measured on keys cut to fewer
// bits, where pairs do collide, for principals as regular as an attacker could choose them.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "base/hash.hpp"
#include "limiter/bucket_keys.hpp"
#include "limiter/gate_plan.hpp"

namespace tidelimit::limiter {
namespace {

constexpr std::size_t kPrincipals = 300'000;
constexpr unsigned kBits = 32;
constexpr std::uint64_t kSeed = 99;

std::size_t colliding_pairs(const std::vector<std::uint64_t>& keys, unsigned shift) {
  std::vector<std::uint32_t> cut;
  for (const std::uint64_t key : keys) cut.push_back(static_cast<std::uint32_t>(key >> shift));
  std::sort(cut.begin(), cut.end());
  std::size_t pairs = 0;
  for (std::size_t i = 1, equal = 0; i < cut.size(); ++i) {
    equal = cut[i] == cut[i - 1] ? equal + 1 : 0;
    pairs += equal;
  }
  return pairs;
}

class Collisions : public ::testing::Test {
 protected:
  void expect_random(const std::vector<std::uint64_t>& keys, const char* what) {
    const double n = static_cast<double>(keys.size());
    const double expected = n * (n - 1) / 2 / std::exp2(kBits);
    for (const unsigned shift : {0U, 16U, 32U}) {
      const auto pairs = static_cast<double>(colliding_pairs(keys, shift));
      EXPECT_NEAR(pairs, expected, 5 * std::sqrt(expected)) << what << ", shift " << shift;
    }
    std::vector<std::uint64_t> sorted = keys;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end()) << what;
  }
  std::uint64_t key(const ClientId& client, std::uint64_t user = 0, std::uint16_t endpoint = 0) {
    Call call;
    call.client = client;
    call.user = user;
    call.endpoint = EndpointId{endpoint};
    return BucketKeys(kSeed, call, mark_of(Plan{}, call.endpoint), call.tier).principal();
  }
  Limiter limiter{{.bucket_bytes = 1 << 16, .client_bytes = 1 << 16, .seed = kSeed}};
};

TEST_F(Collisions, AreAsRareAsStatedForUsersAndAddressesInARow) {
  std::vector<std::uint64_t> users;
  std::vector<std::uint64_t> v4;
  std::vector<std::uint64_t> v6;
  std::vector<std::uint64_t> endpoints;
  for (std::uint32_t i = 0; i < kPrincipals; ++i) {
    users.push_back(key({}, limiter.hash_user("user-" + std::to_string(i))));
    v4.push_back(key(v4_client(0x0a000000 + i)));
    v6.push_back(key({0x20010db800000000ULL + i, 0}));
    endpoints.push_back(
        key(v4_client(0x0a000000 + i / 100), 0, static_cast<std::uint16_t>(i % 100)));
  }
  expect_random(users, "users");
  expect_random(v4, "IPv4");
  expect_random(v6, "IPv6");
  expect_random(endpoints, "endpoints");
}

// Else a user id could be found whose bucket is that of a client, by one who had learned the seed
// of either.
TEST_F(Collisions, UsersAreHashedUnderASeedOfTheirOwn) {
  for (const char* user : {"ada", "12345678", "an id of more than sixteen bytes"})
    EXPECT_NE(limiter.hash_user(user), hash_bytes(user, kSeed)) << user;
}

// Multiplying by the constant of `mix` once made this /64 collide with that address, whatever the
// seed.
TEST_F(Collisions, CannotBeChosenWithoutTheSeed) {
  const ClientId v4 = v4_client(0xc0000201);
  const ClientId v6{v4.lo * 0x9e3779b97f4a7c15ULL, 0};
  for (std::uint64_t seed = 0; seed < 1000; ++seed)
    ASSERT_NE(hash_client(v4, seed), hash_client(v6, seed));
}

}  // namespace
}  // namespace tidelimit::limiter
