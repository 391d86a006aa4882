// A capacity, from what is asked for to refused requests; and planned times.
#include <gmock/gmock.h>
#include <map>

#include "engine/gate_in_time.hpp"
#include "limiter/rollout.hpp"
#include "policy/plan_cells.hpp"

namespace tidelimit::engine::test {
namespace {

using testing::HasSubstr;

class Divide : public GateInTime {
 protected:
  /// 30 a second for payment and browse together, of which 27 are divided.
  static Settings with_capacity() {
    Settings settings = mission();
    settings.policy.endpoints[0].capacity.reset();
    settings.policy.upstreams = {{"core", Rate{30, seconds{1}}, {}, {"payment", "browse"}}};
    policy::Rule rule;
    rule.name = std::string(policy::kDivisionRule);
    rule.when.utilisation = policy::kDefaultUtilisation;
    rule.then.divide = true;
    settings.policy.rules = {rule};
    return settings;
  }

  /// So many seconds in which ten pay and `browsing` browse, all once.
  void serve(int count, int browsing) {
    for (int second = 0; second < count; ++second) {
      for (int user = 0; user < 10; ++user)
        tell(ask({.path = "/payment/1", .user = "p" + std::to_string(user), .tier = "PRM"}));
      for (int user = 0; user < browsing; ++user)
        tell(ask({.user = "s" + std::to_string(user), .tier = "STD"}));
      pass(seconds{1});
    }
  }
  void tell(const Answer& got) {
    auto& counts = got.endpoint != nullptr && *got.endpoint == "payment" ? payment : browse;
    ++(got.decision.allowed ? counts.passed : counts.refused);
    if (got.decision.allowed) return;
    reasons[got.decision.reason] += 1;
    rule = got.rule == nullptr ? "" : *got.rule;
  }

