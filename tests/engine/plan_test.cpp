#include <gmock/gmock.h>

#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::StartsWith;

class Plans : public GateInTime {
 protected:
  /// Fourteen days of a hundred requests a window; on the last three days payment has ten times as
  /// many between one and two o'clock. So the mean of the same hours, which is the forecast here,
  /// is several times their median, which is the usual.
  void begin(bool with_model, Settings settings = mission()) {
    history = std::make_shared<MemoryHistory>();
    for (int day = -14; day < 0; ++day) {
      for (int w = 0; w < 96; ++w) {
        const WallTime start = kMidnight + hours{24 * day} + minutes{15 * w};
        for (const char* name : {"payment", "browse", "other"}) {
          traffic::WindowStats stats;
          const bool high = day >= -3 && w >= 4 && w < 8 && std::string(name) == "payment";
          stats.requests = high ? 1000 : 100;
          history->closed[{start, name}] = stats;
        }
      }
    }
    set(kMidnight + seconds{40});
    start(std::move(settings), history);
    ASSERT_TRUE(engine->restore(now));
    if (with_model) engine->set_models(bundle(seasonal_forecaster(), nullptr));
    engine->tick(now);
  }
  void signal_cpu(double value) {
    engine->signal({.name = "cpu", .value = value, .measured_at = now.mono});
    engine->tick(now);
  }
  /// Where the counters have the passes of tier STD at an endpoint.
  static std::size_t let_pass(std::size_t endpoint) {
    return CountersView::index(endpoint * 2 + kStd, Outcome::allow, Reason::ok);
  }
  std::shared_ptr<MemoryHistory> history;
};

TEST_F(Plans, AForecastSpikeOnPaymentHalvesBrowseForStdAndLeavesPrm) {
  begin(true);
  EXPECT_EQ(effective(kBrowse, kStd), 100);
  pass(hours{1} + minutes{1});  // the horizon is now the hour of the spike
  EXPECT_EQ(effective(kBrowse, kStd), 50);
  EXPECT_EQ(effective(kBrowse, kPrm), 300);
  EXPECT_EQ(effective(kPayment, kPrm), 300);
  EXPECT_EQ(effective(kPayment, kStd), 50);  // by hot-endpoint
  EXPECT_EQ(passed(80), 50);
  set(now.wall + milliseconds{700});  // the base limit would let one more through
  const Answer denied = ask();
  EXPECT_EQ(denied.decision.reason, Reason::reduced_capacity);
  EXPECT_EQ(*denied.rule, "shield-payment");
  EXPECT_EQ(passed(80, {.address = "198.51.100.1", .tier = "PRM"}), 80);
  const auto status = engine->status();
  EXPECT_THAT(status->recent_changes.back().cause, HasSubstr("forecast of payment"));
  EXPECT_FALSE(history->plan_changes({})->empty());
}

// Buckets know the number of a change mod 16 only.
TEST_F(Plans, ABucketThatSleptOverAnyNumberOfChangesIsFreedByThem) {
  for (std::size_t changes = 1; changes <= 17; ++changes) {
    Settings settings = mission();
    policy::LimitSpec& limit = settings.policy.endpoints[kBrowse].limits[kStd];
    limit.rate = Rate{1, hours{24}};
    limit.burst = 10;
    begin(false, settings);
    ASSERT_EQ(passed(20), 10);
    limit.rate = per_minute(6000);
    for (std::size_t i = 0; i < changes; ++i) {
      settings.policy.endpoints[kPayment].limits[kStd].rate = per_minute(100 + i);
      ASSERT_TRUE(engine->reconfigure(settings, now));
      pass(seconds{1});
    }
    // Cut to a full bucket of the new limit, which drains in a tenth of a second.
    static_cast<void>(ask());
    pass(seconds{1});
    EXPECT_TRUE(ask().decision.allowed) << changes;
  }
}

TEST_F(Plans, AForecastEnforcedForAShareLeavesTheOthersTheirLimits) {
  Settings settings = mission();
  settings.policy.forecast_mode.share = 0.2;
  begin(true, settings);
  pass(hours{1} + minutes{1});
  EXPECT_EQ(effective(kBrowse, kStd), 100);
  int halved = 0;
  for (int i = 0; i < 1000; ++i) {
    const double limit =
        ask({.user = "u" + std::to_string(i), .hits = 0}).decision.limit.per_minute();
    EXPECT_TRUE(limit == 50 || limit == 100) << limit;
    halved += limit == 50 ? 1 : 0;
  }
  EXPECT_NEAR(halved, 200, 40);
  ASSERT_TRUE(engine->set_mode("forecast", Mode::shadow, std::nullopt, now));
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(ask({.user = "u" + std::to_string(i), .hits = 0}).decision.limit.per_minute(), 100);
}

