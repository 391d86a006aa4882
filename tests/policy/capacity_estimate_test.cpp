// A service of so many workers, first come first served, in virtual time; what it is asked for may
// be held to what the estimate lets in, as the divider does.
#include "policy/capacity_estimate.hpp"

#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <limits>
#include <queue>

#include "base/random.hpp"
#include "policy/settings.hpp"

namespace tidelimit::policy::test {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct Workers {
  int count;
  double service_seconds;  ///< exponential
  [[nodiscard]] constexpr double capacity() const { return count / service_seconds; }
};
constexpr Workers kMany{11, 0.1};
constexpr double kCapacity = kMany.capacity();
constexpr double kNothingHeld = std::numeric_limits<double>::infinity();

class Service {
 public:
  explicit Service(std::optional<double> ceiling = {}, std::uint64_t seed = 1,
                   Workers workers = kMany)
      : random_(seed), estimate_(ceiling, {1.0}), service_seconds_(workers.service_seconds) {
    for (int i = 0; i < workers.count; ++i) free_at_.push(0);
  }

  /// Calls at `per_second` for so long.
  void run(Nanos span, double per_second) {
    run(span, [=](double) { return per_second; });
  }
  /// The rate as a function of the seconds since the beginning of this span.
  void run(Nanos span, const std::function<double(double)>& rate) {
    const auto whole = static_cast<int>(span / seconds{1});
    for (int second = 0; second < whole; ++second) pass_second(rate(second));
  }

  [[nodiscard]] std::optional<double> estimate() const { return estimate_.per_second(); }
  [[nodiscard]] const CapacityEstimate& state() const { return estimate_; }
  /// Served a second since the last call.
  [[nodiscard]] double served() {
    const double mean = served_ / std::max(seconds_, 1.0);
    served_ = seconds_ = 0;
    return mean;
  }

  bool limited = true;                        ///< by 0.9 of the estimate
  double held = 1;                            ///< share of the requests that limits hold back
  double patience_seconds = 5;                ///< a longer queue is refused by the service itself
  double slower = 1;                          ///< factor of service times
  std::size_t thrash_from = ~std::size_t{0};  ///< so many in the queue make it three times slower

 private:
  struct Done {
    double at, latency;
    bool operator>(const Done& other) const { return at > other.at; }
  };

  void pass_second(double per_second) {
    EndpointLoad load;
    load.endpoint = "all";
    load.asked = {0};
    const auto let_in = estimate_.to_let_in();
    const double most = limited && let_in ? kDefaultUtilisation * *let_in : per_second;
    for (double at = now_ + random_.exponential() / per_second; at < now_ + 1;
         at += random_.exponential() / per_second) {
      if ((held == 1 || random_.chance(held)) && !random_.chance(std::min(1.0, most / per_second)))
        continue;
      load.asked[0] += 1;
      admit(at, load);
    }
    now_ += 1;
    answer_until(now_, load);
    seconds_ += 1;
    estimate_.update({&load}, seconds{1}, limited ? (1 - held) * per_second : kNothingHeld,
                     let_in && kDefaultUtilisation * *let_in < per_second);
  }

  void answer_until(double time, EndpointLoad& load) {
    for (; !answers_.empty() && answers_.top().at < time; answers_.pop()) {
      load.served += {1, answers_.top().latency * 1e3};
      served_ += 1;
    }
  }

  void admit(double at, EndpointLoad& load) {
    answer_until(at, load);
    const double start = std::max(at, free_at_.top());
    if (start - at > patience_seconds) {
      load.failed += {1, 0};  // at once
      return;
    }
    const bool thrashes = answers_.size() > thrash_from;
    const double service =
        random_.exponential() * service_seconds_ * slower * (thrashes ? 3.0 : 1.0);
    free_at_.pop();
    free_at_.push(start + service);
    answers_.push({start + service, start + service - at});
  }

