// The order of a decision: override, allow-list, verdict, plan limit, total, load shedding.
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

#include "limiter/gate_plan.hpp"

namespace tidelimit::limiter {
namespace {

using std::chrono::minutes;

class Order : public GateTest {
 protected:
  void SetUp() override {
    set_limits(plan, kPayment, kStandard, per_minute(60, 5));
    publish();
  }
  void shed(EndpointId endpoint) {
    shed_from(plan, endpoint, kStandard, View::without_forecast, kShedAll);
    publish();
  }
};

TEST_F(Order, ABlockByHandComesBeforeEverything) {
  publish({by_hand(Action::block)}, {prefix_of(client, 128)});
  publish({verdict(Action::block)});
  const Decision said = decide();
  EXPECT_FALSE(said.allowed);
  EXPECT_EQ(said.reason, Reason::override_);
  EXPECT_EQ(said.retry_after, minutes{5});
  EXPECT_EQ(said.verdict, VerdictKind::normal);
  now = now + minutes{5};
  EXPECT_TRUE(decide().allowed) << "the verdict expired with the override";
}

TEST_F(Order, APermanentBlockNamesNoTimeToComeBack) {
  Override entry = by_hand(Action::block);
  entry.expires_at = Instant{Nanos::max()};
  publish({entry});
  EXPECT_EQ(decide().retry_after, Nanos::max());
}

TEST_F(Order, AnAllowByHandPassesTheMaliciousTheSpentAndTheShed) {
  shed(kPayment);
  publish({verdict(Action::block)});
  publish({by_hand(Action::allow)});
  EXPECT_EQ(passes(call(), 20), 20);
  EXPECT_EQ(decide().reason, Reason::override_);
}

TEST_F(Order, ALimitByHandStandsInPlaceOfVerdictAndPlanLimits) {
  publish({verdict(Action::block)});
  publish({by_hand(Action::limit)});
  EXPECT_EQ(passes(call(kPayment), 1), 1);
  EXPECT_EQ(passes(call(kBrowse), 5), 1) << "two over all endpoints together";
  const Decision denied = decide();
  EXPECT_EQ(denied.reason, Reason::override_);
  EXPECT_EQ(denied.limit, per_minute(10, 2));
}

TEST_F(Order, ALimitByHandOnABlockOfAddressesIsForAllOfThemTogether) {
  Override block = by_hand(Action::limit);
  block.prefix = {prefix_of(v4_client(0xc0000200), 120)};
  publish({block});
  int passed = 0;
  for (std::uint32_t host = 0; host < 10; ++host) {
    client = v4_client(0xc0000200 + host);
    passed += passes(call(), 1);
  }
  EXPECT_EQ(passed, 2);
}

TEST_F(Order, TotalsAndSheddingHoldForALimitByHand) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 5), per_minute(60, 1));
  publish();
  publish({by_hand(Action::limit)});
  EXPECT_TRUE(decide().allowed);
  EXPECT_EQ(decide().reason, Reason::over_limit);
  EXPECT_EQ(decide().limit, per_minute(60, 1));
  shed(kBrowse);
  EXPECT_EQ(decide(call(kBrowse)).reason, Reason::load_shed);
}

TEST_F(Order, TheAllowListComesBeforeAVerdict) {
  publish({}, {prefix_of(client, 128)});
  publish({verdict(Action::block)});
  EXPECT_EQ(passes(call(), 9), 5) << "but not before the plan's limits";
  EXPECT_EQ(decide().reason, Reason::over_limit);
  EXPECT_EQ(decide().verdict, VerdictKind::normal);
}

TEST_F(Order, AVerdictComesBeforeThePlan) {
  EXPECT_EQ(passes(call(), 9), 5);
  publish({verdict(Action::block)});
  const Decision said = decide();
  EXPECT_EQ(said.reason, Reason::client_blocked);
  EXPECT_EQ(said.verdict, VerdictKind::malicious);
  EXPECT_EQ(said.rule, kRule);
  EXPECT_EQ(said.retry_after, minutes{5});
}

