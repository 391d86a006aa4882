// What `false_alarms` promises, on generated traffic in which nobody is malicious.

#include <gtest/gtest.h>

#include "anomaly/dated_training.hpp"
#include "anomaly/feature_sampler.hpp"
#include "cli/offline/engine_trial.hpp"
#include "config/config.hpp"
#include "ingest/synthetic/synthetic.hpp"

namespace tidelimit::cli {
namespace {

constexpr double kDays = 8;
constexpr std::chrono::days kTaught{3};

struct Clean {
  std::size_t verdicts = 0;          ///< all of them wrong
  std::uint64_t client_minutes = 0;  ///< judged
};

/// Trains on the first days and judges the others, as `train` and a gate would.
Clean judged(std::uint64_t seed, double false_alarms) {
  synthetic::SyntheticOptions options;
  options.days = kDays;
  options.seed = seed;
  options.scale = 0.6;
  options.attackers = 0;
  auto traffic = synthetic::SyntheticTraffic::create(options);
  const WallTime split = options.start + kTaught;
  anomaly::FeatureSampler sampler;
  anomaly::FeatureSampler counter;
  auto config = config::defaults();
  config.engine.policy.anomaly.max_new_verdicts = Rate{1'000'000, std::chrono::hours{1}};
  std::optional<EngineTrial> trial;
  traffic::Request request;
  while (traffic->next(request)) {
    if (request.time < split) {
      sampler.add(request);
      continue;
    }
    if (!trial) {
      const auto& rows = sampler.rows();
      model::Bundle bundle;
      bundle.anomaly = *anomaly::train(
          rows, sampler.days(), {.setting = anomaly::Setting::best, .false_alarms = false_alarms});
      trial.emplace(config.engine, bundle);
    }
    trial->add(request);
    counter.add(request);
  }
  trial->finish();
  (void)counter.rows();  // ends the running minute
  return {trial->worst().size(), counter.client_minutes()};
}

class FalseAlarms : public testing::TestWithParam<double> {};
INSTANTIATE_TEST_SUITE_P(Promises, FalseAlarms, testing::Values(1e-5, 1e-4));

TEST_P(FalseAlarms, StayWithinThePromiseOverWeeksOfCleanTraffic) {
  std::size_t wrong = 0;
  std::uint64_t minutes = 0;
  for (const std::uint64_t seed : {1, 2, 3}) {
    const Clean clean = judged(seed, GetParam());
    wrong += clean.verdicts;
    minutes += clean.client_minutes;
  }
  ASSERT_GE(minutes, 100'000U);
  const double days = 3 * (kDays - kTaught.count());
  const double promised = GetParam() * static_cast<double>(minutes) / days;
  EXPECT_LE(static_cast<double>(wrong) / days, promised)
      << wrong << " wrong verdicts in " << minutes << " client-minutes";
}

}  // namespace
}  // namespace tidelimit::cli