  Random random_;
  CapacityEstimate estimate_;
  double service_seconds_;
  double now_ = 0, served_ = 0, seconds_ = 0;
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at_;
  std::priority_queue<Done, std::vector<Done>, std::greater<>> answers_;
};

/// An hour at seven tenths, then an overload of half as much again for ten minutes.
void teach(Service& service) {
  service.run(hours{1}, 0.7 * kCapacity);
  service.run(minutes{10}, 1.5 * kCapacity);
}

TEST(CapacityEstimate, KnowsNothingBeforeTheServiceWasFullOnce) {
  Service service;
  service.run(hours{3}, 0.7 * kCapacity);
  EXPECT_FALSE(service.estimate());
  EXPECT_FALSE(service.state().to_let_in());
  EXPECT_GT(service.state().at_least(), 0.65 * kCapacity);
  EXPECT_LT(service.state().at_least(), 0.85 * kCapacity);
}

TEST(CapacityEstimate, IsWithinATenthOfWhatTheWorkersCanDo) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Service service({}, seed);
    teach(service);
    ASSERT_TRUE(service.estimate()) << "seed " << seed;
    EXPECT_NEAR(*service.estimate(), kCapacity, 0.1 * kCapacity) << "seed " << seed;
  }
}

TEST(CapacityEstimate, StaysSoundUnderAnOverloadOfHours) {
  Service service;
  teach(service);
  (void)service.served();
  for (int hour = 0; hour < 6; ++hour) {
    service.run(hours{1}, 2 * kCapacity);
    EXPECT_NEAR(*service.estimate(), kCapacity, 0.1 * kCapacity) << "hour " << hour;
  }
  EXPECT_GT(service.served(), 0.85 * kCapacity) << "limits must not starve the service";
  EXPECT_LT(service.state().latency_ratio(), 3);
}

TEST(CapacityEstimate, DoesNotTakeThrashingForLackOfCapacity) {
  Service service;
  service.limited = false;  // nothing helps, as in shadow mode
  service.run(hours{1}, 0.7 * kCapacity);
  service.run(minutes{10}, 1.2 * kCapacity);
  service.thrash_from = 60;
  (void)service.served();
  service.run(minutes{30}, 1.5 * kCapacity);
  EXPECT_LT(service.served(), 0.5 * kCapacity) << "or it does not thrash";
  EXPECT_NEAR(*service.estimate(), kCapacity, 0.1 * kCapacity);
  service.limited = true;
  service.run(minutes{10}, 1.5 * kCapacity);
  EXPECT_GT(service.served(), 0.5 * kCapacity);
  EXPECT_NEAR(*service.estimate(), kCapacity, 0.15 * kCapacity);
}

/// At what it can do, with minutes of a tenth less, and of half as much again, for an hour.
void expect_no_fall(Service& service, const std::string& where) {
  double before = 0;
  for (int minute = 0; minute < 70; ++minute) {
    const double load = minute < 10 ? 0.7 : minute % 10 == 0 ? 1.5 : minute % 3 == 0 ? 0.92 : 1.02;
    for (int second = 0; second < 60; ++second) {
      service.run(seconds{1}, load * kCapacity);
      if (!service.estimate()) continue;
      ASSERT_GE(*service.estimate(), before) << where << ", minute " << minute;
      ASSERT_GE(*service.state().to_let_in(), before) << where << ", minute " << minute;
      before = *service.estimate();
      if (service.limited) continue;
      ASSERT_EQ(service.state().to_let_in(), service.estimate()) << where << ", minute " << minute;
    }
  }
  EXPECT_NEAR(before, kCapacity, 0.15 * kCapacity) << where;
}

TEST(CapacityEstimate, NeitherFallsNorDrainsNorProbesWhereNothingIsHeldBack) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Service service({}, seed);
    service.limited = false;
    expect_no_fall(service, "seed " + std::to_string(seed));
  }
}

TEST(CapacityEstimate, DoesNotFallWhereTooLittleIsHeldBackToDrainTheService) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Service service({}, seed);
    service.held = 0.05;
    expect_no_fall(service, "seed " + std::to_string(seed));
  }
}

