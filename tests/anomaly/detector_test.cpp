#include "anomaly/detector.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "anomaly/dated_training.hpp"
#include "anomaly/detector_model.hpp"
#include "anomaly/harm_levels.hpp"
#include "anomaly/words.hpp"
#include "base/random.hpp"

namespace tidelimit::anomaly {
namespace {

using traffic::ClientFeatures;
using traffic::Feature;

/// A client as the profiles would show it after `requests` in five minutes and `hour` in the hour.
ClientFeatures client(double per_minute, double error_ratio, double hour,
                      double concentration = 0.4, double agents = 1) {
  ClientFeatures f;
  const double five = per_minute * 5;
  const auto shrunk = [error_ratio](double n) {
    return (error_ratio * n + traffic::kUsualErrorRatio * traffic::kPseudoResponses) /
           (n + traffic::kPseudoResponses);
  };
  f[Feature::requests_per_minute] = static_cast<float>(per_minute);
  f[Feature::error_ratio] = static_cast<float>(shrunk(five));
  f[Feature::endpoint_concentration] = static_cast<float>(concentration);
  f[Feature::agent_diversity] = static_cast<float>(agents);
  f[Feature::hour_requests] = static_cast<float>(hour);
  f[Feature::hour_errors] = static_cast<float>(hour * error_ratio);
  f[Feature::hour_error_ratio] = static_cast<float>(shrunk(hour));
  f.client_error_ratio = f[Feature::error_ratio];
  f.background_error_ratio = static_cast<float>(traffic::kUsualErrorRatio);
  f.hour_excess_errors = f[Feature::hour_errors];
  f.hour_excess_ratio = f[Feature::hour_error_ratio];
  // Three minutes of five, or the one that `hour` requests are.
  f.steady_requests = static_cast<float>(hour >= 3 * per_minute ? per_minute : 0);
  f.busiest_requests = static_cast<float>(per_minute);
  return f;
}

bool is_evidence(const Detector& detector, const ClientFeatures& row, double granted = 0) {
  return examine(detector, row, granted).evidence;
}

std::vector<ClientFeatures> ordinary_rows(std::size_t count, std::uint64_t seed) {
  Random random(seed);
  std::vector<ClientFeatures> rows;
  for (std::size_t i = 0; i < count; ++i) {
    const double rate = std::exp(0.7 + 0.8 * random.normal());
    const double errors = 0.06 * random.uniform();
    rows.push_back(client(rate, errors, rate * (5 + 50 * random.uniform()),
                          0.25 + 0.4 * random.uniform(), 1 + random.exponential() * 0.3));
  }
  return rows;
}

class Trained : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    auto trained = train(ordinary_rows(5000, 1), {});
    ASSERT_TRUE(trained.has_value()) << trained.error().message;
    detector_ = *trained;
  }
  static const Detector& detector() { return *detector_; }

 private:
  static std::shared_ptr<const Detector> detector_;
};
std::shared_ptr<const Detector> Trained::detector_;

TEST(Train, RefusesTooFewRowsAndSaysHowManyThereWere) {
  const auto trained = train(ordinary_rows(255, 1), {});
  ASSERT_FALSE(trained.has_value());
  EXPECT_EQ(trained.error().code, Code::failed_precondition);
  EXPECT_THAT(trained.error().message, testing::HasSubstr("255"));
  EXPECT_TRUE(train(ordinary_rows(256, 1), {}).has_value());
}

TEST(Train, EqualRowsAndSeedGiveEqualDetectors) {
  const auto rows = ordinary_rows(1000, 4);
  const auto a = train(rows, {.seed = 9});
  const auto b = train(rows, {.seed = 9});
  EXPECT_EQ(threshold(**a), threshold(**b));
  EXPECT_EQ(score(**a, rows[3]), score(**b, rows[3]));
}

TEST_F(Trained, ContaminationIsTheShareOfTrainingAboveTheThreshold) {
  const auto rows = ordinary_rows(5000, 1);
  int above = 0;
  for (const auto& row : rows) {
    above += score(detector(), row) > threshold(detector()) ? 1 : 0;
  }
  EXPECT_NEAR(above, 50, 3);
}

