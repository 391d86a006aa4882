// Totals of all principals together: who is in a stage of a roll-out, who is not, and what is only
// watched.
#include <array>

#include "limiter/gate_plan.hpp"

namespace tidelimit::limiter {
namespace {

constexpr std::uint16_t kShare = kEveryone / 20;

class Totals : public GateTest {
 protected:
  /// In the stage where one is made, and in none.
  [[nodiscard]] Call inside(std::uint64_t who = 1) const { return of(who, 0); }
  [[nodiscard]] Call outside(std::uint64_t who = 1000) const { return of(who, kLastPlace); }

  /// A rule makes `total` of all of `base`, for a twentieth of the principals.
  void roll_out(const Limit& base, const Limit& part, const Limit& total) {
    set_limits(plan, kBrowse, kStandard, {}, base);
    set(plan.cell(kBrowse, kStandard), View::shadow, total);
    RolloutStage& stage = plan.stages.emplace_back();
    stage.below = kShare;
    stage.cells = plan.cells;
    set(stage.cells[3], View::effective, part);
    publish();
  }
  static void set(Cell& cell, View view, const Limit& total) {
    cell.in(view).total = total;
    cell.in(view).total_rule = kRule;
  }
  struct Told {
    int passed = 0, denied = 0, watched = 0;
  };
  Told ask(const Call& made, int times) {
    Told told;
    for (int i = 0; i < times; ++i) {
      last = decide(made);
      ++(last.allowed ? told.passed : told.denied);
      told.watched += last.allowed && last.outcome == Outcome::shadow_deny ? 1 : 0;
    }
    return told;
  }
  Decision last;

 private:
  [[nodiscard]] Call of(std::uint64_t who, std::uint16_t place) const {
    Call made = call(kBrowse);
    made.user = who;
    made.rollout = place;
    return made;
  }
};

TEST_F(Totals, OfAStageTakesNothingFromThoseOutside) {
  roll_out(per_minute(6000, 100), per_minute(60, 10), per_minute(1200, 20));
  int denied = 0;
  Told staged;
  for (int second = 0; second < 60; ++second) {
    staged.passed += ask(inside(), 20).passed;
    denied += ask(outside(), 50).denied;
    now = now + std::chrono::seconds{1};
  }
  EXPECT_EQ(denied, 0) << "50 a second of the 100 that the base lets through";
  EXPECT_NEAR(staged.passed, 60 + 10, 1) << "its part, and the burst";
}

TEST_F(Totals, OfAllHoldsForThoseInAStageToo) {
  roll_out(per_minute(60, 10), per_minute(30, 10), per_minute(30, 10));
  EXPECT_EQ(ask(outside(), 20).passed, 10);
  EXPECT_EQ(ask(inside(), 1).denied, 1) << "the stage's part is free, everyone's is not";
  EXPECT_EQ(last.reason, Reason::over_limit);
  EXPECT_EQ(last.rule, kNoRule);
}

TEST_F(Totals, ReducedByARuleIsReducedCapacityAndNamesTheRule) {
  roll_out(per_minute(6000, 100), per_minute(60, 10), per_minute(1200, 20));
  ask(inside(), 10);
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(ask(inside(), 1).denied, 1);
    EXPECT_EQ(last.reason, Reason::reduced_capacity) << "whatever the TAT has come to";
    EXPECT_EQ(last.rule, kRule);
    EXPECT_EQ(last.limit_of, LimitOf::total);
    now = now + std::chrono::milliseconds{19};
  }
}

TEST_F(Totals, ThatIsOnlyWatchedIsSeenWhereThereIsNoOther) {
  set(plan.cell(kBrowse, kStandard), View::shadow, per_minute(60, 10));
  publish();
  const Told told = ask(outside(), 40);
  EXPECT_EQ(told.denied, 0);
  EXPECT_EQ(told.watched, 30);
  EXPECT_EQ(last.watched.rule, kRule);
  EXPECT_EQ(last.watched.reason, Reason::reduced_capacity);
  EXPECT_EQ(last.watched.limit_of, LimitOf::total);
}

TEST_F(Totals, ThatIsRolledOutIsWatchedForTheOthersWhereThereIsNoOther) {
  roll_out({}, per_minute(60, 10), per_minute(1200, 20));
  const Told staged = ask(inside(), 40);
  EXPECT_EQ(staged.passed, 10);
  const Told others = ask(outside(), 40);
  EXPECT_EQ(others.denied, 0);
  EXPECT_EQ(others.watched, 40 - 20 + 10) << "of the total of all those in the stage had ten";
}

TEST_F(Totals, ThatIsOnlyWatchedIsSeenOfCallsDecidedTogether) {
  set(plan.cell(kBrowse, kStandard), View::shadow, per_minute(60, 10));
  publish();
  int watched = 0;
  for (int i = 0; i < 40; ++i) {
    const std::array calls{outside(), call(kPayment)};
    std::array<Decision, 2> said;
    EXPECT_TRUE(worker.decide_all(calls, now, said));
    watched += said[0].outcome == Outcome::shadow_deny ? 1 : 0;
  }
  EXPECT_EQ(watched, 30);
}

TEST_F(Totals, APrincipalsLimitThatIsOnlyWatchedIsSeenWhereThereIsNoOther) {
  CellLimits& shadow = plan.cell(kBrowse, kStandard).in(View::shadow);
  shadow.principal = per_minute(60, 10);
  shadow.rule = kShadowRule;
  publish();
  const Told told = ask(outside(), 40);
  EXPECT_EQ(told.denied, 0);
  EXPECT_EQ(told.watched, 30);
  EXPECT_EQ(last.watched.rule, kShadowRule);
}

}  // namespace
}  // namespace tidelimit::limiter
