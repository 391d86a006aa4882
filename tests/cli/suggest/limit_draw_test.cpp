#include "cli/suggest/limit_draw.hpp"

#include <gtest/gtest.h>

namespace tidelimit::cli {
namespace {

ClientId client(std::uint64_t i) {
  return {0, std::uint64_t{0xffff} << 32 | i};
}

/// One endpoint, two tiers.
Proposal shop() {
  Proposal proposal;
  proposal.tiers = {"PRM", "STD"};
  proposal.endpoints.resize(1);
  proposal.endpoints[0].name = "browse";
  return proposal;
}

Peak peak(std::uint64_t who, std::uint32_t peak, std::uint64_t tiers = 2, std::uint64_t total = 0) {
  return {who, 0, tiers, client(who), peak, total == 0 ? peak : total};
}

TEST(HandyLimit, IsTheNextOneUp) {
  EXPECT_EQ(handy_limit(0), 10U);
  EXPECT_EQ(handy_limit(10), 10U);
  EXPECT_EQ(handy_limit(10.5), 12U);
  EXPECT_EQ(handy_limit(61), 80U);
  EXPECT_EQ(handy_limit(81), 100U);
  EXPECT_EQ(handy_limit(2400), 2500U);
}

TEST(DrawLimits, GivesEachTierWhatItsPrincipalsNeedInAll) {
  Proposal proposal = shop();
  draw_limits(proposal, {peak(1, 20, 3), peak(2, 5, 1)}, {});
  const auto& limits = proposal.endpoints[0].limits;
  EXPECT_EQ(limits[0].principals, 2U);
  EXPECT_EQ(limits[0].needed, 20U);
  EXPECT_EQ(limits[1].principals, 1U);
  EXPECT_EQ(limits[1].per_minute, 30U);
  EXPECT_TRUE(limits[1].set_by_busiest);
  EXPECT_EQ(proposal.good.principals, 2U);
  EXPECT_EQ(proposal.good.requests, 25U);
}

TEST(DrawLimits, TellsWhoSetALimitFarAboveWhatNearlyAllNeed) {
  Proposal proposal = shop();
  std::vector<Peak> peaks;
  for (std::uint64_t who = 0; who < 3690; ++who) peaks.push_back(peak(who, 7));
  for (std::uint64_t scraper = 0; scraper < 4; ++scraper)
    peaks.push_back(peak(5000 + scraper, static_cast<std::uint32_t>(64 + scraper)));
  draw_limits(proposal, peaks, {});
  const LimitProposal& limit = proposal.endpoints[0].limits[1];
  EXPECT_EQ(limit.needed_at_99, 7U);
  EXPECT_EQ(limit.needed, 64U);
  EXPECT_EQ(limit.busiest, 67U);
  EXPECT_EQ(limit.per_minute, 100U) << "the formula stays";
  EXPECT_FALSE(limit.set_by_busiest);
  ASSERT_EQ(limit.set_by.size(), 3U);
  EXPECT_EQ(limit.set_by[0].principal, 5003U);
  EXPECT_EQ(limit.set_by[0].peak, 67U);
}

TEST(DrawLimits, LetsTheOddHaveNoSay) {
  Proposal proposal = shop();
  draw_limits(proposal, {peak(1, 5), peak(2, 500)}, {client(2)});
  EXPECT_EQ(proposal.endpoints[0].limits[1].per_minute, 10U);
  EXPECT_TRUE(proposal.endpoints[0].limits[1].set_by.empty());
  EXPECT_EQ(proposal.odd.requests, 500U);
}

TEST(JudgeLimits, CountsRequestsAndNamesTheHeavyThatLoseSome) {
  Proposal proposal = shop();
  proposal.requests = 10'000;
  const Peak partner = peak(1, 30, 2, 9000);
  const Peak heavy = peak(2, 3, 2, 900);
  const Peak odd = peak(3, 80, 2, 100);
  draw_limits(proposal, {partner, heavy, odd}, {client(3)});
  EXPECT_EQ(to_be_named(proposal).size(), 2U);
  judge_limits(proposal, {{partner, {{1, 4000}}}, {odd, {{1, 50}}}}, {client(3)});
  const LimitProposal& limit = proposal.endpoints[0].limits[1];
  EXPECT_EQ(limit.touched, 1U);
  EXPECT_EQ(limit.refused, 4000U);
  EXPECT_EQ(limit.odd_refused, 50U);
  EXPECT_EQ(proposal.good.touched, 1U);
  EXPECT_EQ(proposal.good.refused, 4000U);
  EXPECT_EQ(proposal.odd.refused, 50U);
  ASSERT_EQ(proposal.heavy.size(), 1U);
  EXPECT_EQ(proposal.heavy[0].principal, 1U);
  EXPECT_EQ(proposal.heavy[0].refused, 4000U);
}

}  // namespace
}  // namespace tidelimit::cli