TEST_F(Plans, AShareByHandNeverReachesEverybodyOnItsWay) {
  Settings settings = mission();
  settings.policy.mode.mode = Mode::shadow;
  begin(false, settings);
  ASSERT_TRUE(engine->set_mode({"all", policy::ModeFor{Mode::enforce, 0.01}, {}, {}, {}, {}}, now));
  int enforced = 0;  // before the plan knows of the share
  for (int i = 0; i < 1000; ++i)
    enforced += ask({.user = "u" + std::to_string(i), .hits = 0}).decision.enforced ? 1 : 0;
  EXPECT_EQ(enforced, 0);
  pass(seconds{1});
  for (int i = 0; i < 1000; ++i)
    enforced += ask({.user = "u" + std::to_string(i), .hits = 0}).decision.enforced ? 1 : 0;
  EXPECT_EQ(enforced, 10) << "of users who are the same in every run";
}

TEST_F(Plans, TheModeOfAPartThatIsGoneAtARestartIsGoneToo) {
  begin(false);
  ASSERT_TRUE(
      engine->set_mode({"endpoint/browse", policy::ModeFor{Mode::shadow}, {}, {}, {}, {}}, now));
  pass(seconds{1});
  Settings without = mission();
  without.policy.rules.clear();
  without.policy.endpoints.erase(without.policy.endpoints.begin() + kBrowse);
  restart(without, history);
  pass(seconds{1});
  restart(mission(), history);
  for (const PartMode& part : engine->part_modes()) EXPECT_FALSE(part.by_hand) << part.part;
}

TEST_F(Plans, ModesSetByHandOutliveARestart) {
  begin(false);
  ASSERT_TRUE(engine->set_mode({"endpoint/browse", policy::ModeFor{Mode::shadow}, "a try", "ann",
                                now.wall, now.wall + hours{1}},
                               now));
  ASSERT_TRUE(engine->set_mode("rules", Mode::shadow, std::nullopt, now));
  ASSERT_TRUE(engine->set_mode({"rules", {}, {}, {}, {}, {}}, now));
  pass(seconds{1});
  restart(mission(), history);
  for (const PartMode& part : engine->part_modes()) {
    EXPECT_EQ(part.by_hand.has_value(), part.part == "endpoint/browse") << part.part;
    EXPECT_EQ(part.by_hand ? part.by_hand->by : "ann", "ann");
  }
  EXPECT_EQ(ask({.hits = 200}).decision.outcome, Outcome::shadow_deny);
  pass(hours{1} + seconds{1});
  EXPECT_EQ(ask({.hits = 200}).decision.outcome, Outcome::deny);
}

TEST_F(Plans, AModeSetWhileTheDiskIsFullIsWrittenWhenThereIsRoom) {
  begin(false);
  history->full = true;
  ASSERT_TRUE(engine->set_mode("rules", Mode::shadow, std::nullopt, now));
  pass(seconds{2});
  const auto of_history = testing::Contains(testing::HasSubstr("1 mode set by hand waits"));
  EXPECT_THAT(degraded(), of_history);
  history->full = false;
  pass(seconds{10});
  EXPECT_THAT(degraded(), testing::Not(of_history));
  restart(mission(), history);
  for (const PartMode& part : engine->part_modes())
    EXPECT_EQ(part.by_hand.has_value(), part.part == "rules") << part.part;
}

TEST_F(Plans, ModesThatAreSetTooOftenBetweenTwoTurnsAreInForceAndSaidToBeOffTheRecord) {
  begin(false);
  const auto lost = Contains(HasSubstr("2 modes set by hand are not on record"));
  for (int i = 0; i < 1000; ++i)
    ASSERT_TRUE(engine->set_mode("rules", Mode::off, std::nullopt, now));
  engine->tick(now);
  EXPECT_THAT(degraded(), testing::Not(lost));
  for (int i = 0; i < 1002; ++i)
    ASSERT_TRUE(engine->set_mode("rules", i < 1001 ? Mode::off : Mode::shadow, std::nullopt, now));
  EXPECT_EQ(engine->modes().rules, Mode::shadow);
  engine->tick(now);
  EXPECT_THAT(degraded(), lost);
}

