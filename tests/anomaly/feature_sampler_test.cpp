#include "anomaly/feature_sampler.hpp"

#include <gtest/gtest.h>

#include "traffic/request.hpp"

namespace tidelimit::anomaly {
namespace {

using std::chrono::seconds;

const ClientId kFailing = client_of("203.0.113.1");
const ClientId kQuiet = client_of("203.0.113.2");

/// Twenty minutes in which one client is refused all the time and another, twice as often, never.
struct Drawn {
  std::size_t rows = 0;
  std::uint64_t aside = 0;
};
Drawn drawn(std::function<std::optional<bool>(const ClientId&)> known) {
  SamplerOptions options;
  options.known_malicious = std::move(known);
  FeatureSampler sampler(options);
  for (int s = 0; s < 20 * 60; ++s) {
    traffic::Request request;
    request.time = WallTime{seconds{1'800'000'000 + s}};
    request.method = "GET";
    request.path = "/login";
    request.client = s % 3 == 0 ? kFailing : kQuiet;
    request.status = s % 3 == 0 ? 401 : 200;
    sampler.add(request);
  }
  const std::size_t rows = sampler.rows().size();
  return {rows, sampler.rows_aside()};
}

TEST(FeatureSampler, LeavesOutWhoPlainlyFails) {
  const Drawn plain = drawn({});
  EXPECT_GT(plain.rows, 5U);
  EXPECT_LE(plain.rows, 20U);  // of the quiet one alone
}

TEST(FeatureSampler, GoesByWhatPeopleKnow) {
  const Drawn plain = drawn({});
  const Drawn vouched = drawn([](const ClientId& client) {
    return client == kFailing ? std::optional(false) : std::nullopt;
  });
  EXPECT_GT(vouched.rows, plain.rows + 5);
  const Drawn accused = drawn(
      [](const ClientId& client) { return client == kQuiet ? std::optional(true) : std::nullopt; });
  EXPECT_EQ(accused.rows, 0U);
}

TEST(FeatureSampler, TellsTheTierOfEachRow) {
  FeatureSampler sampler;
  constexpr std::array<const char*, 3> kTiers{"PRM", "", "STD"};
  for (int minute = 0; minute < 60; ++minute) {
    traffic::Request request;
    request.time = WallTime{seconds{1'800'000'000 + 60 * minute}};
    request.method = "GET";
    request.path = "/browse";
    request.client = client_of("198.51.100." + std::to_string(minute));
    request.tier = kTiers[static_cast<std::size_t>(minute % 3)];
    request.status = 200;
    sampler.add(request);
  }
  ASSERT_EQ(sampler.rows().size(), 60U);
  EXPECT_EQ(sampler.tiers(), (std::vector<std::string>{"PRM", "STD"}));
  constexpr std::array<std::uint8_t, 3> kNumbers{1, 0, 2};
  for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(sampler.rows()[i].tier, kNumbers[i % 3]);
}

TEST(FeatureSampler, TellsOnWhichDayEachRowWasSeen) {
  FeatureSampler sampler;
  for (int hour = 0; hour < 60; ++hour) {
    traffic::Request request;
    request.time = WallTime{seconds{1'800'000'000 + 3600 * hour}};
    request.method = "GET";
    request.path = "/browse";
    request.client = client_of("198.51.100." + std::to_string(hour));
    request.status = 200;
    sampler.add(request);
  }
  ASSERT_EQ(sampler.rows().size(), 60U);
  ASSERT_EQ(sampler.days().size(), 60U);
  for (std::size_t i = 0; i < 60; ++i) EXPECT_EQ(sampler.days()[i], i / 24);
}

}  // namespace
}  // namespace tidelimit::anomaly
