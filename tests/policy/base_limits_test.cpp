#include "policy/base_limits.hpp"

#include <gtest/gtest.h>

namespace tidelimit::policy {
namespace {

TEST(BaseLimits, ATotalHasABurstOfItsOwnOrThatOfItsRate) {
  PolicySettings settings;
  settings.tiers = {"PRM", "STD"};
  EndpointSettings& reports = settings.endpoints.emplace_back();
  reports.limits.resize(2);
  reports.limits[0].total = Rate{1200, std::chrono::hours{1}};
  reports.limits[1] = reports.limits[0];
  reports.limits[1].total_burst = 1200;
  const auto limits = base_limits(settings);
  EXPECT_EQ(limits[0].total.burst, 20U) << "a minute's worth";
  EXPECT_EQ(limits[1].total.burst, 1200U);
  EXPECT_EQ(limits[1].total.emission_interval, limits[0].total.emission_interval);
}

}  // namespace
}  // namespace tidelimit::policy