TEST_F(Plans, APartIsNamedByNameOrNumberAndGoesWithTheConfiguration) {
  begin(false);
  const auto rules = mission().policy.rules;
  ASSERT_TRUE(engine->set_mode({"rule/1", policy::ModeFor{Mode::shadow}, {}, {}, {}, {}}, now));
  const auto by_hand = [&] {
    std::vector<std::string> parts;
    for (const PartMode& part : engine->part_modes())
      if (part.by_hand) parts.push_back(part.part);
    return parts;
  };
  EXPECT_THAT(by_hand(), testing::ElementsAre("rule/" + rules[0].name));
  for (const char* none : {"rule/0", "rule/99", "rule/", "endpoint/1", "rule/nightly"}) {
    const auto set = engine->set_mode({none, policy::ModeFor{}, {}, {}, {}, {}}, now);
    ASSERT_FALSE(set) << none;
    EXPECT_THAT(set.error().message, HasSubstr("endpoint/browse"));
  }
  Settings without = mission();
  without.policy.rules.erase(without.policy.rules.begin());
  ASSERT_TRUE(engine->reconfigure(without, now));
  ASSERT_TRUE(engine->reconfigure(mission(), now));
  EXPECT_TRUE(by_hand().empty());
}

TEST_F(Plans, ADenialByATotalIsNotToldAsThePrincipals) {
  Settings settings = mission();
  settings.policy.endpoints[kBrowse].limits[kStd].total = per_minute(20);
  begin(false, settings);
  int let_in = 0;
  for (int i = 0; i < 60; ++i) let_in += passed(1, {.user = "u" + std::to_string(i)});
  EXPECT_LT(let_in, 60);
  pass(seconds{1});
  DecisionQuery query;
  query.user = "u59";
  const auto found = history->decisions(query).value();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].outcome, "deny");
  EXPECT_EQ(found[0].limit_per_minute, 20);
  EXPECT_EQ(found[0].base_per_minute, 20);
  EXPECT_EQ(found[0].explanation, "it is the total of all STD principals at browse");
}

TEST_F(Plans, RulesOnForecastsRestWithoutAModel) {
  begin(false);
  pass(hours{1} + minutes{1});
  EXPECT_FALSE(engine->status()->forecasts.empty());  // naive ones, to look at
  EXPECT_EQ(effective(kBrowse, kStd), 100);
  EXPECT_THAT(degraded(), Contains(HasSubstr("shield-payment")));
}

TEST_F(Plans, SaysThatAModelForOtherWindowsIsNotUsed) {
  const auto unused = Contains(HasSubstr("the forecast model is not used: it is for window 5m"));
  begin(true);
  EXPECT_THAT(degraded(), unused);
  engine->set_models(bundle(nullptr, nullptr));
  engine->tick(now);
  EXPECT_THAT(degraded(), testing::Not(unused));
  Settings settings = mission();
  settings.shape.window = minutes{5};
  start(settings);
  engine->set_models(bundle(seasonal_forecaster(), nullptr));
  engine->tick(now);
  EXPECT_THAT(degraded(), testing::Not(unused));
}

TEST_F(Plans, SaysThatNobodyEverGaveTheSignalThatRulesWaitFor) {
  const auto waits = Contains(HasSubstr("no cpu signal yet: inactive rules: cpu-pressure"));
  start();
  pass(seconds{10});
  engine->tick(now);
  EXPECT_THAT(degraded(), testing::Not(waits));
  pass(seconds{10});
  engine->tick(now);
  EXPECT_THAT(degraded(), waits);
  engine->signal({.name = "cpu", .value = 0.2, .measured_at = now.mono});
  pass(seconds{2});
  engine->tick(now);
  EXPECT_THAT(degraded(), testing::Not(waits));
}

TEST_F(Plans, AForecastIsMadeAtOnceAfterARestart) {
  begin(true);
  pass(hours{1} + minutes{5});
  ASSERT_EQ(effective(kBrowse, kStd), 50);
  start(mission(), history);
  engine->set_models(bundle(seasonal_forecaster(), nullptr));
  ASSERT_TRUE(engine->restore(now));
  engine->tick(now);
  EXPECT_EQ(engine->status()->forecasts.front().made_at, kMidnight + hours{1});
  EXPECT_EQ(effective(kBrowse, kStd), 50);
}