TEST_F(Trained, FlagsTheLoudAndTheFailing) {
  EXPECT_TRUE(is_evidence(detector(), client(3000, 0.0, 3000, 0.95))) << "a flood";
  EXPECT_TRUE(is_evidence(detector(), client(60, 0.95, 600, 0.95))) << "credential stuffing";
  EXPECT_TRUE(is_evidence(detector(), client(100, 0.8, 100, 0.15))) << "a path scanner";
  EXPECT_TRUE(is_evidence(detector(), client(3, 0.85, 180, 0.95))) << "card testing";
}

TEST_F(Trained, LeavesOddButHarmlessClientsAlone) {
  EXPECT_FALSE(is_evidence(detector(), client(1, 0.0, 60, 0.97))) << "an uptime monitor";
  EXPECT_FALSE(is_evidence(detector(), client(0.2, 0.0, 1, 0.9))) << "somebody quiet";
  EXPECT_FALSE(is_evidence(detector(), client(12, 0.03, 700, 0.3, 40))) << "an office";
}

TEST_F(Trained, AHurryOfAMinuteIsNoAttackAndOneThatStaysIs) {
  const double fast = 1.2 * detector().parts().harm.requests_per_minute;
  EXPECT_FALSE(is_evidence(detector(), client(fast, 0.0, fast, 0.97)));
  EXPECT_TRUE(is_evidence(detector(), client(fast, 0.0, 4 * fast, 0.97)));
}

TEST_F(Trained, AFloodIsTheBusiestMinutesWhateverTheOthersWere) {
  const double level = detector().parts().harm.requests_per_minute;
  ClientFeatures burst = client(2 * level, 0.0, 10 * level, 0.97);
  burst.steady_requests = 1;
  burst.busiest_requests = static_cast<float>(9 * level);
  EXPECT_EQ(harm(detector(), burst), Harm::pressing);
  EXPECT_EQ(harm(detector(), burst, 8.5 * level), Harm::pressing) << "more than is granted";
  EXPECT_EQ(harm(detector(), burst, 9.5 * level), Harm::none);
  burst.busiest_requests = static_cast<float>(7 * level);
  EXPECT_EQ(harm(detector(), burst), Harm::none) << "a screen that loads";
}

TEST_F(Trained, WhoStaysWithinWhatIsGrantedDoesNotPress) {
  const double fast = 1.2 * detector().parts().harm.requests_per_minute;
  const auto loud = client(fast, 0.0, 10 * fast, 0.97);
  EXPECT_TRUE(is_evidence(detector(), loud, 0.9 * fast));
  EXPECT_FALSE(is_evidence(detector(), loud, 1.1 * fast));
  EXPECT_TRUE(is_evidence(detector(), client(60, 0.95, 600, 0.95), 1000)) << "it fails";
}

TEST(Alarm, PlainHarmNeedsNoScore) {
  // Offices, of whom each is odd in all that attackers are, but for what does harm.
  Random random(7);
  auto rows = ordinary_rows(5000, 1);
  for (std::size_t i = 0; i < rows.size(); i += 25)
    rows[i] = client(50 + static_cast<double>(i % 7), 0.2, 3000, 0.2 + 0.1 * random.uniform(), 30);
  double greatest = 0;
  for (const auto& row : rows)
    greatest = std::max(greatest, static_cast<double>(row[Feature::requests_per_minute]));
  const auto detector = *train(rows, {});
  // The tail that the offices make has no end by itself.
  EXPECT_LE(detector->parts().harm.plain_requests_per_minute, kOverGreatest * greatest * 1.001);
  const ClientFeatures stuffing = client(10, 0.97, 100, 0.6);
  const ClientFeatures flood = client(3000, 0.0, 9000, 0.6);
  for (const auto& row : {stuffing, flood}) {
    EXPECT_LT(score(*detector, row), threshold(*detector)) << "else this shows nothing";
    EXPECT_TRUE(is_evidence(*detector, row));
  }
  EXPECT_FALSE(is_evidence(*detector, client(10, 0.45, 100, 0.6))) << "failing, and usual else";
}

TEST_F(Trained, WhoFailsAtEverNewPathsNeedsHalfTheRatio) {
  const HarmLevels& levels = detector().parts().harm;
  ClientFeatures scanner = client(200, 0.7 * levels.error_ratio, 200, 0.2);
  EXPECT_EQ(harm(detector(), scanner), Harm::none);
  scanner.failed_paths = static_cast<float>(levels.failed_paths + 1);
  EXPECT_EQ(harm(detector(), scanner), Harm::failing);
  scanner.background_error_ratio = 0.2F;
  EXPECT_EQ(harm(detector(), scanner), Harm::none) << "others fail wherever they go, too";
  scanner = client(200, 0.3 * levels.error_ratio, 200, 0.2);
  scanner.failed_paths = 100;
  EXPECT_EQ(harm(detector(), scanner), Harm::none) << "a crawler on old links";
}

