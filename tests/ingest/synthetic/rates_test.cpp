#include "ingest/synthetic/rates.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <unordered_set>

#include "base/hash.hpp"
#include "ingest/synthetic/synthetic.hpp"

namespace tidelimit::synthetic {
namespace {

using Series = std::map<WallTime, RateRow>;

struct Made {
  PerEndpoint<Series> rates;
  /// Good requests by endpoint and window, counted from the stream itself.
  PerEndpoint<std::map<WallTime, double>> counted;
};

Made make(double days) {
  auto traffic = SyntheticTraffic::create({.days = days, .rates = true});
  EXPECT_TRUE(traffic.has_value());
  Made made;
  std::unordered_set<ClientId, ClientIdHash> malicious;
  const auto take = [&] {
    for (const auto& row : traffic->take_rates()) made.rates[row.endpoint][row.time] = row;
  };
  traffic::Request request;
  while (traffic->next(request)) {
    for (const auto& label : traffic->take_labels()) {
      if (is_malicious(label.kind)) malicious.insert(label.client.id);
    }
    if (!malicious.contains(request.client)) {
      const auto segment = request.path.substr(1, request.path.find_first_of("/?", 1) - 1);
      for (const Endpoint e : kAllEndpoints) {
        if (segment == name_of(e)) {
          made.counted[e][floor_to(request.time, std::chrono::minutes{kWindowMinutes})] += 1;
        }
      }
    }
    take();
  }
  take();
  return made;
}

TEST(Rates, CountExactlyTheGoodRequests) {
  const Made made = make(2);
  for (const Endpoint e : kAllEndpoints) {
    ASSERT_EQ(made.rates[e].size(), 2 * 96u) << name_of(e);
    for (const auto& [time, row] : made.rates[e]) {
      const auto counted = made.counted[e].find(time);
      const double came = counted == made.counted[e].end() ? 0 : counted->second;
      ASSERT_EQ(row.requests, came) << name_of(e) << " at " << format_time(time);
    }
  }
}

TEST(Rates, NobodyBeatsTheOracleAndTheCausalFilterBeatsYesterday) {
  const Made made = make(14);
  double average = 0;
  for (const Endpoint e : kAllEndpoints) {
    double oracle = 0;
    double causal = 0;
    double yesterday = 0;
    double n = 0;
    for (const auto& [time, row] : made.rates[e]) {
      const auto before = made.rates[e].find(time - std::chrono::days{1});
      if (before == made.rates[e].end() || std::isnan(row.actual_next_hour)) continue;
      oracle += std::abs(row.actual_next_hour - row.oracle_next_hour);
      causal += std::abs(row.actual_next_hour - row.causal_next_hour);
      yesterday += std::abs(row.actual_next_hour - before->second.actual_next_hour);
      n += 1;
    }
    EXPECT_LT(oracle, causal) << name_of(e);
    EXPECT_LT(causal, 0.7 * yesterday) << name_of(e);
    average += causal / n / kEndpoints;
  }
  // The default scale leaves a forecast under 20 requests an hour within reach.
  EXPECT_GT(average, 8);
  EXPECT_LT(average, 16);
}

TEST(Rates, FloorsComeBackFromTheFile) {
  auto traffic = SyntheticTraffic::create({.days = 1, .rates = true});
  traffic::Request request;
  std::string text = rates_header();
  FloorTally tally;
  while (traffic->next(request)) {
  }
  for (const auto& row : traffic->take_rates()) {
    append_csv(row, text);
    tally.add(row);
  }
  std::istringstream file(text);
  const auto hours = read_known_hours(file);
  ASSERT_TRUE(hours.has_value()) << hours.error().message;
  FloorTally read;
  for (const KnownHour& hour : *hours)
    read.add(hour.endpoint, hour.oracle, hour.causal, hour.actual);
  ASSERT_EQ(read.floors().size(), kEndpoints);
  EXPECT_EQ(read.floors().front().origins, 93u) << "the last three horizons are not complete";
  EXPECT_NEAR(average(read.floors()).causal_mae, average(tally.floors()).causal_mae, 0.01);
}

TEST(Rates, SaysWhichLineIsNone) {
  std::istringstream labels("client_ip,label\n");
  EXPECT_THAT(read_known_hours(labels).error().message, testing::HasSubstr("line 1: no column"));
  std::istringstream damaged(rates_header() + "2026-01-05T00:00:00Z,payment,1\n");
  EXPECT_THAT(read_known_hours(damaged).error().message,
              testing::HasSubstr("line 2: has 3 fields"));
}

}  // namespace
}  // namespace tidelimit::synthetic