TEST_F(Plans, AStaleForecastDoesNotCount) {
  begin(true);
  pass(hours{1} + minutes{1});
  ASSERT_EQ(effective(kBrowse, kStd), 50);
  // The windows stand still (their clock does), the gate's own time goes on.
  for (int i = 0; i < 60; ++i) {
    now.mono = now.mono + minutes{1};
    engine->tick(now);
  }
  EXPECT_EQ(effective(kBrowse, kStd), 100);
  EXPECT_THAT(degraded(), Contains(HasSubstr("stale")));
}

TEST_F(Plans, CpuPressureThrottlesLowPriorityAtOnceAndRelaxesSlowly) {
  begin(false);
  signal_cpu(0.95);
  EXPECT_EQ(effective(kBrowse, kStd), 25);
  EXPECT_EQ(effective(kBrowse, kPrm), 150);  // its floor
  EXPECT_EQ(effective(kPayment, kStd), 100);
  EXPECT_EQ(passed(60), 25);
  pass(seconds{1});
  signal_cpu(0.4);
  pass(minutes{2});
  EXPECT_NEAR(effective(kBrowse, kStd), 45, 2);
  pass(minutes{10});
  EXPECT_EQ(effective(kBrowse, kStd), 100);
}

TEST_F(Plans, TheModeSwitchActsWithoutAnyTick) {
  begin(true);
  pass(hours{1} + minutes{1});
  ASSERT_EQ(ask({.hits = 0}).decision.limit.per_minute(), 50);
  ASSERT_TRUE(engine->set_mode("forecast", Mode::off, now.wall + minutes{5}, now));
  EXPECT_EQ(ask({.hits = 0}).decision.limit.per_minute(), 100);
  pass(minutes{6});
  EXPECT_EQ(ask({.hits = 0}).decision.limit.per_minute(), 50);

  ASSERT_TRUE(engine->set_mode("all", Mode::off, std::nullopt, now));
  EXPECT_EQ(passed(500), 500);
  ASSERT_TRUE(engine->set_mode("all", Mode::shadow, std::nullopt, now));
  EXPECT_EQ(passed(500), 500);
  EXPECT_EQ(ask().decision.outcome, Outcome::shadow_deny);
  ASSERT_TRUE(engine->set_mode("all", Mode::enforce, std::nullopt, now));
  EXPECT_FALSE(ask().decision.allowed);
  EXPECT_FALSE(engine->set_mode("everything", Mode::off, std::nullopt, now));
}

TEST_F(Plans, AModeByHandMayRaiseWhatTheConfigurationHoldsInShadow) {
  Settings settings = mission();
  settings.policy.forecast_mode.mode = Mode::shadow;
  begin(true, settings);
  pass(hours{1} + minutes{1});
  EXPECT_EQ(effective(kBrowse, kStd), 100);
  EXPECT_EQ(passed(100), 100);
  EXPECT_EQ(engine->modes().forecast, Mode::shadow);
  ASSERT_TRUE(engine->set_mode("forecast", Mode::enforce, std::nullopt, now));
  engine->tick(now);
  EXPECT_EQ(effective(kBrowse, kStd), 50);
}

TEST_F(Plans, ExpireToTheBaseLimitsWhenTheControlPlaneStops) {
  begin(true);
  pass(hours{1} + minutes{1});
  ASSERT_EQ(ask({.hits = 0}).decision.limit.per_minute(), 50);
  set(now.wall + minutes{31});  // without a tick
  EXPECT_EQ(ask({.hits = 0}).decision.limit.per_minute(), 100);
}

TEST_F(Plans, JudgeTheForecastsThatCameTrue) {
  begin(true);
  pass(minutes{30});
  EXPECT_FALSE(engine->status()->endpoints[kBrowse].forecast_absolute_error);
  // Nobody comes, where four hundred an hour were forecast.
  pass(hours{1});
  engine->tick(now);
  const auto endpoint = engine->status()->endpoints[kBrowse];
  ASSERT_TRUE(endpoint.forecast_absolute_error);
  EXPECT_NEAR(*endpoint.forecast_absolute_error, 400, 1);
  ASSERT_TRUE(endpoint.forecast_error_ratio);
  EXPECT_GT(*endpoint.forecast_error_ratio, 0.5);
}

