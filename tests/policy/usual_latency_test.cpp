#include "policy/usual_latency.hpp"

#include <gtest/gtest.h>

namespace tidelimit::policy {
namespace {

using std::chrono::seconds;

/// 60 answers a second, so many of them errors.
void serve(UsualLatency& usual, int minutes, double mean_ms, double failed) {
  EndpointLoad load;
  load.served = {60 - failed, (60 - failed) * mean_ms};
  load.failed = {failed, failed * 0.4};
  for (int second = 0; second < minutes * 60; ++second) usual.add(load, seconds{1}, false);
}

TEST(UsualLatency, IsNoLowerForAMinuteInWhichMuchFailed) {
  UsualLatency usual;
  serve(usual, 2, 100, 0);
  serve(usual, 10, 1, 7);
  EXPECT_DOUBLE_EQ(usual.ms().value(), 100);
  serve(usual, 1, 50, 5);
  EXPECT_DOUBLE_EQ(usual.ms().value(), 50) << "a twelfth is not much";
}

TEST(UsualLatency, FollowsAServiceThatFailsALittleAllTheTime) {
  UsualLatency usual;
  serve(usual, 1, 100, 0);
  serve(usual, 59, 150, 7);
  EXPECT_DOUBLE_EQ(usual.ms().value(), 100);
  serve(usual, 1, 150, 7);
  EXPECT_DOUBLE_EQ(usual.ms().value(), 150) << "an hour later";
}

TEST(UsualLatency, IsKnownTenMinutesAfterAStartInFailures) {
  UsualLatency usual;
  serve(usual, 10, 100, 30);
  EXPECT_FALSE(usual.known());
  serve(usual, 1, 100, 30);
  EXPECT_TRUE(usual.known());
  EXPECT_DOUBLE_EQ(usual.ms().value(), 100);
}

TEST(UsualLatency, TakesNoFiveSecondsInWhichMuchFailed) {
  UsualLatency usual;
  EndpointLoad failing;
  failing.served = {30, 30};
  failing.failed = {30, 12};
  for (int second = 0; second < 20; ++second) usual.add(failing, seconds{1}, false);
  EndpointLoad well;
  well.served = {60, 6000};
  for (int second = 0; second < 5; ++second) usual.add(well, seconds{1}, false);
  EXPECT_DOUBLE_EQ(usual.ms().value(), 100);
}

}  // namespace
}  // namespace tidelimit::policy
