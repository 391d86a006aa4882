#include "policy/trigger.hpp"

#include <gtest/gtest.h>
#include <limits>

#include "policy/mission.hpp"
#include "policy/words.hpp"

namespace tidelimit::policy::test {
namespace {

struct SpikeCase {
  const char* name;
  double median;
  std::optional<double> usual;
  bool starts;
};

class SpikeStarts : public testing::TestWithParam<SpikeCase> {};

TEST_P(SpikeStarts, AsTheTableSays) {
  Condition condition;
  condition.forecast = "payment";
  condition.spike = 1.5;
  const auto forecast = forecast_of("payment", GetParam().median, GetParam().usual);
  Readings readings;
  readings.forecast = &forecast;
  Trigger trigger;
  trigger.update(condition, readings);
  EXPECT_EQ(trigger.active(), GetParam().starts);
}

INSTANTIATE_TEST_SUITE_P(Trigger, SpikeStarts,
                         testing::Values(SpikeCase{"at_the_ratio", 1260, 840, true},
                                         SpikeCase{"below_the_ratio", 1259, 840, false},
                                         SpikeCase{"usual_unknown", 5000, std::nullopt, false},
                                         SpikeCase{"usual_zero", 5000, 0.0, false},
                                         SpikeCase{"too_few_requests", 99, 40, false},
                                         SpikeCase{"enough_requests", 100, 40, true},
                                         SpikeCase{"excess_within_noise", 16, 9, false}),
                         [](const auto& info) { return info.param.name; });

TEST(Trigger, ASmallExcessOverASmallUsualIsNoise) {
  Condition condition;
  condition.forecast = "payment";
  condition.spike = 1.5;
  condition.min_requests = 10;
  Readings readings;
  auto forecast = forecast_of("payment", 24, 14);  // 1.7 times, but 10 < 3 * sqrt(14)
  readings.forecast = &forecast;
  Trigger trigger;
  trigger.update(condition, readings);
  EXPECT_FALSE(trigger.active());
  forecast = forecast_of("payment", 26, 14);
  trigger.update(condition, readings);
  EXPECT_TRUE(trigger.active());
}

TEST(Trigger, UtilisationComparesTheForecastWithCapacity) {
  const auto settings = mission();
  Condition condition;
  condition.forecast = "payment";
  condition.utilisation = 0.8;
  Readings readings;
  readings.endpoint = &settings.endpoints[kPayment];  // capacity 1/s
  auto forecast = forecast_of("payment", 2879, std::nullopt);
  readings.forecast = &forecast;
  Trigger trigger;
  trigger.update(condition, readings);
  EXPECT_FALSE(trigger.active());
  forecast = forecast_of("payment", 2880, std::nullopt);
  trigger.update(condition, readings);
  EXPECT_TRUE(trigger.active());
  EXPECT_EQ(trigger.cause(),
            "forecast of payment: 2,880 requests in the next hour, 80 % of its capacity of 1/s");

  readings.endpoint = &settings.endpoints[kBrowse];  // none
  Trigger without;
  without.update(condition, readings);
  EXPECT_FALSE(without.active());
}

TEST(Trigger, ConditionsAreJoinedByAnd) {
  Condition condition;
  condition.forecast = "payment";
  condition.spike = 1.5;
  condition.cpu = 0.6;
  const auto forecast = forecast_of("payment", 2000, 840);
  Readings readings;
  readings.forecast = &forecast;
  Trigger trigger;
  readings.cpu = 0.59;
  trigger.update(condition, readings);
  EXPECT_FALSE(trigger.active());
  readings.cpu = 0.6;
  trigger.update(condition, readings);
  EXPECT_TRUE(trigger.active());
  readings.cpu = 0.44;
  trigger.update(condition, readings);
  EXPECT_FALSE(trigger.active()) << "it ends with the first part that ends";
}

TEST(Trigger, TheSameForecastSeenAgainIsNoSecondCalmWindow) {
  Condition condition;
  condition.forecast = "payment";
  condition.spike = 1.5;
  auto forecast = forecast_of("payment", 2000, 840);
  Readings readings;
  readings.forecast = &forecast;
  Trigger trigger;
  trigger.update(condition, readings);
  forecast = forecast_of("payment", 840, 840);
  forecast.made_at = WallTime{minutes{15}};
  for (int i = 0; i < 10; ++i) trigger.update(condition, readings);
  EXPECT_TRUE(trigger.active());
  forecast.made_at = WallTime{minutes{30}};
  trigger.update(condition, readings);
  EXPECT_FALSE(trigger.active());
}

/// A condition on all that there is to compare, and readings that meet it.
struct Everything {
  Everything() {
    condition.forecast = "payment";
    condition.spike = 1.5;
    condition.utilisation = 0.5;
    condition.cpu = 0.6;
    readings.endpoint = &settings.endpoints[kPayment];
    readings.forecast = &forecast;
    readings.cpu = 0.7;
  }
  PolicySettings settings = mission();
  forecast::EndpointForecast forecast = forecast_of("payment", 2000, 840);
  Condition condition;
  Readings readings;
  Trigger trigger;
};

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(Trigger, WhatIsNotANumberStartsNothing) {
  Everything met;
  met.trigger.update(met.condition, met.readings);
  EXPECT_TRUE(met.trigger.active());
  Everything forecast;
  forecast.forecast.quantiles.fill(kNan);
  forecast.trigger.update(forecast.condition, forecast.readings);
  EXPECT_FALSE(forecast.trigger.active());
  Everything cpu;
  cpu.readings.cpu = kNan;
  cpu.trigger.update(cpu.condition, cpu.readings);
  EXPECT_FALSE(cpu.trigger.active());
}

TEST(Trigger, EndsAtOnceWhereAForecastIsNoLongerANumber) {
  Everything world;
  world.trigger.update(world.condition, world.readings);
  ASSERT_TRUE(world.trigger.active());
  world.forecast.quantiles.fill(kNan);
  EXPECT_TRUE(world.trigger.update(world.condition, world.readings));
  EXPECT_FALSE(world.trigger.active());
  EXPECT_EQ(world.trigger.cause(), "the forecast of payment is not a number");
}

TEST(Trigger, EndsWhereTheCapacityThatItComparesWithIsGone) {
  Everything world;
  world.trigger.update(world.condition, world.readings);
  ASSERT_TRUE(world.trigger.active());
  world.settings.endpoints[kPayment].capacity.reset();
  EXPECT_TRUE(world.trigger.update(world.condition, world.readings));
  EXPECT_FALSE(world.trigger.active());
  EXPECT_EQ(world.trigger.cause(), "no capacity of payment is given any more");
}

TEST(Words, ReadAsPeopleWriteThem) {
  EXPECT_EQ(count_in_words(0), "0");
  EXPECT_EQ(count_in_words(999.4), "999");
  EXPECT_EQ(count_in_words(1690), "1,690");
  EXPECT_EQ(count_in_words(1234567), "1,234,567");
  EXPECT_EQ(percent_in_words(0.834), "83 %");
  EXPECT_EQ(ratio_in_words(2.0119), "2.0");
  EXPECT_EQ(span_in_words(hours{1}), "hour");
}

}  // namespace
}  // namespace tidelimit::policy::test