TEST(Train, AShortLogOfFewErrorsDrawsNoHighErrorLevel) {
  // Visitors of a page or two, one in ten of whom asks for an icon that is not there.
  auto rows = ordinary_rows(1500, 1);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i] = i % 10 == 0 ? client(0.4, 0.5, 4 + static_cast<double>(i % 7)) : client(0.4, 0, 2);
  EXPECT_EQ((*train(rows, {}))->parts().harm.error_ratio, kErrorRatioLeast);
  // But who fails often, and is there all the time, tells where usual ends.
  for (std::size_t i = 0; i < rows.size(); i += 10)
    rows[i] = client(10, 0.38 + 0.04 * static_cast<double>(i) / 1500, 100);
  EXPECT_GT((*train(rows, {}))->parts().harm.error_ratio, 0.38);
}

TEST_F(Trained, SmallCountsAreNoEvidence) {
  EXPECT_FALSE(is_evidence(detector(), client(1, 1.0, 5, 1.0))) << "five failures";
  EXPECT_FALSE(is_evidence(detector(), client(2, 1.0, 11, 1.0))) << "eleven failures";
}

TEST_F(Trained, AFewFailuresAreEvidenceAmongNeighboursThatFailTogether) {
  ClientFeatures f = client(0.6, 1.0, 3, 1.0);
  EXPECT_EQ(harm(detector(), f), Harm::none);
  f.hour_responses = 3;
  f.neighbourhood = {client_of("203.0.113.0"), 212, 200};
  EXPECT_EQ(harm(detector(), f), Harm::failing);
  EXPECT_TRUE(plainly_fails(f)) << "and no part of what is usual";
  EXPECT_EQ(reasons(detector(), f, explain(detector(), f), {}).front(),
            "one of about 212 clients of 203.0.113.0/24 of which 94 % nearly only failed in the "
            "last hour; 3 of its own 3 requests failed");
  f.neighbourhood->prefix = client_of("2001:db8:77::");
  EXPECT_THAT(reasons(detector(), f, explain(detector(), f), {}).front(),
              testing::HasSubstr(" clients of 2001:db8:77::/48 of which "));
  f.fresh_errors = false;
  EXPECT_EQ(harm(detector(), f), Harm::none);
}

TEST_F(Trained, AnOutageMakesNobodyMalicious) {
  ClientFeatures failing = client(20, 0.9, 300);
  EXPECT_EQ(harm(detector(), failing), Harm::failing);
  failing.background_error_ratio = 0.85F;
  EXPECT_EQ(harm(detector(), failing), Harm::failing) << "it did before";
  failing.hour_excess_errors = 10;
  failing.hour_excess_ratio = 0.04F;
  EXPECT_EQ(harm(detector(), failing), Harm::none);
}