TEST(CapacityEstimate, GivesUpADrainOnceNothingIsHeldBack) {
  Service service;
  teach(service);
  service.slower = 4;
  const auto drains = [&] { return *service.state().to_let_in() < 0.9 * *service.estimate(); };
  for (int second = 0; second < 60 && !drains(); ++second) service.run(seconds{1}, 1.3 * kCapacity);
  ASSERT_TRUE(drains());
  service.limited = false;
  service.run(seconds{20}, 1.3 * kCapacity);
  EXPECT_FALSE(drains());
}

TEST(CapacityEstimate, FallsWhereMostIsHeldBack) {
  Service service;
  teach(service);
  service.held = 0.9;
  service.slower = 2;
  service.run(minutes{10}, kCapacity);
  EXPECT_LT(*service.estimate(), 0.7 * kCapacity);
}

TEST(CapacityEstimate, FollowsAServiceThatBecomesSlowerAndFasterAgain) {
  Service service;
  teach(service);
  for (int minute = 0; minute < 120; ++minute) {
    service.slower = 1 + minute / 120.0;
    service.run(minutes{1}, 1.3 * kCapacity);
  }
  service.run(minutes{10}, 1.3 * kCapacity);
  EXPECT_NEAR(*service.estimate(), kCapacity / 2, 0.15 * kCapacity / 2);
  service.slower = 1;
  service.run(minutes{20}, 1.3 * kCapacity);
  EXPECT_NEAR(*service.estimate(), kCapacity, 0.1 * kCapacity);
}

TEST(CapacityEstimate, LearnsThatHalfOfTheWorkersHaveGoneWhileLoadIsHigh) {
  Service service;
  teach(service);
  service.slower = 2;
  service.run(minutes{5}, 1.3 * kCapacity);
  EXPECT_NEAR(*service.estimate(), kCapacity / 2, 0.15 * kCapacity / 2);
}

TEST(CapacityEstimate, SleepsThroughNightsInWhichADependencyIsSlow) {
  Service service;
  teach(service);
  const double before = *service.estimate();
  service.run(hours{2}, 0.02 * kCapacity);
  EXPECT_EQ(*service.estimate(), before);
  service.slower = 5;
  service.run(hours{1}, 0.05 * kCapacity);
  service.slower = 1;
  EXPECT_EQ(*service.estimate(), before);
  service.run(hours{5}, [](double s) { return (0.05 + 0.6 * s / 18000) * kCapacity; });
  EXPECT_EQ(*service.estimate(), before);
}

TEST(CapacityEstimate, NeverExceedsItsCeiling) {
  Service service(80.0);
  EXPECT_EQ(service.state().to_let_in(), 80.0);
  service.limited = false;
  teach(service);
  EXPECT_EQ(service.estimate(), 80.0);
  EXPECT_EQ(service.state().to_let_in(), 80.0);
}

/// One second's answers, so many in so long each, for so many seconds.
void answer(CapacityEstimate& estimate, int count, TimedAnswers served, TimedAnswers rejected = {},
            TimedAnswers failed = {}) {
  const auto all = [](TimedAnswers each) {
    return TimedAnswers{each.count, each.count * each.latency_ms_sum};
  };
  const double asked = served.count + rejected.count + failed.count;
  const EndpointLoad load{"all", {asked}, {}, all(served), all(rejected), all(failed)};
  for (int i = 0; i < count; ++i) estimate.update({&load}, seconds{1}, 0, false);
}

TEST(CapacityEstimate, CountsErrorsAsNoWork) {
  for (const double failure_ms : {0.4, 400.0}) {
    CapacityEstimate estimate({}, {1.0});
    answer(estimate, 120, {100, 50});
    answer(estimate, 30, {60, 400}, {}, {440, failure_ms});
    ASSERT_TRUE(estimate.per_second());
    EXPECT_NEAR(*estimate.per_second(), 100, 5) << "what was served before is the better witness";
  }
}

