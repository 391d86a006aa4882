#include "base/siphash.hpp"

#include <gtest/gtest.h>
#include <numeric>
#include <string>

namespace tidelimit {
namespace {

std::string counting(std::size_t size) {
  std::string bytes(size, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  return bytes;
}

// vectors.h of the reference implementation (veorq/SipHash): key 00 01 … 0f, input 00 01 … of each
// length; the one of 15 bytes stands in appendix A of the paper.
TEST(SipHash, GivesTheReferenceVectors) {
  const SipKey key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
  EXPECT_EQ(siphash(key, counting(0)), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(siphash(key, counting(1)), 0x74f839c593dc67fdu);
  EXPECT_EQ(siphash(key, counting(7)), 0xab0200f58b01d137u);
  EXPECT_EQ(siphash(key, counting(8)), 0x93f5f5799a932462u);
  EXPECT_EQ(siphash(key, counting(9)), 0x9e0082df0ba9e4b0u);
  EXPECT_EQ(siphash(key, counting(15)), 0xa129ca6149be45e5u);
  EXPECT_EQ(siphash(key, counting(63)), 0x958a324ceb064572u);
}

TEST(SipHash, KeysOfTwoPurposesAndTwoSeedsDiffer) {
  const SipKey users = derive_key(1, "users");
  EXPECT_NE(users.k0, users.k1);
  EXPECT_NE(users.k0, derive_key(2, "users").k0);
  EXPECT_NE(users.k0, derive_key(1, "decisions").k0);
  EXPECT_EQ(users.k0, derive_key(1, "users").k0);
}

}  // namespace
}  // namespace tidelimit
