#include "limiter/verdict.hpp"

#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>

#include "limiter/decision.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::seconds;

ClientId v4(std::uint32_t host_order) {
  return {0, std::uint64_t{0xffff} << 32 | host_order};
}

Prefix v4_prefix(std::uint32_t host_order, unsigned length) {
  Prefix prefix;
  prefix.address.bytes[10] = prefix.address.bytes[11] = 0xff;
  for (unsigned i = 0; i < 4; ++i)
    prefix.address.bytes[12 + i] = static_cast<std::uint8_t>(host_order >> (24 - 8 * i));
  prefix.length = static_cast<std::uint8_t>(96 + length);
  return prefix;
}

Verdict verdict_on(ClientId client, Instant expires_at) {
  Verdict verdict;
  verdict.client = client;
  verdict.kind = VerdictKind::suspicious;
  verdict.expires_at = expires_at;
  return verdict;
}

Override by_hand(Prefix prefix, Action action, Instant expires_at = Instant{Nanos::max()}) {
  Override entry;
  entry.prefix = prefix;
  entry.action = action;
  entry.expires_at = expires_at;
  return entry;
}

TEST(VerdictTable, FindsNothingWhenEmpty) {
  EXPECT_EQ(VerdictTable{}.find(v4(1), Instant{}), nullptr);
}

TEST(VerdictTable, ForgetsAVerdictAtItsExpiry) {
  const VerdictTable table({verdict_on(v4(7), Instant{seconds{10}})});
  ASSERT_NE(table.find(v4(7), Instant{seconds{9}}), nullptr);
  EXPECT_EQ(table.find(v4(7), Instant{seconds{9}})->client, v4(7));
  EXPECT_EQ(table.find(v4(7), Instant{seconds{10}}), nullptr);
  EXPECT_EQ(table.find(v4(8), Instant{seconds{9}}), nullptr);
}

RC_GTEST_PROP(VerdictTableProperty, AgreesWithAMap, ()) {
  const auto hosts =
      *rc::gen::container<std::vector<std::uint8_t>>(rc::gen::arbitrary<std::uint8_t>());
  std::map<ClientId, Instant> expected;
  std::vector<Verdict> verdicts;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    const Instant expiry{seconds{static_cast<std::int64_t>(i % 20)}};
    verdicts.push_back(verdict_on(v4(hosts[i]), expiry));
    expected[v4(hosts[i])] = expiry;
  }
  const VerdictTable table(verdicts);
  for (std::uint32_t host = 0; host < 256; ++host) {
    const Instant now{seconds{7}};
    const auto it = expected.find(v4(host));
    const bool holds = it != expected.end() && it->second > now;
    RC_ASSERT((table.find(v4(host), now) != nullptr) == holds);
  }
}

TEST(OverrideTable, PrefersTheUserThenTheLongestPrefix) {
  auto user = by_hand({}, Action::allow);
  user.user = 42;
  const OverrideTable table({by_hand(v4_prefix(0x0a000000, 8), Action::block),
                             by_hand(v4_prefix(0x0a010200, 24), Action::limit), user,
                             by_hand(v4_prefix(0x0a010203, 32), Action::allow)},
                            {});
  const Instant now{};
  EXPECT_EQ(table.find(v4(0x0a010203), 42, now)->user, 42U);
  EXPECT_EQ(table.find(v4(0x0a010203), 0, now)->prefix.length, 128);
  EXPECT_EQ(table.find(v4(0x0a010204), 7, now)->action, Action::limit);
  EXPECT_EQ(table.find(v4(0x0a020304), 0, now)->action, Action::block);
  EXPECT_EQ(table.find(v4(0x0b000000), 0, now), nullptr);
}

