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

TEST(ClientReplay, HoldsAgainstItsClientWhatTheGateWasNeverAskedAbout) {
  ClientReplay replay;
  const auto nothing = [](auto&&...) {};
  Request request;
  request.client = ClientId{0, 7};
  request.status = 200;
  for (int i = 0; i < 10; ++i) replay.add(request, nothing);
  request.status = 400;
  request.asked = Asked::never;
  for (int i = 0; i < 90; ++i) replay.add(request, nothing);
  int visits = 0;
  replay.finish([&](std::uint32_t slot, bool, const ClientId&, WallTime) {
    ++visits;
    const ClientFigures figures = replay.profiles().figures(slot, replay.now());
    EXPECT_EQ(figures.requests, 10U) << "as a gate counts";
    EXPECT_EQ(figures.errors, 90U);
  });
  EXPECT_EQ(visits, 1);
}

}  // namespace
}  // namespace tidelimit::traffic
