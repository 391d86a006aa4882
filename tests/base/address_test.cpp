#include "base/address.hpp"

#include <gtest/gtest.h>
#include <set>

#include "base/random.hpp"

namespace tidelimit {
namespace {

TEST(Address, ReadsIpv4AndWritesItBack) {
  for (const char* text : {"0.0.0.0", "203.0.113.7", "255.255.255.255"}) {
    const auto address = parse_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_TRUE(address->is_v4());
    EXPECT_EQ(format_address(*address), text);
  }
}

TEST(Address, ReadsIpv6InItsSpellings) {
  EXPECT_EQ(parse_address("2001:db8::1"), parse_address("2001:0DB8:0:0:0:0:0:1"));
  EXPECT_EQ(format_address(*parse_address("2001:0DB8:0:0:0:0:0:1")), "2001:db8::1");
  EXPECT_EQ(parse_address("::ffff:203.0.113.7"), parse_address("203.0.113.7"));
  EXPECT_EQ(parse_address("::ffff:cb00:7107"), parse_address("203.0.113.7"));
  EXPECT_FALSE(parse_address("::1")->is_v4());
}

TEST(Address, RefusesWhatIsNone) {
  for (const char* text :
       {"", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "1..2.3",
        "+1.2.3.4", "0x1.2.3.4", "[::1]", "fe80::1%eth0", ":::", "1::2::3", "example.org", "g::1",
        "1:2:3:4:5:6:7:8:9", "::ffff:1.2.3.4567890123456789012345678901234567890"})
    EXPECT_FALSE(parse_address(text)) << text;
  EXPECT_FALSE(parse_address(std::string_view("1.2.3.4\0x", 9)));
}

TEST(Address, WritesWhatItReadsForAnyBytes) {
  Random random(1);
  for (int i = 0; i < 20'000; ++i) {
    Address address;
    for (auto& byte : address.bytes)
      byte = static_cast<std::uint8_t>(random.chance(0.5) ? 0 : random.below(256));
    if (random.chance(0.3)) {
      address = *parse_address("0.0.0.0");
      for (std::size_t b = 12; b < 16; ++b)
        address.bytes[b] = static_cast<std::uint8_t>(random.below(256));
    }
    ASSERT_EQ(parse_address(format_address(address)), address) << format_address(address);
  }
}

TEST(Prefix, ReadsBlocksAndWritesThemBack) {
  for (const char* text : {"10.0.0.0/8", "203.0.113.7", "0.0.0.0/0", "2001:db8::/32", "::/0",
                           "203.0.113.128/25", "2001:db8:0:1::/64"}) {
    const auto prefix = parse_prefix(text);
    ASSERT_TRUE(prefix) << text;
    EXPECT_EQ(format_prefix(*prefix), text);
  }
  EXPECT_EQ(parse_prefix("10.0.0.0/8")->length, 104);
}

TEST(Prefix, NamesTheMend) {
  EXPECT_NE(parse_prefix("10.0.0.1/8").error().message.find("10.0.0.0/8"), std::string::npos);
  for (const char* text : {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "/8", "x/8", ""})
    EXPECT_FALSE(parse_prefix(text)) << text;
}

TEST(Prefix, HoldsItsAddressesOnly) {
  const Prefix block = *parse_prefix("203.0.113.128/25");
  EXPECT_TRUE(block.contains(*parse_address("203.0.113.128")));
  EXPECT_TRUE(block.contains(*parse_address("203.0.113.255")));
  EXPECT_FALSE(block.contains(*parse_address("203.0.113.127")));
  EXPECT_FALSE(block.contains(*parse_address("203.0.114.128")));
  EXPECT_FALSE(parse_prefix("0.0.0.0/0")->contains(*parse_address("2001:db8::1")));
  EXPECT_TRUE(parse_prefix("::/0")->contains(*parse_address("203.0.113.7")));
}

TEST(Prefix, ComparesNoBitBeyondItsLength) {
  const Address address = *parse_address("2001:db8:85a3:1234:5678:8a2e:370:7334");
  for (int length = 0; length <= 128; ++length) {
    const Prefix block{address, static_cast<std::uint8_t>(length)};
    for (int bit = 0; bit < 128; ++bit) {
      Address other = address;
      other.bytes[static_cast<std::size_t>(bit / 8)] ^= static_cast<std::uint8_t>(128 >> bit % 8);
      ASSERT_EQ(block.contains(other), bit >= length) << length << ' ' << bit;
    }
  }
}

TEST(ClientId, IsAnIpv4AddressAnIpv6BlockOrAName) {
  EXPECT_EQ(format_client(client_of("203.0.113.7")), "203.0.113.7");
  EXPECT_EQ(client_of("::ffff:203.0.113.7"), client_of("203.0.113.7"));
  EXPECT_EQ(client_of("2001:db8:1:2::9"), client_of("2001:db8:1:2:ffff::"));
  EXPECT_NE(client_of("2001:db8:1:2::9"), client_of("2001:db8:1:3::9"));
  EXPECT_EQ(format_client(client_of("2001:db8:1:2::9")), "2001:db8:1:2::/64");
  EXPECT_EQ(client_of("Example.ORG"), client_of("example.org"));
  EXPECT_TRUE(client_of("example.org").is_host_name());
  EXPECT_NE(client_of("example.org"), client_of("example.com"));
  EXPECT_TRUE(client_of("").empty());
  EXPECT_FALSE(client_of("::1").empty()) << "::/64 is a client; zero is none";
  EXPECT_EQ(format_client(client_of("::1")), "::/64");
  for (const char* text : {"203.0.113.7", "2001:db8:1:2::9", "::1"})
    EXPECT_EQ(parse_client(format_client(client_of(text))), client_of(text)) << text;
  EXPECT_FALSE(parse_client("example.org"));
}

TEST(ClientId, BehindATranslatorIsTheIpv4AddressInIt) {
  EXPECT_EQ(client_of("64:ff9b::203.0.113.23"), client_of("203.0.113.23"));
  EXPECT_EQ(format_client(client_of("64:ff9b::cb00:7117")), "203.0.113.23");
  EXPECT_NE(client_of("64:ff9b::203.0.113.23"), client_of("64:ff9b::203.0.113.24"));
  EXPECT_EQ(format_client(client_of("64:ff9b::1:203.0.113.23")), "64:ff9b::/64")
      << "only /96 is theirs";
}

TEST(ClientId, HasANeighbourhood) {
  EXPECT_EQ(neighbourhood_of(client_of("203.0.113.7")), neighbourhood_of(client_of("203.0.113.9")));
  EXPECT_NE(neighbourhood_of(client_of("203.0.113.7")), neighbourhood_of(client_of("203.0.114.7")));
  EXPECT_EQ(neighbourhood_of(client_of("2001:db8:1:2::1")),
            neighbourhood_of(client_of("2001:db8:1:ffff::1")));
  EXPECT_NE(neighbourhood_of(client_of("2001:db8:1::1")),
            neighbourhood_of(client_of("2001:db8:2::1")));
  EXPECT_EQ(neighbourhood_of(client_of("example.org")), client_of("example.org"));
}

}  // namespace
}  // namespace tidelimit
