#include "cli/suggest/refusal_trial.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace tidelimit::cli {
namespace {

constexpr ClientId kClient{0, std::uint64_t{0xffff} << 32 | 7};

WallTime at(double seconds) {
  return WallTime{
      std::chrono::duration_cast<Nanos>(std::chrono::duration<double>(1'795'000'000 + seconds))};
}

struct Arrival {
  double second;
  std::uint8_t tier;
};

/// By a trial that watches only whom it takes for possibly refused.
std::uint64_t refused(const std::vector<Arrival>& arrivals,
                      const std::vector<std::uint64_t>& limits) {
  PeakBook book;
  for (const Arrival& a : arrivals) book.add(1, kClient, 0, a.tier, at(a.second));
  RefusalTrial trial(limits, limits.size());
  for (const Peak& peak : book.peaks()) trial.watch(peak);
  for (const Arrival& a : arrivals) trial.add(1, 0, a.tier, at(a.second));
  std::uint64_t requests = 0;
  for (const Refusals& one : trial.refusals())
    for (const auto& [tier, n] : one.by_tier) requests += n;
  return requests;
}

TEST(RefusalTrial, RefusesWhatTheRateAndTheBurstDoNotLetPass) {
  std::vector<Arrival> arrivals;
  for (int i = 0; i < 600; ++i) arrivals.push_back({i * 1.0, 0});  // 60 a minute for 10 minutes
  // 12 at once and 12 a minute: the last of 599 s meets what 119.8 more let pass.
  EXPECT_EQ(refused(arrivals, {12}), 600U - 12U - 119U);
  EXPECT_EQ(refused(arrivals, {60}), 0U);
  EXPECT_EQ(refused(arrivals, {0}), 0U) << "no limit";
}

TEST(RefusalTrial, HasOneBucketForAPrincipalInTwoTiers) {
  std::vector<Arrival> arrivals;
  for (int i = 0; i < 20; ++i)
    arrivals.push_back({0, static_cast<std::uint8_t>(i % 2)});  // ten each
  EXPECT_EQ(refused(arrivals, {12, 12}), 8U);
}

RC_GTEST_PROP(RefusalTrialProperty, WatchesEverybodyWhomALimitRefuses, (std::uint16_t seed)) {
  std::vector<Arrival> arrivals;
  for (const unsigned tenth :
       *rc::gen::container<std::vector<unsigned>>(rc::gen::inRange(0u, 3000u)))
    arrivals.push_back({tenth / 10.0, 0});
  std::sort(arrivals.begin(), arrivals.end(),
            [](const Arrival& a, const Arrival& b) { return a.second < b.second; });
  const std::uint64_t n = 1 + seed % 40;
  const auto limit = limiter::make_limit({n, std::chrono::minutes{1}}, n);
  limiter::Tat tat{0};
  std::uint64_t expected = 0;
  for (const Arrival& a : arrivals) {
    const auto answer =
        limiter::conform(tat, 1, limit, Instant{at(a.second) - at(arrivals.front().second)});
    tat = answer.tat;
    if (!answer.conforms) ++expected;
  }
  RC_ASSERT(refused(arrivals, {n}) == expected);
}

}  // namespace
}  // namespace tidelimit::cli