TEST_F(Order, AVerdictHoldsTheAddressWhateverUserItNames) {
  publish({verdict(Action::block)});
  user = limiter.hash_user("ada");
  EXPECT_EQ(decide().reason, Reason::client_blocked);
}

TEST_F(Order, AVerdictThatLimitsDoesSoOverAllEndpoints) {
  publish({verdict(Action::limit, VerdictKind::suspicious)});
  EXPECT_EQ(passes(call(kPayment), 1), 1);
  EXPECT_EQ(passes(call(kBrowse), 5), 1);
  const Decision denied = decide();
  EXPECT_EQ(denied.reason, Reason::client_limited);
  EXPECT_EQ(denied.verdict, VerdictKind::suspicious);
  EXPECT_EQ(denied.limit, per_minute(10, 2));
  now = now + minutes{5};
  EXPECT_EQ(passes(call(), 9), 5) << "two of which were charged long ago";
}

TEST_F(Order, AVerdictWithoutActionIsOnlyNamed) {
  publish({verdict(Action::none, VerdictKind::suspicious)});
  const Decision said = decide();
  EXPECT_TRUE(said.allowed);
  EXPECT_EQ(said.reason, Reason::ok);
  EXPECT_EQ(said.verdict, VerdictKind::suspicious);
}

TEST_F(Order, ThePrincipalsLimitComesBeforeTheTotal) {
  set_limits(plan, kPayment, kStandard, per_minute(60, 2), per_minute(120, 2));
  publish();
  EXPECT_EQ(passes(call(), 2), 2);
  EXPECT_EQ(decide().limit, per_minute(60, 2));
}

TEST_F(Order, SheddingComesLastAndChargesNothing) {
  shed(kPayment);
  const Decision said = decide();
  EXPECT_FALSE(said.allowed);
  EXPECT_EQ(said.reason, Reason::load_shed);
  EXPECT_EQ(said.rule, kRule);
  EXPECT_GT(said.retry_after, Nanos{0});
  EXPECT_EQ(passes(call(), 20), 0);
  EXPECT_EQ(peek(call()).reason, Reason::load_shed);
  shed_from(plan, kPayment, kStandard, View::without_forecast, 0);
  publish();
  EXPECT_EQ(passes(call(), 20), 5);
  shed(kPayment);
  EXPECT_EQ(decide().reason, Reason::over_limit) << "the plan's limit was met first";
}

TEST_F(Order, SheddingAShareRefusesThatShareOfPrincipalsForARound) {
  shed_from(plan, kBrowse, kStandard, View::without_forecast, kShedAll / 4);
  const auto refused = [&] {
    publish();
    std::vector<int> out;
    for (std::uint32_t i = 0; i < 4000; ++i) {
      Call one = call(kBrowse);
      one.client = v4_client(i);
      out.push_back(decide(one).allowed ? 0 : 1);
    }
    return out;
  };
  const auto first = refused();
  EXPECT_NEAR(std::accumulate(first.begin(), first.end(), 0), 1000, 120);
  EXPECT_EQ(refused(), first) << "who is in stays in";
  ++plan.shed_round;
  const auto second = refused();
  EXPECT_NEAR(std::accumulate(second.begin(), second.end(), 0), 1000, 120);
  int both = 0;
  for (std::size_t i = 0; i < first.size(); ++i) both += first[i] * second[i];
  EXPECT_NEAR(both, 250, 80) << "another round, other lots";
  shed_from(plan, kBrowse, kStandard, View::without_forecast, kShedAll / 2);
  const auto more = refused();
  for (std::size_t i = 0; i < more.size(); ++i)
    EXPECT_GE(more[i], second[i]) << "a larger share takes none back";
}

}  // namespace
}  // namespace tidelimit::limiter