TEST(OverrideTable, TheLoopbackOfIpv6IsNotAllOfIpv4) {
  const Prefix loopback = *parse_prefix("::1/128");
  const OverrideTable table({by_hand(loopback, Action::block)}, {loopback});
  const Instant now{seconds{1}};
  EXPECT_EQ(table.find(v4(0xcb007107), 0, now), nullptr) << "203.0.113.7";
  EXPECT_FALSE(table.allow_listed(v4(0xcb007107)));
  EXPECT_NE(table.find(client_of("::1"), 0, now), nullptr);
  EXPECT_TRUE(table.allow_listed(client_of("::1")));
  EXPECT_EQ(table.find(client_of("2001:db8::1"), 0, now), nullptr);
}

TEST(OverrideTable, FallsBackToAShorterPrefixWhenTheLongerOneExpired) {
  const OverrideTable table(
      {by_hand(v4_prefix(0x0a000000, 8), Action::block),
       by_hand(v4_prefix(0x0a010203, 32), Action::allow, Instant{seconds{5}})},
      {});
  EXPECT_EQ(table.find(v4(0x0a010203), 0, Instant{seconds{4}})->action, Action::allow);
  EXPECT_EQ(table.find(v4(0x0a010203), 0, Instant{seconds{5}})->action, Action::block);
}

TEST(OverrideTable, TakesALongIpv6PrefixForItsSlash64) {
  Prefix host;
  host.address.bytes = {0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2, 9, 9, 9, 9, 9, 9, 9, 9};
  host.length = 128;
  const OverrideTable table({by_hand(host, Action::block)}, {host});
  const ClientId client{0x20010db800010002, 0};
  ASSERT_NE(table.find(client, 0, Instant{}), nullptr);
  EXPECT_TRUE(table.allow_listed(client));
  EXPECT_FALSE(table.allow_listed({0x20010db800010003, 0}));
}

TEST(OverrideTable, LeavesHostNamesAlone) {
  Prefix all;
  all.length = 0;
  const OverrideTable table({by_hand(all, Action::block)}, {all});
  const ClientId name{0x0100000000000001, 5};
  EXPECT_EQ(table.find(name, 0, Instant{}), nullptr);
  EXPECT_FALSE(table.allow_listed(name));
  EXPECT_TRUE(table.allow_listed(v4(1)));
}

RC_GTEST_PROP(OverrideTableProperty, AgreesWithTryingEveryPrefix, ()) {
  const auto picks = *rc::gen::container<std::vector<std::pair<std::uint8_t, std::uint8_t>>>(
      rc::gen::pair(rc::gen::arbitrary<std::uint8_t>(), rc::gen::inRange<std::uint8_t>(24, 33)));
  std::vector<Override> overrides;
  for (const auto& [host, length] : picks) {
    const auto mask = length == 24 ? 0U : 0xffU << (32 - length) & 0xffU;
    overrides.push_back(by_hand(v4_prefix(0xc0000200U | (host & mask), length), Action::block));
  }
  const OverrideTable table(overrides, {});
  for (std::uint32_t host = 0; host < 256; ++host) {
    const Override* expected = nullptr;
    for (const Override& entry : overrides)
      if (entry.prefix.contains(address_of(v4(0xc0000200U | host))) &&
          (expected == nullptr || entry.prefix.length > expected->prefix.length))
        expected = &entry;
    const Override* found = table.find(v4(0xc0000200U | host), 0, Instant{});
    RC_ASSERT((found == nullptr) == (expected == nullptr));
    if (found != nullptr) RC_ASSERT(found->prefix == expected->prefix);
  }
}

TEST(Words, AreThoseOfTheContract) {
  EXPECT_STREQ(to_string(Reason::override_), "override");
  EXPECT_STREQ(to_string(Reason::reduced_capacity), "reduced_capacity");
  EXPECT_STREQ(to_string(Outcome::shadow_deny), "shadow_deny");
  EXPECT_STREQ(to_string(VerdictKind::malicious), "malicious");
  EXPECT_STREQ(to_string(Action::block), "block");
  EXPECT_STREQ(to_string(Mode::enforce), "enforce");
  EXPECT_STREQ(to_string(Priority::low), "low");
}

}  // namespace
}  // namespace tidelimit::limiter