/// Trained on the windows that the gate holds, then broken: always ten thousand a window.
std::shared_ptr<const forecast::ForecastModel> broken_forecaster(
    const traffic::WindowGrid& windows) {
  forecast::TrainOptions options;
  options.preset = forecast::Preset::baseline;
  options.epochs = 1;
  auto parts = forecast::to_parts(**forecast::train(windows, options, {}));
  for (auto& tensor : parts.tensors) {
    if (tensor.name == "dense_weights") std::fill(tensor.values.begin(), tensor.values.end(), 0.0F);
    for (std::size_t e = 0; tensor.name == "scaling" && e < tensor.values.size(); e += 2)
      tensor.values[e] = 10'000;
  }
  return *forecast::from_parts(std::move(parts));
}

TEST_F(Plans, NoRuleActsOnTheForecastsOfABrokenModel) {
  begin(false);
  engine->set_models(bundle(broken_forecaster(engine->windows(WallTime{})), nullptr));
  pass(minutes{1});
  const auto published = [&] {
    const auto status = engine->status();
    EXPECT_EQ(status->forecasts[kBrowse].endpoint, "browse");
    return status->forecasts[kBrowse];
  };
  EXPECT_TRUE(published().guarded());
  EXPECT_NEAR(published().median(), 400, 1);
  EXPECT_GT(published().recent_errors.front().second, 30'000);
  EXPECT_EQ(effective(kBrowse, kStd), 100);
  EXPECT_EQ(history->forecasts({})->back().source, published().source);
  // A restart comes to the same choice.
  const auto source = published().source;
  const auto models = engine->models();
  start(mission(), history);
  engine->set_models(models);
  ASSERT_TRUE(engine->restore(now));
  engine->tick(now);
  EXPECT_EQ(published().source, source);
}

TEST_F(Plans, AReloadedConfigurationIsInForceAtOnce) {
  begin(false);
  Settings after = mission();
  after.policy.endpoints[kBrowse].limits[kStd].rate = per_minute(7);
  ASSERT_TRUE(engine->reconfigure(after, now));
  EXPECT_EQ(passed(100), 7);
  EXPECT_EQ(engine->counters().decisions[let_pass(kBrowse)], 7u);
}

TEST_F(Plans, AnEndpointThatMovesKeepsItsWindowsAndCounts) {
  begin(false);
  EXPECT_EQ(passed(30), 30);
  Settings after = mission();
  policy::EndpointSettings fresh;
  fresh.name = "search";
  fresh.match = {"/search/**"};
  fresh.limits.resize(2);
  after.policy.endpoints.insert(after.policy.endpoints.begin(), fresh);
  ASSERT_TRUE(engine->reconfigure(after, now));
  EXPECT_EQ(*ask().endpoint, "browse");
  pass(minutes{16});
  EXPECT_EQ(newest("browse").requests, 31);
  const CountersView counters = engine->counters();
  EXPECT_EQ(counters.endpoints[2], "browse");
  EXPECT_EQ(counters.decisions[let_pass(2)], 31u);
  const auto grid = engine->windows(WallTime{});
  EXPECT_FALSE(grid.stats[0].front().observed);
  EXPECT_EQ(grid.stats[2].front().requests, 100);
}

TEST_F(Plans, AnEndpointThatMovesKeepsItsBuckets) {
  begin(false);
  ASSERT_EQ(passed(200), 100);
  Settings after = mission();
  policy::EndpointSettings fresh;
  fresh.name = "search";
  fresh.match = {"/search/**"};
  fresh.limits.resize(2);
  fresh.limits[kStd].rate = per_minute(5);
  after.policy.endpoints.insert(after.policy.endpoints.begin(), fresh);
  ASSERT_TRUE(engine->reconfigure(after, now));
  EXPECT_EQ(passed(10), 0) << "browse is used up, wherever it stands";
  EXPECT_EQ(passed(10, {.path = "/search/1"}), 5) << "and search is not";
  EXPECT_EQ(passed(200, {.path = "/payment/1"}), 100) << "which stands where browse did";
}

/// Asks while a change of the plan is stored: the control plane may be held up at any place.
class AskingHistory final : public MemoryHistory {
 public:
  Result<void> put_plan_changes(const std::vector<policy::PlanChange>& changes) override {
    if (ask) ask();
    return MemoryHistory::put_plan_changes(changes);
  }
  std::function<void()> ask;
};

TEST_F(Plans, ARequestIsNeverNamedByOneConfigurationAndJudgedByAnother) {
  Settings before = mission();
  before.policy.endpoints[kPayment].limits[kStd].rate = per_minute(7);
  Settings after = before;
  std::swap(after.policy.endpoints[kPayment], after.policy.endpoints[kBrowse]);
  before.policy.rules.clear();
  const auto asking = std::make_shared<AskingHistory>();
  start(before, asking);
  ASSERT_TRUE(engine->restore(now));
  engine->tick(now);
  engine->signal({.name = "cpu", .value = 0.95, .measured_at = now.mono});
  int asked = 0;
  asking->ask = [&] {
    ++asked;
    const Answer payment = ask({.path = "/payment/1", .hits = 0});
    EXPECT_EQ(*payment.endpoint, "payment");
    EXPECT_NEAR(payment.decision.limit.per_minute(), 7, 0.01) << "and not 100, of browse";
  };
  ASSERT_TRUE(engine->reconfigure(after, now));
  EXPECT_GT(asked, 0) << "the rule on the CPU changes the plan at once";
}

TEST_F(Plans, WhatNeedsARestartIsRefusedByName) {
  begin(false);
  Settings after = mission();
  after.policy.tiers = {"GOLD", "STD"};
  after.shape.window = minutes{5};
  after.bucket_bytes = 2u << 20;
  const auto refused = engine->reconfigure(after, now);
  ASSERT_FALSE(refused);
  for (const char* name : {"tiers", "forecast.window", "memory.buckets", "restart"})
    EXPECT_THAT(refused.error().message, HasSubstr(name));
  EXPECT_EQ(passed(150), 100);
}

TEST_F(Plans, ExplainADecisionByTheRulesThatItWasMadeUnder) {
  history = std::make_shared<MemoryHistory>();
  Settings settings = mission();
  start(settings, history);
  const auto hot = [&] {
    engine->signal({.name = "cpu", .value = 0.95, .measured_at = now.mono});
    move_to(now.wall + seconds{1});
  };
  hot();
  const Answer denied = ask({.hits = 50});
  ASSERT_EQ(denied.decision.reason, Reason::reduced_capacity);
  std::swap(settings.policy.rules.front(), settings.policy.rules.back());
  ASSERT_TRUE(engine->reconfigure(settings, now));
  const Answer late = ask({.hits = 50});
  hot();
  const auto explanation_of = [&](const Answer& answer) {
    const auto records = history->decisions({}).value();
    for (const DecisionRecord& record : records)
      if (record.id == format_decision_id(answer.decision_id)) return record.explanation;
    return std::string("none");
  };
  EXPECT_THAT(explanation_of(denied), HasSubstr("cpu is at"));
  EXPECT_THAT(explanation_of(late), HasSubstr("cpu is at"));
}

TEST_F(Plans, ExplainAWatchedDenialByTheModeItWasMadeUnder) {
  history = std::make_shared<MemoryHistory>();
  Settings settings = mission();
  settings.policy.rules.back().mode.mode = Mode::shadow;
  start(settings, history);
  engine->signal({.name = "cpu", .value = 0.95, .measured_at = now.mono});
  move_to(now.wall + seconds{1});
  const Answer watched = ask({.hits = 50});
  ASSERT_EQ(watched.decision.outcome, Outcome::shadow_deny);
  EXPECT_EQ(watched.decision.reason, Reason::ok);
  EXPECT_EQ(watched.rule, nullptr);
  ASSERT_TRUE(engine->set_mode(
      {"rule/cpu-pressure", policy::ModeFor{Mode::enforce, 1}, {}, {}, {}, {}}, now));
  move_to(now.wall + seconds{1});
  const auto records = history->decisions({}).value();
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].rule, "cpu-pressure");
  EXPECT_EQ(records[0].reason, "reduced_capacity");
  EXPECT_THAT(records[0].explanation, HasSubstr("rule cpu-pressure is in shadow mode"));
}

