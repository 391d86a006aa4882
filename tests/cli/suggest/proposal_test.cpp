#include "cli/suggest/proposal.hpp"

#include <gtest/gtest.h>

#include "config/config.hpp"

namespace tidelimit::cli {
namespace {

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

TEST(ProposalYaml, SaysWhereThereIsNoLimit) {
  const std::string yaml = proposal_yaml(odd_names());
  EXPECT_NE(yaml.find("\"1.5\": no limit, for nobody came here in this tier"), std::string::npos);
  EXPECT_NE(yaml.find("no limits, for nobody came here: what no endpoint above matches passes"),
            std::string::npos);
}

TEST(ProposalYaml, SaysThatOddOnesAloneLeaveTheLeastLimit) {
  Proposal proposal = odd_names();
  proposal.endpoints[0].limits[0].principals = 0;
  proposal.endpoints[0].limits[0].odd_touched = 2;
  proposal.endpoints[0].limits[0].odd_refused = 7;
  EXPECT_NE(proposal_yaml(proposal).find(
                "nobody who behaves well came here, so it is the least that is drawn; it would "
                "refuse 7 requests of 2 that behave oddly"),
            std::string::npos);
}

TEST(ProposalYaml, HasEveryWarningThatTableAndJsonHave) {
  Proposal proposal = odd_names();
  proposal.late = 12;
  proposal.good = {.principals = 5, .touched = 1, .requests = 100, .refused = 40};
  proposal.heavy = {{1, "partner-7", 90, 40}};
  for (const std::string& text :
       {proposal_yaml(proposal), proposal_text(proposal, "x.yaml"), proposal_json(proposal)}) {
    EXPECT_NE(text.find("sort the input by time"), std::string::npos) << text;
    EXPECT_NE(text.find("would refuse 40 % of the requests"), std::string::npos) << text;
    EXPECT_NE(text.find("would lose 40 of its 90"), std::string::npos) << text;
  }
}

TEST(ProposalYaml, CountsAsPutInOrderOnlyWhatWas) {
  Proposal proposal = odd_names();
  proposal.out_of_order = 43'185;
  proposal.out_of_order_worst = std::chrono::minutes{20};
  const auto told = [&] { return proposal_yaml(proposal); };
  EXPECT_NE(told().find("43,185 requests were older than one before them, by up to 20m: they were "
                        "put in order"),
            std::string::npos);
  proposal.late = 42'993;
  EXPECT_NE(told().find("42,993 requests were so much older"), std::string::npos);
  EXPECT_NE(told().find("192 requests were older than one before them: they were put in order"),
            std::string::npos);
  proposal.late = proposal.out_of_order;
  EXPECT_EQ(told().find("they were put in order"), std::string::npos);
}

TEST(ProposalYaml, MarksTheLimitsThatTheBusiestOneSets) {
  Proposal proposal = odd_names();
  proposal.endpoints[0].limits[0].set_by_busiest = true;
  proposal.endpoints[0].limits[0].needed = 17;
  EXPECT_NE(proposal_yaml(proposal).find("(marked *)"), std::string::npos);
  EXPECT_NE(proposal_yaml(proposal).find(" within 17* (of so few"), std::string::npos);
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
