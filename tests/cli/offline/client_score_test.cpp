#include "cli/offline/client_score.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "base/random.hpp"

namespace tidelimit::cli {
namespace {

using limiter::VerdictKind;

ClientId client(int number) {
  return client_of("198.51.100." + std::to_string(number));
}

/// Good: 1 to 5, bad: 11 to 14.
Labels labels() {
  Labels labels;
  for (int i = 11; i <= 14; ++i) labels.malicious.insert(client(i));
  return labels;
}

TEST(ClientScore, CountsVerdictsByModelAndRuleAndMaliciousOnesAlone) {
  ClientOutcomes outcomes;
  for (const int good : {1, 2, 3, 4, 5}) outcomes[client(good)] = {VerdictKind::normal, 0.4};
  outcomes[client(5)].worst = VerdictKind::suspicious;
  outcomes[client(11)] = {VerdictKind::malicious, 1.8};
  outcomes[client(12)] = {VerdictKind::malicious, 1.7};
  outcomes[client(13)] = {VerdictKind::suspicious, 1.2};
  outcomes[client(14)] = {VerdictKind::normal, 0.5};
  const Labels truth = labels();
  const auto score = score_clients(outcomes, &truth);
  EXPECT_EQ(score.clients, 9u);
  EXPECT_EQ(score.flagged, 4u);
  EXPECT_DOUBLE_EQ(*score.any.precision(), 0.75);
  EXPECT_DOUBLE_EQ(*score.any.recall(), 0.75);
  EXPECT_DOUBLE_EQ(*score.any.f1(), 0.75);
  EXPECT_DOUBLE_EQ(*score.malicious_only.precision(), 1.0);
  EXPECT_DOUBLE_EQ(*score.malicious_only.recall(), 0.5);
  EXPECT_DOUBLE_EQ(*score.auroc, 1.0);
  EXPECT_DOUBLE_EQ(*score.average_precision, 1.0);
}

TEST(ClientScore, WithoutLabelsOnlyCounts) {
  ClientOutcomes outcomes;
  outcomes[client(1)] = {VerdictKind::malicious, 1.8};
  const auto score = score_clients(outcomes, nullptr);
  EXPECT_FALSE(score.labelled);
  EXPECT_EQ(score.flagged, 1u);
  EXPECT_FALSE(score.auroc.has_value());
}

TEST(ClientScore, LabelsThatNameNobodyAreNone) {
  ClientOutcomes outcomes;
  outcomes[client(1)] = {VerdictKind::malicious, 1.8};
  const Labels nobody;
  EXPECT_FALSE(score_clients(outcomes, &nobody).labelled);
  EXPECT_TRUE(score_clients(outcomes, &nobody).labels_fit);
}

TEST(ClientScore, NothingFlaggedHasNoPrecision) {
  ClientOutcomes outcomes;
  outcomes[client(1)] = {};
  outcomes[client(11)] = {};
  const Labels truth = labels();
  const auto score = score_clients(outcomes, &truth);
  EXPECT_FALSE(score.any.precision().has_value());
  EXPECT_DOUBLE_EQ(*score.any.recall(), 0);
  EXPECT_DOUBLE_EQ(*score.auroc, 0.5) << "equal ranks tell nothing";
}

TEST(Labels, AQuotedCommaDividesNothing) {
  const std::string file = testing::TempDir() + "quoted_labels.csv";
  std::ofstream(file) << "note,client_ip,label,kind\r\n"
                         "\"office, second floor\",192.0.2.1,0,good\r\n"
                         "\"says \"\"hello\"\", often\",192.0.2.2,1,\"scraper, slow\"\r\n";
  const auto labels = read_labels(file);
  ASSERT_TRUE(labels) << labels.error().message;
  EXPECT_EQ(labels->known_malicious(client_of("192.0.2.1")), false);
  EXPECT_EQ(labels->known_malicious(client_of("192.0.2.2")), true);
  EXPECT_EQ(labels->kinds.at(client_of("192.0.2.2")), "scraper, slow");
}

TEST(ClientScore, TheAreaIsTheChanceThatABadClientRanksAboveAGoodOne) {
  Random random(7);
  ClientOutcomes outcomes;
  Labels truth;
  std::vector<double> good;
  std::vector<double> bad;
  for (int i = 0; i < 200; ++i) {
    const bool malicious = random.chance(0.3);
    // Few distinct ranks, so that many are equal.
    const double rank = static_cast<double>(random.below(malicious ? 12 : 8)) / 10;
    outcomes[client(i)] = {VerdictKind::normal, rank};
    if (malicious) truth.malicious.insert(client(i));
    (malicious ? bad : good).push_back(rank);
  }
  double above = 0;
  for (const double b : bad) {
    for (const double g : good) above += b > g ? 1 : b == g ? 0.5 : 0;
  }
  const auto pairs = static_cast<double>(good.size() * bad.size());
  EXPECT_NEAR(*score_clients(outcomes, &truth).auroc, above / pairs, 1e-12);
}

}  // namespace
}  // namespace tidelimit::cli