TEST_F(Plans, SayOfARuleWhatTheSwitchAboveItLeaves) {
  begin(false);
  const auto in_force = [&](const std::string& name) {
    for (const PartMode& part : engine->part_modes())
      if (part.part == name) return part.in_force;
    return policy::ModeFor{Mode::off, 0};
  };
  const auto set = [&](const std::string& part, policy::ModeFor mode) {
    ASSERT_TRUE(engine->set_mode({part, mode, {}, "ann", now.wall, {}}, now));
  };
  set("rules", {Mode::enforce, 0.05});
  EXPECT_EQ(in_force("rule/cpu-pressure"), (policy::ModeFor{Mode::enforce, 0.05}));
  set("rule/cpu-pressure", {Mode::enforce, 1});
  EXPECT_EQ(in_force("rule/cpu-pressure"), (policy::ModeFor{Mode::enforce, 1}))
      << "what is said of one rule stands above a share of all";
  set("rules", {Mode::shadow, 1});
  EXPECT_EQ(in_force("rule/cpu-pressure").mode, Mode::shadow) << "and below the switch";
  set("rules", {Mode::enforce, 1});
  set("forecast", {Mode::shadow, 1});
  EXPECT_EQ(in_force("rule/shield-payment").mode, Mode::shadow);
  EXPECT_EQ(in_force("rule/cpu-pressure").mode, Mode::enforce);
}

