// What Envoy's descriptors say, in tidelimit's own words.
#include "serve/envoy/descriptors.hpp"

#include <gtest/gtest.h>
#include <initializer_list>
#include <limits>
#include <utility>

namespace tidelimit::serve::envoy {
namespace {

using Unit = ::envoy::type::v3::RateLimitUnit;
using Descriptor = ::envoy::extensions::common::ratelimit::v3::RateLimitDescriptor;

class Descriptors : public testing::Test {
 protected:
  Descriptor& add(std::initializer_list<std::pair<const char*, const char*>> entries) {
    Descriptor& made = *call.add_descriptors();
    for (const auto& [key, value] : entries) {
      auto* entry = made.add_entries();
      entry->set_key(key);
      entry->set_value(value);
    }
    return made;
  }
  std::span<const engine::EngineWorker::Asked> read() {
    const auto asked = reader.read(call, names, caller);
    EXPECT_TRUE(asked) << asked.error().message;
    return asked.value_or(std::span<const engine::EngineWorker::Asked>());
  }
  std::string refused() {
    const auto asked = reader.read(call, names, caller);
    if (asked) return "read";
    EXPECT_EQ(asked.error().code, Code::invalid_argument);
    return asked.error().message;
  }
  static ClientId client(const char* text) { return client_of(*parse_address(text)); }