  struct Counts {
    int passed = 0, refused = 0;
  };
  Counts payment, browse;
  std::map<Reason, int> reasons;
  std::string rule;
};

TEST_F(Divide, ServesTheImportantInFullAndWhatIsLeftToTheRest) {
  start(with_capacity());
  serve(60, 10);
  EXPECT_EQ(browse.refused, 0);
  serve(30, 40);
  payment = browse = {};
  reasons.clear();
  serve(60, 40);
  EXPECT_EQ(payment.refused, 0);
  EXPECT_NEAR(browse.passed / 60.0, 17, 0.7) << "27 less the 10 of payment";
  EXPECT_EQ(reasons.size(), 1u);
  EXPECT_GT(reasons[Reason::reduced_capacity], 0);
  EXPECT_EQ(rule, policy::kDivisionRule);
  const auto status = engine->status();
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->rules[0].active);
  EXPECT_NE(status->limit_causes[3].find("browse STD gets 4"), std::string::npos)
      << status->limit_causes[3];
}

TEST_F(Divide, LetsEverybodyInAgainWhenThereIsRoom) {
  start(with_capacity());
  serve(60, 40);
  EXPECT_GT(browse.refused, 0);
  serve(30, 10);
  browse = {};
  serve(30, 10);
  EXPECT_EQ(browse.refused, 0);
  EXPECT_EQ(engine->status()->limit_causes[3].find("it claims"), std::string::npos)
      << "what was claimed in the rush is no cause any more: " << engine->status()->limit_causes[3];
}

/// Three a second for a class, asked for in step: what a burst of one would round away is let in.
TEST_F(Divide, LetsInWhatItSaysWhereTotalsAreSmall) {
  Settings settings = with_capacity();
  settings.policy.upstreams[0].capacity = Rate{20, seconds{1}};
  settings.policy.endpoints[1].cost = 2.5;
  start(settings);
  serve(60, 10);
  browse = {};
  serve(120, 10);
  EXPECT_EQ(payment.refused, 0);
  EXPECT_NEAR(browse.passed / 120.0, (18 - 10) / 2.5, 0.15);
}

TEST_F(Divide, InShadowRefusesNobody) {
  Settings settings = with_capacity();
  settings.policy.mode.mode = Mode::shadow;
  start(settings);
  serve(90, 40);
  EXPECT_EQ(browse.refused, 0);
}

TEST_F(Divide, StopsAtOnceWhenForecastsAreSwitchedOff) {
  start(with_capacity());
  serve(60, 40);
  ASSERT_TRUE(engine->set_mode("forecast", Mode::off, std::nullopt, now));
  browse = {};
  serve(1, 40);
  EXPECT_EQ(browse.refused, 0);
}

TEST_F(Divide, APlannedTimeHoldsFromItsFirstSecondWithoutTraffic) {
  Settings settings = mission();
  policy::Rule sale;
  sale.name = "sale";
  sale.when.calendar = policy::Planned{now.wall + hours{3}, hours{2}, {}, {}};
  sale.then.scale = 1.5;
  settings.policy.rules = {sale};
  start(settings);
  pass(hours{3} - seconds{1});
  EXPECT_NEAR(effective(1, 1), 100, 1e-6);
  pass(seconds{1});
  EXPECT_NEAR(effective(1, 1), 150, 1e-6);
  pass(hours{2} + minutes{6});
  EXPECT_NEAR(effective(1, 1), 100, 1e-6);
}

/// What the gate refused itself, as 503 and told of by the gateway, is no failure of the service.
TEST_F(Divide, LearnsNothingFromItsOwnRefusals) {
  Settings settings = with_capacity();
  settings.policy.upstreams[0] = {"core", {}, policy::LearnedCapacity{}, {"payment", "browse"}};
  start(settings);
  const auto answer_in = [&](float latency_ms) {
    for (int user = 0; user < 40; ++user) {
      traffic::Request seen = request({.user = "s" + std::to_string(user)});
      static_cast<void>(worker->decide(seen, 1, now));
      const bool refused = user % 2 == 1;
      seen.status = refused ? 503 : 200;
      seen.latency_ms = latency_ms;
      worker->observe(seen, ReportKind::already_decided, refused, now);
    }
    pass(seconds{1});
  };
  for (int second = 0; second < 60; ++second) answer_in(10);
  for (int second = 0; second < 10; ++second) answer_in(200);
  const auto status = engine->status();
  ASSERT_EQ(status->capacities.size(), 1u);
  ASSERT_TRUE(status->capacities[0].per_second);
  EXPECT_NEAR(*status->capacities[0].per_second, 20, 1);
}

TEST_F(Divide, LearnsNothingFromAnOutageOfQuickErrors) {
  Settings settings = with_capacity();
  settings.policy.upstreams[0] = {"core", {}, policy::LearnedCapacity{}, {"payment", "browse"}};
  start(settings);
  const auto answer_in = [&](int count, std::uint16_t status, float latency_ms) {
    for (int second = 0; second < count; ++second) {
      for (int user = 0; user < 40; ++user) {
        traffic::Request seen = request({.user = "s" + std::to_string(user)});
        static_cast<void>(worker->decide(seen, 1, now));
        seen.status = status;
        seen.latency_ms = latency_ms;
        worker->observe(seen, ReportKind::already_decided, false, now);
      }
      pass(seconds{1});
    }
  };
  const auto capacity = [&] { return engine->status()->capacities.at(0).per_second; };
  answer_in(70, 200, 100);
  answer_in(10, 200, 400);
  ASSERT_TRUE(capacity());
  EXPECT_NEAR(*capacity(), 40, 1);
  answer_in(130, 502, 0.4F);
  answer_in(120, 200, 100);
  EXPECT_NEAR(*capacity(), 40, 1);
}

/// Users who browse in turn, so that no limit of a principal counts.
class DivideInTurn : public Divide {
 protected:
  void browse_for(int count, int a_second) {
    for (int second = 0; second < count; ++second) {
      for (int i = 0; i < a_second; ++i) {
        const Answer got = ask({.user = "t" + std::to_string(next++ % 400), .tier = "STD"});
        tell(got);
        if (got.decision.outcome == Outcome::shadow_deny) ++watched[rule_of(got.decision.watched)];
        if (!got.decision.allowed) denied[got.rule ? *got.rule : ""] += 1;
      }
      pass(seconds{1});
    }
  }
  std::string rule_of(const limiter::WatchedDenial& denial) {
    const auto& rules = engine->status()->rules;
    const std::size_t rule = limiter::index(denial.rule);
    return rule < rules.size() ? rules[rule].rule : "";
  }
  int next = 0;
  std::map<std::string, int> watched, denied;
};

TEST_F(DivideInTurn, ForAShareOfThePrincipalsDeniesNobodyElse) {
  Settings settings = with_capacity();
  settings.policy.rules[0].mode.share = 0.05;
  settings.policy.endpoints[1].limits[1].total = Rate{100, seconds{1}};
  start(settings);
  browse_for(120, 45);
  EXPECT_EQ(denied[""], 0) << "45 of the 100 a second that the base lets through";
  EXPECT_GT(denied["capacity"], 0);
  EXPECT_EQ(reasons.size(), 1u);
  EXPECT_GT(reasons[Reason::reduced_capacity], 0);
  EXPECT_GT(watched["capacity"], 1000) << "18 of the 45, twelve in a hundred of them in force";
}

TEST_F(DivideInTurn, SaysOfThoseInTheShareThatEveryonesTotalWouldHaveDeniedThem) {
  const auto history = std::make_shared<MemoryHistory>();
  Settings settings = with_capacity();
  settings.policy.rules[0].mode.share = 0.2;
  start(settings, history);
  browse_for(60, 45);
  const auto below = policy::part_of_everyone(0.2);
  std::map<bool, int> told;
  const auto records = history->decisions({}).value();
  for (const DecisionRecord& record : records) {
    if (record.outcome != "shadow_deny") continue;
    const bool inside = limiter::rollout_place(record.user) < below;
    EXPECT_THAT(record.explanation, HasSubstr(inside ? "this one among them" : "not for this one"))
        << record.user;
    ++told[inside];
  }
  EXPECT_GT(told[true], 10);
  EXPECT_GT(told[false], 10);
}

TEST_F(DivideInTurn, InShadowIsSeenWhereThereIsNoOtherTotal) {
  Settings settings = with_capacity();
  settings.policy.rules[0].mode.mode = Mode::shadow;
  start(settings);
  browse_for(120, 45);
  EXPECT_TRUE(denied.empty());
  EXPECT_GT(watched["capacity"], 1000);
}

TEST_F(DivideInTurn, NamesTheCapacityWhereAnotherRuleSetsTheScale) {
  Settings settings = with_capacity();
  policy::Rule cpu;
  cpu.name = "cpu-pressure";
  cpu.when.cpu = 0.8;
  cpu.then.priority = policy::Priority::low;
  cpu.then.scale = 0.25;
  settings.policy.rules.push_back(cpu);
  start(settings);
  browse_for(30, 45);
  for (int i = 0; i < 10; ++i) {
    engine->signal({.name = "cpu", .value = 0.95, .measured_at = now.mono});
    browse_for(1, 45);
  }
  denied.clear();
  browse_for(5, 45);
  EXPECT_EQ(denied.size(), 1u);
  EXPECT_GT(denied["capacity"], 0);
  const auto status = engine->status();
  const auto& limits = status->plan->cells[kBrowse * 2 + kStd].in(limiter::View::effective);
  EXPECT_EQ(limiter::index(limits.rule), 1u);
  EXPECT_EQ(limiter::index(limits.total_rule), 0u);
  EXPECT_NE(status->total_causes[kBrowse * 2 + kStd].find("core can take"), std::string::npos);
}

}  // namespace
}  // namespace tidelimit::engine::test
