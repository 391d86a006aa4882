#include "traffic/client_replay.hpp"

#include <gtest/gtest.h>

#include "limiter/plan.hpp"

namespace tidelimit::traffic {
namespace {

TEST(ClientReplay, KnowsAsManyTiersAsAConfigurationMayName) {
  constexpr std::size_t kTiers = limiter::kMaxTiers;
  ClientReplay replay;
  const auto nothing = [](auto&&...) {};
  for (std::size_t tier = 0; tier <= kTiers; ++tier) {
    const std::string name = "T" + std::to_string(tier);
    Request request;
    request.client = ClientId{0, tier + 1};
    request.tier = name;
    replay.add(request, nothing);
  }
  std::vector<std::size_t> numbers(kTiers + 1);
  replay.finish([&](std::uint32_t slot, bool, const ClientId& client, WallTime) {
    numbers[client.lo - 1] = replay.features(slot).tier;
  });
  for (std::size_t tier = 0; tier < kTiers; ++tier) EXPECT_EQ(numbers[tier], tier + 1);
  EXPECT_EQ(numbers[kTiers], 0U) << "one name too many";
  EXPECT_EQ(replay.tiers().size(), kTiers);
}

}  // namespace
}  // namespace tidelimit::traffic