  RateLimitRequest call;
  config::DescriptorNames names;
  Address caller = *parse_address("127.0.0.9");
  DescriptorReader reader;
};

TEST_F(Descriptors, SayOneRequestInTidelimitsWords) {
  add({{"remote_address", "203.0.113.7"},
       {"path", "/browse?page=2"},
       {"method", "GET"},
       {"user_id", "ada"},
       {"tier", "PRM"},
       {"user_agent", "curl/8"}});
  const auto asked = read();
  ASSERT_EQ(asked.size(), 1U);
  const traffic::Request& request = asked[0].request;
  EXPECT_EQ(request.client, client("203.0.113.7"));
  EXPECT_EQ(request.path, "/browse?page=2");
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.user_id, "ada");
  EXPECT_EQ(request.tier, "PRM");
  EXPECT_EQ(request.user_agent, "curl/8");
  EXPECT_EQ(asked[0].hits, 1U);
  EXPECT_EQ(asked[0].given, nullptr);
}

TEST_F(Descriptors, TakeWhatTheyLackFromOthersWhereThoseAgree) {
  add({{"remote_address", "203.0.113.7"}});
  add({{"path", "/browse"}, {"user_id", "ada"}});
  add({{"path", "/browse"}, {"user_id", "bob"}});
  const auto asked = read();
  EXPECT_EQ(asked[0].request.path, "/browse");
  EXPECT_EQ(asked[0].request.user_id, "") << "two are named, so none is meant";
  EXPECT_EQ(asked[1].request.client, client("203.0.113.7"));
  EXPECT_EQ(asked[2].request.user_id, "bob");
}

TEST_F(Descriptors, MeanGetWhereNoMethodIsNamed) {
  add({{"path", "/browse"}});
  EXPECT_EQ(read()[0].request.method, "GET");
  add({{"method", "POST"}});
  EXPECT_EQ(read()[0].request.method, "POST");
}

TEST_F(Descriptors, ReadAddressesOfBothKinds) {
  add({{"remote_address", "2001:db8:1:2:3::4"}});
  add({{"masked_remote_address", "203.0.113.0/24"}});
  EXPECT_EQ(read()[0].request.client, client("2001:db8:1:2::"));
  EXPECT_EQ(read()[1].request.client, client("2001:db8:1:2::")) << "the address itself is known";
  call.clear_descriptors();
  add({{"masked_remote_address", "203.0.113.0/24"}});
  add({{"masked_remote_address", "2001:db8:1::/48"}});
  add({{"generic_key", "all"}});
  EXPECT_EQ(read()[0].request.client, client("203.0.113.0"));
  EXPECT_EQ(read()[1].request.client, client("2001:db8:1::"));
  EXPECT_EQ(read()[2].request.client, client("127.0.0.9")) << "the caller itself";
}

TEST_F(Descriptors, TheOneThatSaidAWrongAddressIsNamed) {
  add({{"path", "/a"}});
  add({{"user_id", "ada"}});
  add({{"remote_address", "nowhere"}});
  EXPECT_TRUE(refused().starts_with("descriptors[2]: remote_address \"nowhere\"")) << refused();
}

TEST_F(Descriptors, AreRefusedWithTheMendWhenAddressesAreNone) {
  add({{"remote_address", "10.0.0.1, 10.0.0.2"}});
  EXPECT_EQ(refused(),
            "descriptors[0]: remote_address \"10.0.0.1, 10.0.0.2\" is no IP address: send it as "
            "Envoy's remote_address action does, like 203.0.113.7");
  call.clear_descriptors();
  add({{"masked_remote_address", "10.0.0.1/40"}});
  EXPECT_EQ(refused(),
            "descriptors[0]: masked_remote_address \"10.0.0.1/40\" is no network like "
            "203.0.113.0/24");
}

TEST_F(Descriptors, GoByTheConfiguredNames) {
  names.path = ":path";
  names.user_id = "sub";
  add({{":path", "/browse"}, {"sub", "ada"}, {"path", "/other"}});
  EXPECT_EQ(read()[0].request.path, "/browse");
  EXPECT_EQ(read()[0].request.user_id, "ada");
}

TEST_F(Descriptors, TakeHitsFromTheDescriptorElseFromTheCall) {
  add({{"path", "/"}});
  add({{"path", "/"}}).mutable_hits_addend()->set_value(0);
  add({{"path", "/"}}).mutable_hits_addend()->set_value(std::uint64_t{1} << 40);
  EXPECT_EQ(read()[0].hits, 1U) << "none means one";
  call.set_hits_addend(5);
  EXPECT_EQ(read()[0].hits, 5U);
  EXPECT_EQ(read()[1].hits, 0U) << "a peek";
  EXPECT_EQ(read()[2].hits, std::numeric_limits<limiter::Hits>::max());
}

TEST_F(Descriptors, BringLimitsWithBucketsOfTheirOwn) {
  const auto limit = [&](Descriptor& of, std::uint32_t count, Unit unit) {
    of.mutable_limit()->set_requests_per_unit(count);
    of.mutable_limit()->set_unit(unit);
  };
  limit(add({{"path", "/"}, {"generic_key", "a"}}), 5, Unit::HOUR);
  limit(add({{"path", "/"}, {"generic_key", "a"}}), 9, Unit::HOUR);
  limit(add({{"path", "/"}, {"generic_key", "a"}}), 5, Unit::SECOND);
  limit(add({{"path", "/"}, {"generic_key", "b"}}), 0, Unit::HOUR);
  const auto asked = read();
  EXPECT_EQ(asked[0].given->limit.burst, 5U);
  EXPECT_EQ(asked[0].given->limit.emission_interval, std::chrono::minutes{12});
  EXPECT_EQ(asked[0].given->bucket, asked[1].given->bucket) << "a limit that moved";
  EXPECT_NE(asked[0].given->bucket, asked[2].given->bucket);
  EXPECT_NE(asked[0].given->bucket, asked[3].given->bucket);
  EXPECT_EQ(asked[3].given->limit.burst, 0U);
  EXPECT_FALSE(asked[3].given->limit.unlimited());
  limit(add({{"path", "/"}}), 5, Unit::UNKNOWN);
  EXPECT_EQ(refused(),
            "descriptors[4]: its limit has no unit: SECOND, MINUTE, HOUR, DAY, MONTH or YEAR");
}

TEST_F(Descriptors, AreRefusedWhenTheyContradictThemselves) {
  add({{"user_id", "ada"}, {"user_id", "bob"}});
  EXPECT_EQ(refused(), "descriptors[0]: user_id is said twice, and not the same");
}

TEST_F(Descriptors, AreRefusedWhenThereAreTooMany) {
  for (std::size_t i = 0; i <= DescriptorReader::kMost; ++i) add({{"path", "/"}});
  EXPECT_EQ(refused(), "descriptors: 33 are more than the 32 of one call");
}

TEST_F(Descriptors, HaveEntriesWithKeys) {
  EXPECT_EQ(check_shape(call).error().message, "descriptors: there is none");
  add({{"path", ""}});
  EXPECT_TRUE(check_shape(call));
  add({});
  EXPECT_EQ(check_shape(call).error().message, "descriptors[1]: it has no entries");
  call.clear_descriptors();
  add({{"", "x"}});
  EXPECT_EQ(check_shape(call).error().message, "descriptors[0]: an entry has no key");
}

TEST_F(Descriptors, AskForNoHitsToBeGivenBack) {
  add({{"path", "/"}}).set_is_negative_hits(true);
  EXPECT_TRUE(check_shape(call).error().message.starts_with("descriptors[0]: is_negative_hits: "));
}

TEST_F(Descriptors, NameAddressesOfALinkWithItsZone) {
  add({{"remote_address", "fe80::1%2"}});
  EXPECT_EQ(read()[0].request.client, client_of(*parse_address("fe80::1")));
  EXPECT_FALSE(address_in("203.0.113.7%2"));
}

TEST_F(Descriptors, MayHoldBytesThatAreNoText) {
  add({{"path", "/\xff"}, {"user_agent", "\xc3("}});
  RateLimitRequest again;
  ASSERT_TRUE(again.ParseFromString(call.SerializeAsString()));
  call = again;
  EXPECT_EQ(read()[0].request.path, "/\xff");
}

}  // namespace
}  // namespace tidelimit::serve::envoy