TEST_F(Plans, ARestartGoesOnWhereTheGateStood) {
  begin(false);
  signal_cpu(0.95);
  pass(seconds{2});
  ASSERT_EQ(effective(kBrowse, kStd), 25);
  signal_cpu(0.1);
  pass(seconds{10});
  const std::size_t recorded = history->plan_changes({})->size();
  restart(mission(), history);
  EXPECT_NEAR(effective(kBrowse, kStd), 25, 3) << "of a base of 100";
  EXPECT_EQ(history->plan_changes({})->size(), recorded);
  EXPECT_THAT(engine->status()->limit_causes[kBrowse * 2 + kStd], HasSubstr("cpu is at"));
  pass(minutes{9});
  EXPECT_EQ(effective(kBrowse, kStd), 100);
  EXPECT_EQ(history->plan_changes({})->back().after_scale, 1);
}

TEST_F(Plans, ARestartGoesOnWhereTheGateStoodHoweverMuchChangedElsewhere) {
  begin(false);
  signal_cpu(0.95);
  pass(seconds{2});
  ASSERT_EQ(effective(kBrowse, kStd), 25);
  policy::PlanChange elsewhere;
  elsewhere.time = now.wall;
  elsewhere.endpoint = "payment";
  elsewhere.tier = "PRM";
  ASSERT_TRUE(history->put_plan_changes(std::vector(20'000, elsewhere)));
  restart(mission(), history);
  EXPECT_NEAR(effective(kBrowse, kStd), 25, 3) << "of a base of 100";
}

TEST_F(Plans, AfterARestartARuleThatLetGoSaysThatItsCauseIsOfBefore) {
  const auto rule = [&] {
    for (const auto& one : engine->status()->rules)
      if (one.rule == "cpu-pressure") return one;
    return policy::RuleState{};
  };
  begin(false);
  signal_cpu(0.95);
  pass(seconds{2});
  for (int i = 0; i < 2; ++i) {
    restart(mission(), history);
    EXPECT_FALSE(rule().active);
    EXPECT_THAT(rule().cause, StartsWith("before the restart: cpu is at 95"));
  }
  pass(minutes{10});
  ASSERT_EQ(effective(kBrowse, kStd), 100);
  restart(mission(), history);
  EXPECT_EQ(rule().cause, "") << "it moves nothing any more";
}

TEST_F(Plans, AModeSetByHandIsTheCauseOfWhatMovesForIt) {
  begin(false);
  signal_cpu(0.95);
  pass(seconds{2});
  ASSERT_TRUE(engine->set_mode(
      {"rules", policy::ModeFor{Mode::shadow, 1}, "a try", "ann", now.wall, now.wall + seconds{5}},
      now));
  signal_cpu(0.95);
  const auto last = [&] {
    policy::PlanChange found;
    const auto all = history->plan_changes({}).value();
    for (const auto& change : all)
      if (change.endpoint == "browse" && change.tier == "STD" && !change.shadow) found = change;
    return found;
  };
  EXPECT_EQ(last().after_scale, 1);
  EXPECT_EQ(last().cause, "mode of rules set to shadow by ann: a try");
  pass(seconds{6});
  EXPECT_EQ(last().after_scale, 0.25);
  EXPECT_THAT(last().cause, HasSubstr("the time of a mode set by hand is over; cpu is at"));
}

}  // namespace
}  // namespace tidelimit::engine::test