TEST(Train, KeepsItsPromiseOnFreshClients) {
  const auto trained = train(ordinary_rows(20'000, 1), {});
  int wrong = 0;
  for (const auto& row : ordinary_rows(200'000, 77)) {
    wrong += is_evidence(**trained, row) ? 1 : 0;
  }
  EXPECT_LE(wrong, 6) << "one in 100,000 was promised";
}

TEST(Train, AttackersInTheTrainingLogDoNotHideAttackers) {
  auto rows = ordinary_rows(5000, 1);
  for (int i = 0; i < 400; ++i) {
    rows.push_back(client(50 + i % 37, 0.7 + 0.001 * (i % 200), 600, 0.9));
  }
  const auto trained = train(rows, {});
  ASSERT_TRUE(trained.has_value());
  EXPECT_EQ((*trained)->parts().rows_aside, 400u);
  EXPECT_TRUE(is_evidence(**trained, client(60, 0.8, 600, 0.9)));
}

TEST(Train, LoudClientsInTheTrainingLogDoNotHideLoudClients) {
  auto rows = ordinary_rows(50'000, 1);
  for (int i = 0; i < 100; ++i) rows.push_back(client(400 + 5 * i, 0.02, 2000, 0.9));
  for (int i = 0; i < 100; ++i) rows.push_back(client(70 + i, 0.03, 800, 0.2));
  const auto trained = train(rows, {});
  ASSERT_TRUE(trained.has_value());
  EXPECT_LT((*trained)->parts().harm.requests_per_minute, 150);
  EXPECT_TRUE(is_evidence(**trained, client(600, 0.02, 2400, 0.9))) << "a flood";
  EXPECT_TRUE(is_evidence(**trained, client(160, 0.03, 900, 0.2))) << "a scraper";
  EXPECT_FALSE(is_evidence(**trained, client(45, 0.0, 400, 0.6))) << "a partner's batch";
}

/// Ten days of ordinary rows; on the last one a flood besides, of however many addresses: half as
/// many rows as of all the days.
struct FloodedLog {
  std::vector<ClientFeatures> rows;
  std::vector<std::uint32_t> days;

  explicit FloodedLog(int loud) {
    for (std::uint32_t day = 0; day < 10; ++day) add(ordinary_rows(2000, 100 + day), day);
    for (int i = 0; i < loud; ++i) add({client(150 + i % 100, 0.02, 900, 0.9)}, 9);
  }

 private:
  void add(const std::vector<ClientFeatures>& more, std::uint32_t day) {
    rows.insert(rows.end(), more.begin(), more.end());
    days.resize(rows.size(), day);
  }
};

TEST(Train, AFloodOnOneDayDoesNotTeachThatFloodsAreUsual) {
  const FloodedLog clean(0);
  const FloodedLog flooded(10'000);
  const double usual = (*train(clean.rows, clean.days, {}))->parts().harm.requests_per_minute;
  const auto trained = *train(flooded.rows, flooded.days, {});
  EXPECT_LE(trained->parts().harm.requests_per_minute, 1.25 * usual);
  EXPECT_GE(trained->parts().rows_aside, 9'000U) << "nor is the forest grown from it";
  EXPECT_TRUE(is_evidence(*trained, client(160, 0.02, 900, 0.9))) << "a flood like those";
  // What the days are for: as one lump, half of the rows are the flood's.
  const auto lump = *train(flooded.rows, {});
  EXPECT_GT(lump->parts().harm.requests_per_minute, 200);
  EXPECT_FALSE(is_evidence(*lump, client(160, 0.02, 900, 0.9)));
}

TEST(Train, FewDaysOrThinOnesBoundNothing) {
  const auto rows = ordinary_rows(2000, 1);
  std::vector<std::uint32_t> days(rows.size());
  for (std::size_t i = 0; i < days.size(); ++i) days[i] = static_cast<std::uint32_t>(i % 2);
  const double level = (*train(rows, {}))->parts().harm.requests_per_minute;
  EXPECT_EQ((*train(rows, days, {}))->parts().harm.requests_per_minute, level) << "two days";
  for (std::size_t i = 0; i < days.size(); ++i) days[i] = static_cast<std::uint32_t>(i % 20);
  EXPECT_EQ((*train(rows, days, {}))->parts().harm.requests_per_minute, level) << "100 rows each";
}

class Explained : public testing::TestWithParam<Setting> {};
INSTANTIATE_TEST_SUITE_P(Settings, Explained, testing::Values(Setting::plain, Setting::best));

TEST_P(Explained, ContributionsAddUpToTheScoreAndNameWhatIsOdd) {
  const auto trained = train(ordinary_rows(5000, 1), {.setting = GetParam()});
  const Detector& detector = **trained;
  const ClientFeatures flood = client(3000, 0.88, 20'000, 0.95);
  const auto contributions = explain(detector, flood);
  ASSERT_EQ(contributions.size(), traffic::kFeatures);
  double sum = 0.5;
  for (std::size_t i = 0; i < contributions.size(); ++i) {
    sum += contributions[i].share;
    EXPECT_TRUE(i == 0 || contributions[i].share <= contributions[i - 1].share);
  }
  EXPECT_NEAR(sum, score(detector, flood), 1e-6);
  const auto words = in_words(contributions);
  EXPECT_THAT(words, testing::Contains(testing::StartsWith("3000 requests a minute (usual ")));
  EXPECT_THAT(words, testing::Contains(testing::HasSubstr("% errors (usual ")));
}

/// The second of three tiers asks twenty times as often; of the third there are few rows.
std::vector<ClientFeatures> rows_of_tiers() {
  std::vector<ClientFeatures> rows = ordinary_rows(5000, 1);
  Random random(2);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].tier = i % 60 == 0 ? 3 : i % 3 == 0 ? 2 : i % 3 == 1 ? 1 : 0;
    if (rows[i].tier == 2) rows[i][traffic::Feature::requests_per_minute] *= 20;
  }
  return rows;
}

TEST(Train, TellsWhatIsUsualForEachTierThatHasRowsEnough) {
  const std::vector<ClientFeatures> rows = rows_of_tiers();
  const auto detector = *train(rows, {.tiers = {"STD", "PRM", "TRIAL"}});
  ASSERT_EQ(detector->parts().tiers.size(), 2U);
  const auto rate_of = [&](const char* tier) {
    for (const auto& part : explain(*detector, rows[0], tier))
      if (part.feature == traffic::Feature::requests_per_minute) return part;
    throw std::logic_error("no rate");
  };
  EXPECT_EQ(rate_of("STD").usual_of, "STD");
  EXPECT_EQ(rate_of("PRM").usual_of, "PRM");
  EXPECT_EQ(rate_of("TRIAL").usual_of, "") << "84 rows say little of a twentieth";
  EXPECT_EQ(rate_of("").usual_of, "");
  EXPECT_NEAR(rate_of("PRM").usual_high / rate_of("STD").usual_high, 20, 4);
  EXPECT_GT(rate_of("").usual_high, rate_of("STD").usual_high);
  EXPECT_LT(rate_of("").usual_high, rate_of("PRM").usual_high);
  EXPECT_THAT(in_words(explain(*detector, client(3000, 0.88, 20'000, 0.95), "STD")),
              testing::Contains(testing::StartsWith("3000 requests a minute (usual for STD: ")));
}

TEST(Train, LetsTiersHaveNoPartInTheScore) {
  const std::vector<ClientFeatures> rows = rows_of_tiers();
  const auto with = *train(rows, {.tiers = {"STD", "PRM", "TRIAL"}});
  const auto without = *train(rows, {});
  for (std::size_t i = 0; i < 200; ++i) ASSERT_EQ(score(*with, rows[i]), score(*without, rows[i]));
}

TEST(Words, SayRatiosAsTheyWereCountedAndAboutWhatNobodyCounted) {
  using traffic::Feature;
  traffic::ClientFigures figures;
  figures.error_ratio = 1;
  figures.endpoint_concentration = 0.5;
  const auto shrunk = [](double part, double whole, double usual, double pseudo) {
    return (part + usual * pseudo) / (whole + pseudo);
  };
  const std::vector<Contribution> parts{
      {Feature::error_ratio, shrunk(9, 9, 0.03, 10), 0, 0.09, 0.5},
      {Feature::hour_error_ratio, shrunk(35.2, 44, 0.03, 10), 0, 0.09, 0.4},
      {Feature::hour_errors, 35.2, 0.2, 1.4, 0.3},
      {Feature::agent_diversity, 8.53, 1, 1.02, 0.2},
      {Feature::endpoint_concentration, 0.47, 0.6, 0.9, 0.1},
      {Feature::hour_requests, 1.4, 0.2, 1.3, 0.1, "PRM"}};
  EXPECT_THAT(in_words(parts, figures),
              testing::ElementsAre("100 % errors (usual 0 to 16 %)",  // of nine, not of many
                                   "80 % errors over the last hour (usual 0 to 10 %)",
                                   "about 35 errors in the last hour (usual 0 to 1)",
                                   "about 9 user agents in five minutes (usual 1 to 1)",
                                   "50 % of the requests to one group of paths (usual 69 to 100 %)",
                                   "about 1 request in the last hour (usual for PRM: 0 to 1)"));
}

TEST_F(Trained, CallsNoErrorsUsualWhereManyClientsHaveNone) {
  using traffic::Feature;
  const auto explained = [&](double errors_low) {
    DetectorParts parts = detector().parts();
    const auto set = [&](Feature feature, UsualRange range) {
      parts.usual[static_cast<std::size_t>(feature)] = range;
    };
    // Ranges of clients with thirty responses or so: three in a hundred times ten of forty.
    set(Feature::error_ratio, {0.0075, 0.08});
    set(Feature::hour_error_ratio, {0.006, 0.08});
    set(Feature::hour_errors, {errors_low, 9});
    auto all = explain(Detector(std::move(parts)), client(60, 0.97, 600, 0.95));
    std::erase_if(all, [](const Contribution& c) {
      return c.feature != Feature::error_ratio && c.feature != Feature::hour_error_ratio;
    });
    return all;
  };
  using testing::Field;
  EXPECT_THAT(explained(0), testing::Each(Field(&Contribution::usual_low, 0)));
  EXPECT_THAT(explained(0.3), testing::Each(Field(&Contribution::usual_low, 0)))
      << "a third of an error has faded";
  EXPECT_THAT(explained(2), testing::Each(Field(&Contribution::usual_low, testing::Gt(0.005))));
  EXPECT_THAT(explained(0), testing::Each(Field(&Contribution::usual_high, 0.08)));
  EXPECT_THAT(in_words(explained(0)),
              testing::Contains(testing::HasSubstr(" % errors (usual 0 to 8 %)")));
}

TEST(Words, CallUsualWhatTheFeatureCallsUsual) {
  using traffic::Feature;
  traffic::ClientFigures figures;
  for (std::uint32_t responses = 1; responses < 400; ++responses) {
    for (std::uint32_t errors = 0; errors <= responses; ++errors) {
      figures.responses = responses;
      figures.error_ratio = static_cast<double>(errors) / responses;
      const double drawn = (errors + 0.3) / (responses + 10.0);
      if (drawn > 0.08) break;  // the first that is odd, said below
    }
    const double drawn = (figures.error_ratio * responses + 0.3) / (responses + 10.0);
    if (drawn <= 0.08) continue;
    const auto words = in_words({{Feature::error_ratio, drawn, 0, 0.08, 0.5}}, figures);
    ASSERT_EQ(words.size(), 1U);
    double value = 0, high = 0;
    ASSERT_EQ(std::sscanf(words[0].c_str(), "%lf %% errors (usual 0 to %lf", &value, &high), 2);
    EXPECT_GE(value, high) << words[0];
  }
}

TEST(Words, NameNoValueWithinItsUsualRangeUnlessAllAre) {
  using traffic::Feature;
  const Contribution errors{Feature::error_ratio, 0.88, 0, 0.09, 0.2};
  const Contribution rate{Feature::requests_per_minute, 18, 0.2, 21, 0.1};
  const Contribution hour{Feature::hour_requests, 7, 1, 9, -0.05};
  EXPECT_THAT(in_words({errors, rate, hour}), testing::ElementsAre("88 % errors (usual 0 to 9 %)"));
  EXPECT_THAT(in_words({rate, hour}),
              testing::ElementsAre(
                  "none of these alone, but together: 18 requests a minute (usual 0.2 to 21)"));
  EXPECT_THAT(in_words({hour}), testing::IsEmpty());
}

TEST(Words, WriteNoExponents) {
  using traffic::Feature;
  EXPECT_THAT(in_words({{Feature::requests_per_minute, 99.7, 0.2, 99.4, 0.1}}),
              testing::ElementsAre("100 requests a minute (usual 0.2 to 99)"));
}

TEST(Words, HoldNoHarmlessOddityAgainstAnybody) {
  using traffic::Feature;
  const Contribution rate{Feature::requests_per_minute, 119, 1, 5, 0.3};
  const Contribution no_errors{Feature::error_ratio, 0.001, 0.01, 0.08, 0.1};
  const Contribution many_paths{Feature::endpoint_concentration, 0.24, 0.29, 0.54, 0.1};
  EXPECT_THAT(
      in_words({rate, no_errors, many_paths}),
      testing::ElementsAre("119 requests a minute (usual 1 to 5)",
                           "24 % of the requests to one group of paths (usual 29 to 54 %)"));
  EXPECT_THAT(in_words({no_errors}), testing::ElementsAre("0 % errors (usual 1 to 8 %)"))
      << "but no verdict goes without a word";
}

TEST_F(Trained, ScoresAreFiniteWhateverTheFeatures) {
  ClientFeatures wild;
  wild.values.fill(std::nanf(""));
  EXPECT_GT(score(detector(), wild), 0);
  wild.values.fill(std::numeric_limits<float>::infinity());
  EXPECT_LT(score(detector(), wild), 1);
  wild.values.fill(-5);
  EXPECT_FALSE(is_evidence(detector(), wild));
}

}  // namespace
}  // namespace tidelimit::anomaly
