#include "cli/suggest/proposal.hpp"

#include <gtest/gtest.h>

#include "config/config.hpp"

namespace tidelimit::cli {
namespace {

TEST(HandyLimit, IsTheNextOneUp) {
  EXPECT_EQ(handy_limit(0), 10U);
  EXPECT_EQ(handy_limit(10), 10U);
  EXPECT_EQ(handy_limit(10.5), 12U);
  EXPECT_EQ(handy_limit(61), 80U);
  EXPECT_EQ(handy_limit(81), 100U);
  EXPECT_EQ(handy_limit(2400), 2500U);
}

Proposal odd_names() {
  Proposal proposal;
  proposal.requests = 10;
  proposal.knows_users = true;
  proposal.knows_tiers = true;
  proposal.knows_methods = true;
  proposal.tiers = {"no", "1.5"};
  EndpointProposal endpoint;
  endpoint.name = "true";
  endpoint.match = "/a\\b\"c/**";
  endpoint.requests = 10;
  endpoint.share = 1;
  endpoint.limits.resize(2);
  endpoint.limits[0].tier = proposal.tiers[0];
  endpoint.limits[0].per_minute = 120;
  endpoint.limits[0].principals = 3;
  endpoint.limits[1].tier = proposal.tiers[1];
  EndpointProposal other;
  other.name = "other";
  proposal.endpoints = {endpoint, other};
  return proposal;
}

TEST(ProposalYaml, IsAConfigurationWhateverTheLogNames) {
  const Proposal proposal = odd_names();
  const std::string yaml = proposal_yaml(proposal);
  EXPECT_TRUE(yaml.starts_with(kProposalMark));
  const auto config = config::parse(yaml, "suggested.yaml");
  ASSERT_TRUE(config) << config.error().front().message << "\n" << yaml;
  const policy::PolicySettings& policy = config->engine.policy;
  EXPECT_EQ(policy.tiers, proposal.tiers);
  ASSERT_EQ(policy.endpoints.size(), 2U);
  EXPECT_EQ(policy.endpoints[0].name, "true");
  EXPECT_EQ(policy.endpoints[0].match.front(), "/a\\b\"c/**");
  EXPECT_EQ(policy.endpoints[0].limits[0].rate, (Rate{120, std::chrono::minutes{1}}));
  EXPECT_FALSE(policy.endpoints[0].limits[1].rate);
}

TEST(ProposalYaml, HasARuleOnLowPriorityWhereThatMovesALimit) {
  Proposal proposal = odd_names();
  EXPECT_EQ(proposal_yaml(proposal).find("cpu-pressure"), std::string::npos);
  proposal.endpoints[0].priority = limiter::Priority::low;
  EXPECT_NE(proposal_yaml(proposal).find("cpu-pressure"), std::string::npos);
  proposal.endpoints[0].limits[0].per_minute = 0;
  EXPECT_EQ(proposal_yaml(proposal).find("cpu-pressure"), std::string::npos);
}

}  // namespace
}  // namespace tidelimit::cli
