// The experiment of bench/impact, on its evening: what the engine is for must come out of it.
#include <gtest/gtest.h>

#include "impact/past.hpp"
#include "impact/runs.hpp"
#include "impact/trial.hpp"

namespace tidelimit::impact {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

constexpr Span kEvening{hours{17} + minutes{20}, hours{19} + minutes{55}};
constexpr int kEpochs = 2;  // the weekly spike is the linear members' to know

class Impact : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const auto models = train(forecast::Preset::best, 7, kEpochs);
    ASSERT_TRUE(models) << models.error().message;
    auto played = play_all(kEvening, 1, 1, *models);
    ASSERT_TRUE(played) << played.error().message;
    outcomes = *std::move(played);
  }
  static const Outcome& of(Arm arm) { return outcomes.front()[static_cast<std::size_t>(arm)]; }
  static double promise(std::string_view name) {
    for (const Promise& one : promises(outcomes)) {
      if (one.name == name) return one.value.mean;
    }
    ADD_FAILURE() << name;
    return 0;
  }
  static const Bin& bin(const Outcome& outcome, Nanos at) {
    return outcome.bins[static_cast<std::size_t>((at - kEvening.from) / kBin)];
  }
  static inline Outcomes outcomes;
};

TEST_F(Impact, TheSpikeIsTooMuchForStaticLimits) {
  const Group prm = of(Arm::fixed).sum(Phase::spike, kPayment, kPrm);
  EXPECT_LT(availability(prm), 0.9) << "without an overload there is nothing to be shown";
  EXPECT_GT(availability(of(Arm::fixed).sum(Phase::calm, kPayment, kPrm)), 0.999);
}

TEST_F(Impact, LatencyInTheSpikeFallsToHalfOfThatUnderStaticLimits) {
  EXPECT_LT(promise("p95_spike_over_static"), 0.45);
}

TEST_F(Impact, PaymentStaysAvailableToPremium) {
  EXPECT_GT(promise("payment_prm_available"), 0.999);
  EXPECT_EQ(of(Arm::whole).sum(Phase::spike, kPayment, kPrm).denied, 0U);
}

TEST_F(Impact, GoodCallsPassOutsideTheSpike) {
  EXPECT_LT(promise("good_denied"), 0.005);
}

TEST_F(Impact, NobodyIsStarvedForIt) {
  EXPECT_GT(promise("useful_work_over_static"), 1.2);
  EXPECT_GT(promise("std_served_over_static"), 2.0);
  EXPECT_GT(promise("std_answered_over_static"), 0.85);
  for (std::size_t offer = 0; offer < kOffers.size(); ++offer) {
    const Group group = of(Arm::whole).sum(Phase::spike, offer, kStd);
    EXPECT_GT(availability(group), 0.55) << kOffers[offer].endpoint;
  }
}

TEST_F(Impact, TheForecastHalvesStandardBrowsingBeforeTheSpike) {
  const Outcome& ruled = of(Arm::ruled);
  EXPECT_NEAR(bin(ruled, hours{17} + minutes{25}).limit, 50, 0.1);
  EXPECT_NEAR(bin(ruled, hours{17} + minutes{55}).limit, 25, 0.1);
  EXPECT_NEAR(bin(ruled, hours{18} + minutes{30}).limit, 25, 0.1);
  EXPECT_NEAR(bin(of(Arm::reactive), hours{18} + minutes{30}).limit, 50, 0.1);
}

TEST_F(Impact, ADividedCapacityTakesOnlyWhatIsNeeded) {
  EXPECT_LT(denied_in_calm(of(Arm::whole)), 0.5 * denied_in_calm(of(Arm::ruled)));
  EXPECT_GT(availability(of(Arm::ruled).sum(Phase::spike, kPayment, kPrm)), 0.999);
  EXPECT_LT(p95_in_spike(of(Arm::whole)), p95_in_spike(of(Arm::reactive)));
}

// Nothing sheds here, since nobody tells of a queue: what is gained beyond the blocked attackers is
// the forecast's.
TEST_F(Impact, WhereNoLatencyIsToldTheForecastKeepsPaymentAvailable) {
  EXPECT_GT(payment_prm_available(of(Arm::whole_untold)), 0.99);
  EXPECT_LT(payment_prm_available(of(Arm::reactive_untold)), 0.95);
  EXPECT_GT(promise("forecast_share_untold"), 0.3);
  EXPECT_LT(promise("p95_spike_over_static_untold"), 0.7);
  EXPECT_LT(denied_in_calm(of(Arm::whole_untold)), 0.005);
}

TEST_F(Impact, AttackersAreStopped) {
  for (const Arm arm : {Arm::reactive, Arm::ruled, Arm::whole}) {
    const Group& three = of(arm).attack[static_cast<std::size_t>(Phase::spike)];
    EXPECT_LT(static_cast<double>(three.asked - three.denied),
              0.03 * static_cast<double>(three.asked));
    const Group& flood = of(arm).attack[static_cast<std::size_t>(Phase::flood)];
    EXPECT_LT(static_cast<double>(flood.asked - flood.denied),
              0.01 * static_cast<double>(flood.asked));
  }
}

TEST_F(Impact, AllIsAsBeforeWhenItIsOver) {
  for (const Arm arm : {Arm::ruled, Arm::whole}) {
    const Bin& last = bin(of(arm), hours{19} + minutes{54});
    EXPECT_NEAR(last.limit, 50, 0.1);
    EXPECT_EQ(last.shed, 0);
    EXPECT_EQ(last.all.denied, 0U);
    EXPECT_LT(last.all.latency.quantile(0.95), 500);
  }
}

TEST_F(Impact, WithoutAQueueNothingIsShed) {
  const Group calm = of(Arm::reactive).sum(Phase::calm);
  EXPECT_LT(static_cast<double>(calm.denied), 0.005 * static_cast<double>(calm.asked));
}

TEST(ImpactTrial, IsTheSameForEqualSeeds) {
  const Span span{hours{18}, hours{18} + minutes{5}};
  const auto first = play(Arm::fixed, span, 3, nullptr);
  const auto second = play(Arm::fixed, span, 3, nullptr);
  const auto other = play(Arm::fixed, span, 4, nullptr);
  ASSERT_TRUE(first && second && other);
  EXPECT_EQ(first->sum(Phase::spike).in_time, second->sum(Phase::spike).in_time);
  EXPECT_EQ(first->sum(Phase::spike).asked, second->sum(Phase::spike).asked);
  EXPECT_NE(first->sum(Phase::spike).asked, other->sum(Phase::spike).asked);
}

}  // namespace
}  // namespace tidelimit::impact