/// As it was learned, after `failure_ms` for each answer of an outage.
TEST(CapacityEstimate, LearnsNothingFromAnOutage) {
  for (const double failure_ms : {0.4, 30'000.0}) {
    for (const double still_served : {0.0, 5.0}) {
      CapacityEstimate estimate({}, {1.0});
      answer(estimate, 120, {100, 50});
      answer(estimate, 30, {100, 400});
      ASSERT_TRUE(estimate.per_second());
      const double before = *estimate.per_second();
      answer(estimate, 300, {still_served, 5}, {}, {100 - still_served, failure_ms});
      EXPECT_EQ(*estimate.per_second(), before) << failure_ms << " ms";
      answer(estimate, 600, {70, 50});
      EXPECT_EQ(*estimate.per_second(), before) << failure_ms << " ms";
      EXPECT_NEAR(estimate.latency_ratio(), 1, 0.01) << "usual is what it was";
    }
  }
}

TEST(CapacityEstimate, CountsARejectionAsMuchAsTheTimeThatItTook) {
  const auto at_least = [](TimedAnswers rejected) {
    CapacityEstimate estimate({}, {1.0});
    answer(estimate, 60, {40, 100});
    answer(estimate, 60, {40, 100}, rejected);
    EXPECT_NEAR(estimate.latency_ratio(), 1, 0.01);
    return estimate.at_least();
  };
  EXPECT_NEAR(at_least({}), 40, 4);
  EXPECT_NEAR(at_least({250, 0}), 40, 4);
  EXPECT_NEAR(at_least({250, 0.4}), 41, 4);
  EXPECT_NEAR(at_least({40, 50}), 60, 6);
  EXPECT_NEAR(at_least({40, 100}), 80, 8);
  EXPECT_NEAR(at_least({40, 900}), 80, 8) << "one is never more than one";
}

/// A rush in which answers take thirty times as long, so that next to nothing is let in.
void starve(Service& service) {
  teach(service);
  service.slower = 30;
  service.patience_seconds = 60;
  service.run(hours{1}, 0.3 * kCapacity);
}

TEST(CapacityEstimate, RisesFromVeryLittleWithinMinutesOnceNothingWaits) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Service service({}, seed);
    starve(service);
    ASSERT_LT(*service.estimate(), 5) << "seed " << seed;
    service.slower = 1;
    service.run(minutes{10}, 0.3 * kCapacity);
    (void)service.served();
    service.run(minutes{5}, 0.3 * kCapacity);
    EXPECT_GT(service.served(), 0.27 * kCapacity) << "seed " << seed;
  }
}

TEST(CapacityEstimate, StaysLowWhileTheFewAnswersThatThereAreWait) {
  Service service;
  starve(service);
  const double low = *service.estimate();
  for (int minute = 0; minute < 30; ++minute) {
    service.run(minutes{1}, 0.3 * kCapacity);
    EXPECT_LT(*service.estimate(), 1.3 * low) << "minute " << minute;
  }
}

TEST(CapacityEstimate, LearnsAServiceOfTwoAnswersASecond) {
  constexpr Workers kFew{4, 2.0};
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Service service({}, seed, kFew);
    service.patience_seconds = 60;
    service.run(hours{1}, 0.5 * kFew.capacity());
    service.run(minutes{30}, 1.5 * kFew.capacity());
    ASSERT_TRUE(service.estimate()) << "seed " << seed;
    EXPECT_NEAR(*service.estimate(), kFew.capacity(), 0.3 * kFew.capacity()) << "seed " << seed;
  }
}

TEST(CapacityEstimate, DoesNotTakeAFewSlowAnswersForAFullService) {
  Service service;
  service.run(hours{1}, 0.02 * kCapacity);
  service.slower = 4;
  service.run(minutes{10}, 0.02 * kCapacity);
  EXPECT_FALSE(service.estimate());
}

}  // namespace
}  // namespace tidelimit::policy::test
