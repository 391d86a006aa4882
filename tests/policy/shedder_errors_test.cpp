// What shedding makes of answers that are no successes.
#include <gtest/gtest.h>

#include "policy/shedding_upstream.hpp"

namespace tidelimit::policy::test {
namespace {

TEST(Shedder, TakesNoOutageForUsual) {
  Upstream upstream(with_shedding());
  upstream.run(300, kCalm);
  upstream.failing = 1;
  upstream.failure_ms = 0.4;
  upstream.run(600, kCalm);
  EXPECT_FALSE(upstream.shedder.state().active) << "nothing that is answered at once waits";
  upstream.failing = 0;
  for (int i = 0; i < 3600; ++i) {
    upstream.second(kCalm);
    ASSERT_FALSE(upstream.shedder.state().active) << i << upstream.shedder.state().cause;
  }
}

TEST(Shedder, LearnsNothingFromAMinuteInWhichMuchFails) {
  Upstream upstream(with_shedding());
  upstream.run(300, kCalm);
  upstream.failing = 0.3;
  upstream.failure_ms = 0.4;
  upstream.quicker = 0.1;  // what still succeeds is what needs the least
  upstream.run(600, kCalm);
  upstream.failing = 0;
  upstream.quicker = 1;
  for (int i = 0; i < 3600; ++i) {
    upstream.second(kCalm);
    ASSERT_FALSE(upstream.shedder.state().active) << i << upstream.shedder.state().cause;
  }
}

TEST(Shedder, GoesByWhatSucceedsWhereAServiceAlwaysFailsABit) {
  Upstream upstream(with_shedding());
  upstream.failing = 0.05;
  upstream.failure_ms = 0.4;
  upstream.run(300, kCalm);
  upstream.run(60, kRush);
  EXPECT_TRUE(upstream.shedder.state().active);
  EXPECT_GT(upstream.shedder.share(1 * kTiers + 1), 0);
}

TEST(Shedder, SeesAnOverloadWhoseAnswersAllFailInTheEnd) {
  Upstream upstream(with_shedding());
  upstream.run(300, kCalm);
  upstream.run(10, kRush);
  upstream.failing = 1;
  upstream.failure_ms = 5000;
  upstream.run(60, kRush);
  EXPECT_TRUE(upstream.shedder.state().active);
  EXPECT_NEAR(upstream.shedder.share(1 * kTiers + 1), 0.8, 1e-9) << "browse/STD at its floor";
  upstream.failing = 0;
  upstream.queue_s = 0;
  upstream.run(45, kCalm);
  for (std::size_t cell = 0; cell < 6; ++cell) EXPECT_EQ(upstream.shedder.share(cell), 0);
}

TEST(Shedder, QuickRejectionsSayNothingOfUsualNorOfQueues) {
  Upstream upstream(with_shedding());
  upstream.run(300, kCalm);
  upstream.rejected = 300;
  upstream.run(300, kCalm);
  EXPECT_FALSE(upstream.shedder.state().active);
  upstream.run(60, kRush);
  EXPECT_TRUE(upstream.shedder.state().active) << "behind however many of them";
  upstream.rejected = 0;
  upstream.run(60, kCalm);
  for (int i = 0; i < 1800; ++i) {
    upstream.second(kCalm);
    ASSERT_FALSE(upstream.shedder.state().active) << i << upstream.shedder.state().cause;
  }
}

}  // namespace
}  // namespace tidelimit::policy::test
