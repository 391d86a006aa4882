#include <gmock/gmock.h>

#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

using limiter::Action;
using testing::Contains;
using testing::HasSubstr;

constexpr char kMallory[] = "203.0.113.66";

class Verdicts : public GateInTime {
 protected:
  void begin(std::vector<policy::Rule> rules = {attacker()}) {
    Settings settings = mission();
    settings.policy.rules = std::move(rules);
    start(std::move(settings));
    engine->set_models(bundle(nullptr, quiet_detector()));
    engine->tick(now);
  }
  /// Mallory's requests, which all fail, and a second passes.
  void attack(int requests, const std::string& address = kMallory) {
    for (int i = 0; i < requests; ++i) {
      const Asked asked{.path = "/login", .address = address};
      if (ask(asked).decision.allowed) answer(401, asked);
    }
    pass(seconds{1});
  }
  /// Ordinary clients, ten requests each, which succeed.
  void ordinary(int clients) {
    for (int i = 0; i < clients; ++i) {
      const Asked asked{.address = "198.51.100." + std::to_string(i % 250)};
      for (int j = 0; j < 10; ++j) {
        ask(asked);
        answer(200, asked);
      }
    }
  }
};

TEST_F(Verdicts, NeedTwoScansOfThreeAndSayWhy) {
  begin();
  ordinary(20);
  for (int s = 0; s < 4; ++s) attack(60);
  pass(seconds{1});  // the first scan, five seconds after the start
  EXPECT_FALSE(verdict(kMallory));
  for (int s = 0; s < 5; ++s) attack(60);
  const auto raised = verdict(kMallory);
  ASSERT_TRUE(raised);
  EXPECT_EQ(raised->kind, VerdictKind::malicious);
  EXPECT_EQ(raised->rule, "attacker");
  EXPECT_GT(raised->score, 0.5);
  EXPECT_THAT(raised->reasons, testing::Contains(testing::HasSubstr("(usual for STD: ")))
      << "Mallory names no tier, and STD is the default";
  EXPECT_EQ(ask({.address = kMallory}).decision.reason, Reason::client_blocked);
  EXPECT_TRUE(ask({.address = "198.51.100.1"}).decision.allowed);
  const auto status = engine->status();
  ASSERT_EQ(status->verdicts_total.size(), 1u);
  EXPECT_EQ(status->verdicts_total[0].rule, "attacker");
  EXPECT_EQ(status->verdicts_total[0].count, 1u);
}

TEST_F(Verdicts, AreLeftAloneByAShareOfTheRules) {
  begin();
  constexpr int kKnown = 100;
  const auto address = [](int i) { return "198.51.100." + std::to_string(i); };
  for (int i = 0; i < kKnown; ++i) {
    const LabelRecord known{address(i), true, "ticket 12", "ops", now.wall, {}};
    ASSERT_TRUE(engine->put_label(known, now));
  }
  const auto blocked = [&] {
    pass(seconds{2});
    int count = 0;
    for (int i = 0; i < kKnown; ++i)
      count += ask({.address = address(i), .hits = 0}).decision.allowed ? 0 : 1;
    return count;
  };
  EXPECT_EQ(blocked(), kKnown);
  ASSERT_TRUE(
      engine->set_mode({"rules", policy::ModeFor{Mode::enforce, 0.05}, {}, {}, {}, {}}, now));
  EXPECT_EQ(blocked(), kKnown) << "the rule on the verdict belongs to `anomaly`";
}

TEST_F(Verdicts, OfTheModelForAShareAreWatchedForTheOthers) {
  begin();
  ASSERT_TRUE(
      engine->set_mode({"anomaly", policy::ModeFor{Mode::enforce, 0.5}, {}, {}, {}, {}}, now));
  pass(seconds{1});
  ordinary(20);
  std::vector<std::string> attackers;
  for (int i = 1; i <= 20; ++i) attackers.push_back("203.0.113." + std::to_string(i));
  for (int s = 0; s < 12; ++s) {
    for (const std::string& address : attackers) {
      for (int i = 0; i < 60; ++i) {
        const Asked asked{.path = "/login", .address = address};
        if (ask(asked).decision.allowed) answer(401, asked);
      }
    }
    pass(seconds{1});
  }
  int blocked = 0;
  for (const std::string& address : attackers) {
    const Answer got = ask({.address = address, .hits = 0});
    ASSERT_TRUE(verdict(address));
    EXPECT_EQ(verdict(address)->enforced, 0.5);
    EXPECT_EQ(limiter::on_record(got.decision).reason, Reason::client_blocked);
    EXPECT_EQ(got.decision.outcome, got.decision.allowed ? Outcome::shadow_deny : Outcome::deny);
    blocked += got.decision.allowed ? 0 : 1;
  }
  EXPECT_GT(blocked, 2);
  EXPECT_LT(blocked, 18);
}

TEST_F(Verdicts, EndTheirTimeAfterTheLastFreshEvidence) {
  begin();
  ordinary(20);
  for (int s = 0; s < 12; ++s) attack(60);
  ASSERT_TRUE(verdict(kMallory));
  const WallTime last = now.wall;
  // Blocked, Mallory goes away. Nothing is fresh from here on.
  pass(minutes{14});
  EXPECT_EQ(ask({.address = kMallory, .hits = 0}).decision.reason, Reason::client_blocked);
  pass(minutes{1} + seconds{10});
  EXPECT_TRUE(ask({.address = kMallory, .hits = 0}).decision.allowed);
  EXPECT_LE(verdict(kMallory)->until, last + minutes{15} + seconds{5});  // a scan later at most
  pass(hours{1});
  engine->tick(now);
  EXPECT_FALSE(verdict(kMallory));
}

TEST_F(Verdicts, HoldToTenAMinuteWithoutARule) {
  begin({});
  ordinary(20);
  for (int s = 0; s < 12; ++s) attack(60);
  const auto raised = verdict(kMallory);
  ASSERT_TRUE(raised);
  EXPECT_EQ(raised->rule, "model");
  EXPECT_EQ(raised->action, Action::limit);
  EXPECT_EQ(raised->limit->per_minute(), 10);
}

TEST_F(Verdicts, AreNotRaisedByTheModelThatIsGoneOrOff) {
  begin();
  engine->set_models(nullptr);
  ordinary(20);
  for (int s = 0; s < 12; ++s) attack(60);
  EXPECT_FALSE(verdict(kMallory));
  EXPECT_THAT(degraded(), Contains(HasSubstr("attacker")));
  engine->set_models(bundle(nullptr, quiet_detector()));
  Settings off = mission();
  off.policy.rules = {attacker()};
  off.policy.anomaly.mode.mode = Mode::off;
  ASSERT_TRUE(engine->reconfigure(off, now));
  for (int s = 0; s < 12; ++s) attack(60);
  EXPECT_FALSE(verdict(kMallory));
}

/// A probe that may call often, and a tool that may not: where the first rule's pattern goes, or is
/// another's, the probe's calls are not the tool's.
class AgentRules : public Verdicts {
 protected:
  static policy::Rule rule(const std::string& name, const std::string& agent,
                           std::uint32_t requests) {
    policy::Rule rule;
    rule.name = name;
    rule.when.user_agent = agent;
    rule.when.requests = requests;
    rule.then.block = true;
    rule.then.duration = minutes{15};
    return rule;
  }
  static constexpr char kProbe[] = "203.0.113.8";
  static constexpr char kTool[] = "203.0.113.9";

  void SetUp() override {
    begin({rule("probes", "Probe*", 1000), rule("tool", "sqlmap*", 100)});
    for (int s = 0; s < 10; ++s) a_second();
  }
  void call() {
    for (int i = 0; i < 15; ++i) ask({.path = "/other/x", .address = kProbe, .agent = "Probe/1"});
    for (int i = 0; i < 6; ++i) ask({.path = "/other/x", .address = kTool, .agent = "sqlmap/1.8"});
  }
  void a_second() {
    call();
    pass(seconds{1});
  }
  void reload(std::vector<policy::Rule> rules) {
    call();  // which no turn has looked at yet
    Settings settings = mission();
    settings.policy.rules = std::move(rules);
    ASSERT_TRUE(engine->reconfigure(settings, now));
  }
};

TEST_F(AgentRules, KeepTheirCountsWhenAnotherRuleGoes) {
  reload({rule("tool", "sqlmap*", 100)});
  a_second();
  EXPECT_FALSE(verdict(kProbe)) << "the tool's place is not the probe's";
  for (int s = 0; s < 5; ++s) a_second();
  EXPECT_FALSE(verdict(kProbe));
  ASSERT_TRUE(verdict(kTool)) << "66 calls before and 36 since";
  EXPECT_THAT(verdict(kTool)->reasons, Contains(HasSubstr("sqlmap*")));
}

TEST_F(AgentRules, AreNamedRightlyFromTheReloadOn) {
  for (int s = 0; s < 10; ++s) a_second();
  ASSERT_EQ(*ask({.address = kTool}).rule, "tool");
  reload({rule("tool", "sqlmap*", 100), rule("probes", "Probe*", 1000)});
  EXPECT_EQ(*ask({.address = kTool}).rule, "tool");
}

TEST_F(AgentRules, KeepTheirCountsWhenAnotherRuleIsTurnedOff) {
  ask({.path = "/other/x", .address = kProbe, .agent = "Probe/1"});
  ASSERT_TRUE(
      engine->set_mode({"rule/probes", policy::ModeFor{Mode::off, 1}, {}, {}, {}, {}}, now));
  a_second();
  EXPECT_FALSE(verdict(kProbe));
  for (int s = 0; s < 7; ++s) a_second();
  EXPECT_TRUE(verdict(kTool));
}

TEST_F(AgentRules, CountNothingThatCameUnderAnotherPattern) {
  reload({rule("scanner", "nikto*", 100), rule("tool", "sqlmap*", 100)});
  for (int s = 0; s < 3; ++s) a_second();
  EXPECT_FALSE(verdict(kProbe));
  for (int i = 0; i < 100; ++i)
    ask({.path = "/other/x", .address = kMallory, .agent = "nikto/2.5"});
  pass(seconds{1});
  ASSERT_TRUE(verdict(kMallory));
  EXPECT_EQ(verdict(kMallory)->rule, "scanner");
}

TEST_F(Verdicts, HoldAnOddToolForTenMinutes) {
  begin({odd_tool()});
  const Asked postman{.path = "/other/x", .agent = "PostmanRuntime/7.36"};
  for (int i = 0; i < 25; ++i) {
    ask(postman);
    answer(i % 3 == 0 ? 200 : 500, postman);
  }
  EXPECT_EQ(passed(5, postman), 5);
  pass(seconds{1});
  const auto raised = verdict("203.0.113.7");
  ASSERT_TRUE(raised);
  EXPECT_EQ(raised->kind, VerdictKind::suspicious);
  EXPECT_EQ(raised->rule, "odd-tool");
  EXPECT_THAT(raised->reasons, Contains(HasSubstr("Postman*")));
  EXPECT_EQ(passed(30, postman), 10);
  EXPECT_EQ(*ask(postman).rule, "odd-tool");
  pass(minutes{16});
  EXPECT_EQ(passed(30, postman), 30);
}

TEST_F(Verdicts, TakeNoUserAgentAloneForEvidence) {
  begin({odd_tool()});
  const Asked postman{.path = "/other/x", .agent = "PostmanRuntime/7.36"};
  for (int i = 0; i < 60; ++i) {
    ask(postman);
    answer(200, postman);
  }
  pass(seconds{6});
  EXPECT_FALSE(verdict("203.0.113.7"));
}

TEST_F(Verdicts, ReportATrustedProxyAndNeverBlockIt) {
  begin();
  ordinary(20);
  for (int s = 0; s < 12; ++s) attack(60, "127.0.0.9");
  const auto raised = verdict("127.0.0.9");
  ASSERT_TRUE(raised);
  EXPECT_EQ(raised->mode, Mode::shadow);
  EXPECT_THAT(raised->reasons, Contains(HasSubstr("trusted proxy")));
  EXPECT_TRUE(ask({.path = "/login", .address = "127.0.0.9"}).decision.allowed);
}

TEST_F(Verdicts, ReportAnAddressThatIsAFifthOfAllTraffic) {
  begin();
  // Half of everything for a while, without harm; then it turns.
  for (int s = 0; s < 200; ++s) {
    ordinary(1);
    const Asked office{.address = "192.0.2.1"};
    for (int i = 0; i < 10; ++i) {
      ask(office);
      answer(200, office);
    }
    pass(seconds{10});
  }
  for (int s = 0; s < 12; ++s) attack(60, "192.0.2.1");
  const auto raised = verdict("192.0.2.1");
  ASSERT_TRUE(raised);
  EXPECT_EQ(raised->mode, Mode::shadow);
  EXPECT_THAT(raised->reasons, Contains(HasSubstr("of all traffic")));
  EXPECT_TRUE(ask({.path = "/login", .address = "192.0.2.1"}).decision.allowed);
  // Reported, it stays demand.
  pass(minutes{16});
  EXPECT_EQ(newest("other").malicious, 0);
  EXPECT_GT(newest("other").requests, 0);
}

TEST_F(Verdicts, ReportWhatManyShare) {
  begin();
  ordinary(400);
  const auto served = [&](const std::string& address, int users) {
    for (int u = 0; u < users; ++u) {
      const Asked asked{.address = address, .user = "u" + std::to_string(u)};
      ask(asked);
      answer(200, asked);
    }
  };
  served(kMallory, 80);
  served("203.0.113.67", 20);
  for (int s = 0; s < 12; ++s) {
    attack(60);
    attack(60, "203.0.113.67");
    attack(60, "::");  // as requests count that name no client
  }
  ASSERT_TRUE(verdict("::"));
  EXPECT_EQ(verdict("::")->mode, Mode::shadow);
  EXPECT_THAT(verdict("::")->reasons, Contains(HasSubstr("name no client")));
  ASSERT_TRUE(verdict(kMallory));
  EXPECT_EQ(verdict(kMallory)->mode, Mode::shadow);
  EXPECT_THAT(verdict(kMallory)->reasons, Contains(HasSubstr("users")));
  ASSERT_TRUE(verdict("203.0.113.67"));
  EXPECT_EQ(verdict("203.0.113.67")->mode, Mode::enforce);
  EXPECT_THAT(engine->client(client(kMallory), now)->protected_reason, HasSubstr("users"));
}

TEST_F(Verdicts, TakeNamesThatAreRefusedForNoCrowd) {
  begin();
  ordinary(20);
  int denied = 0;
  for (int i = 0; i < 600; ++i) {
    const Asked guess{.path = "/login", .address = kMallory, .user = "u" + std::to_string(i)};
    if (ask(guess).decision.allowed) {
      answer(401, guess);
    } else {
      ++denied;
    }
    pass(milliseconds{200});
  }
  ASSERT_TRUE(verdict(kMallory));
  EXPECT_EQ(verdict(kMallory)->mode, Mode::enforce);
  EXPECT_GT(denied, 500) << "for good: also after the verdict was told anew";
  EXPECT_EQ(engine->client(client(kMallory), now)->protected_reason, "");
}

TEST_F(Verdicts, OnWhoWasThereFromTheStartAreNotLiftedByItsShare) {
  begin();
  int denied = 0;
  for (int s = 0; s < 1200; ++s) {
    for (int i = 0; i < 5; ++i) {
      const Asked good{.address = "198.51.100." + std::to_string(s % 100)};
      ask(good);
      answer(200, good);
    }
    for (int i = 0; i < 20; ++i) {
      const Asked scan{.path = "/other/x", .address = kMallory};
      if (ask(scan).decision.allowed) {
        answer(404, scan);
      } else {
        ++denied;
      }
    }
    pass(seconds{1});
  }
  EXPECT_EQ(verdict(kMallory)->mode, Mode::enforce);
  EXPECT_GT(denied, 1180 * 20);
}

TEST_F(Verdicts, ReportWhoStaysWithinTheGrantAndBlockWhoGoesBeyond) {
  begin();
  ordinary(2000);  // enough that the loud client is no fifth of all traffic
  const Asked loud{.path = "/other/x", .address = kMallory};
  const auto press = [&](int a_second, int for_seconds) {
    for (int s = 0; s < for_seconds; ++s) {
      for (int i = 0; i < a_second; ++i) {
        if (ask(loud).decision.allowed) answer(200, loud);
      }
      pass(seconds{1});
    }
  };
  press(2, 360);
  const auto reported = verdict(kMallory);
  ASSERT_TRUE(reported);
  EXPECT_EQ(reported->mode, Mode::shadow);
  EXPECT_THAT(reported->reasons, Contains(HasSubstr("no more often than the limits grant")));
  EXPECT_TRUE(ask(loud).decision.allowed);
  EXPECT_THAT(engine->client(client(kMallory), now)->protected_reason, HasSubstr("limits grant"));

  press(10, 240);
  ASSERT_EQ(verdict(kMallory)->mode, Mode::enforce);
  EXPECT_EQ(ask(loud).decision.reason, Reason::client_blocked);

  // Slower again, it stays out for the rest of its time, and no longer.
  press(2, 420);
  const auto until = verdict(kMallory)->until;
  EXPECT_EQ(verdict(kMallory)->mode, Mode::enforce);
  press(2, 60);
  ASSERT_TRUE(verdict(kMallory));
  EXPECT_EQ(verdict(kMallory)->until, until);
}

TEST_F(Verdicts, OfABurstAreEnforcedWithinTheBudgetOfEveryHourAndElseReported) {
  constexpr std::size_t kOdd = 100;
  constexpr std::size_t kBudget = 20;
  Settings settings = mission();
  settings.policy.rules = {attacker()};
  settings.policy.anomaly.max_new_verdicts = Rate{kBudget, hours{1}};
  start(std::move(settings));
  engine->set_models(bundle(nullptr, quiet_detector()));
  engine->tick(now);

  // An application's new version asks for what is not there, for many customers at once.
  const auto odd = [](std::size_t i) { return "203.0." + std::to_string(i) + ".7"; };
  std::vector<WallTime> enforced;  // when the model began to
  std::vector<bool> held(kOdd, false);
  for (int s = 0; s < 2 * 3600; s += 5) {
    if (s % 60 == 0) ordinary(250);
    for (std::size_t i = 0; i < kOdd; ++i) {
      const Asked asked{.address = odd(i)};
      for (int n = 0; n < 3; ++n) {
        if (ask(asked).decision.allowed) answer(404, asked);
      }
    }
    pass(seconds{5});
    for (std::size_t i = 0; i < kOdd; ++i) {
      const auto judged = verdict(odd(i));
      const bool now_held = judged && judged->mode == Mode::enforce;
      if (now_held && !held[i]) enforced.push_back(now.wall);
      held[i] = now_held;
      if (judged && !now_held) {
        ASSERT_THAT(judged->reasons, Contains(HasSubstr("the budget of new verdicts is spent")));
        ASSERT_TRUE(ask({.address = odd(i)}).decision.allowed);
      }
    }
  }
  ASSERT_GE(enforced.size(), kBudget) << "they are odd indeed";
  for (std::size_t i = kBudget; i < enforced.size(); ++i)
    EXPECT_GE(enforced[i] - enforced[i - kBudget], hours{1} - seconds{5});
  EXPECT_EQ(engine->status()->verdicts.size(), kOdd) << "all are reported";
  EXPECT_EQ(newest("browse").requests, 15 * 250 * 10) << "those in excess are no demand either";
}

TEST_F(Verdicts, AreForgottenByHand) {
  begin();
  ordinary(20);
  for (int s = 0; s < 12; ++s) attack(60);
  ASSERT_FALSE(ask({.address = kMallory}).decision.allowed);
  engine->forget_verdict(client(kMallory), now);
  EXPECT_TRUE(ask({.address = kMallory}).decision.allowed);
}

TEST_F(Verdicts, AreAllForgottenOverARestart) {
  auto history = std::make_shared<MemoryHistory>();
  policy::Rule flood;
  flood.name = "flood";
  flood.when.requests = 100;
  flood.then.limit = per_minute(10);
  flood.then.duration = hours{1};
  Settings settings = mission();
  settings.policy.rules = {attacker(), flood};
  start(settings, history);
  engine->set_models(bundle(nullptr, quiet_detector()));
  engine->tick(now);
  ordinary(20);
  for (int s = 0; s < 12; ++s) attack(60);
  ASSERT_EQ(verdict(kMallory)->rule, "attacker");
  ASSERT_EQ(history->verdicts(now.wall)->size(), 2u) << "by the model and by the rule";
  engine->forget_verdict(client(kMallory), now);
  pass(seconds{1});
  restart(settings, history);
  EXPECT_FALSE(verdict(kMallory)) << verdict(kMallory)->rule;
}

TEST_F(Verdicts, SayNothingOfTheTrafficOfAClientThatIsLetPassByHand) {
  policy::Rule rule = attacker();
  rule.then.duration = hours{1};
  begin({rule});
  ordinary(20);
  for (int s = 0; s < 12; ++s) attack(60);
  ASSERT_FALSE(ask({.address = kMallory}).decision.allowed);
  ASSERT_TRUE(engine->put_override({.target = kMallory,
                                    .action = Action::allow,
                                    .limit = {},
                                    .reason = "a partner",
                                    .by = "ops",
                                    .made_at = now.wall,
                                    .until = {}},
                                   now));
  pass(minutes{15});
  for (int i = 0; i < 10; ++i) {
    const Asked asked{.address = kMallory};
    EXPECT_TRUE(ask(asked).decision.allowed);
    answer(200, asked);
  }
  for (int i = 0; i < 5; ++i) answer(500, {.address = kMallory}, false, ReportKind::observe_only);
  pass(minutes{16});
  ASSERT_TRUE(verdict(kMallory)) << "the verdict stands all the time";
  const auto window = newest("browse");
  EXPECT_EQ(window.requests, 15);
  EXPECT_EQ(window.responses, 15);
  EXPECT_EQ(window.errors, 5);
  EXPECT_EQ(window.malicious, 0);
}

LabelRecord label_of(bool malicious, WallTime now, std::optional<WallTime> until = {}) {
  return {.target = kMallory,
          .malicious = malicious,
          .reason = "ticket 12",
          .by = "ops",
          .made_at = now,
          .until = until};
}

TEST_F(Verdicts, CarryEveryFeaturesPartAsANumber) {
  begin();
  ordinary(20);
  for (int s = 0; s < 12; ++s) attack(60);
  const auto raised = verdict(kMallory);
  ASSERT_TRUE(raised);
  ASSERT_EQ(raised->features.size(), traffic::kFeatures);
  double sum = 0;
  for (const auto& part : raised->features) sum += part.share;
  EXPECT_NEAR(sum, raised->score - 0.5, 1e-9);
  EXPECT_GT(raised->features.front().value, raised->features.front().usual_high);
}

TEST_F(Verdicts, OfTheModelGiveWayToALabelThatOutlivesARestart) {
  auto history = std::make_shared<MemoryHistory>();
  Settings settings = mission();
  settings.policy.rules = {attacker()};
  start(settings, history);
  engine->set_models(bundle(nullptr, quiet_detector()));
  engine->tick(now);
  ordinary(20);
  for (int s = 0; s < 12; ++s) attack(60);
  ASSERT_FALSE(ask({.address = kMallory}).decision.allowed);

  ASSERT_TRUE(engine->put_label(label_of(false, now.wall, now.wall + hours{2}), now));
  EXPECT_TRUE(ask({.address = kMallory}).decision.allowed);  // at once, without a tick
  for (int s = 0; s < 15; ++s) attack(5);
  EXPECT_FALSE(verdict(kMallory));
  EXPECT_FALSE(engine->client(client(kMallory), now)->label->malicious);

  restart(settings, history);
  engine->set_models(bundle(nullptr, quiet_detector()));
  engine->tick(now);
  EXPECT_FALSE(verdict(kMallory));
  ordinary(20);
  for (int s = 0; s < 15; ++s) attack(60);
  EXPECT_FALSE(verdict(kMallory));

  pass(hours{2});  // the label ends
  EXPECT_TRUE(engine->labels().empty());
  ordinary(20);
  for (int s = 0; s < 15; ++s) attack(60);
  EXPECT_TRUE(verdict(kMallory));
}

TEST_F(Verdicts, FollowALabelOfMaliciousAtOnce) {
  auto history = std::make_shared<MemoryHistory>();
  Settings settings = mission();
  settings.policy.rules = {attacker()};
  start(settings, history);
  engine->tick(now);
  ASSERT_TRUE(ask({.address = kMallory}).decision.allowed);
  ASSERT_TRUE(engine->put_label(label_of(true, now.wall), now));
  EXPECT_EQ(ask({.address = kMallory}).decision.reason, Reason::client_blocked);
  pass(hours{5});
  restart(settings, history);
  EXPECT_EQ(ask({.address = kMallory}).decision.reason, Reason::client_blocked);
  ASSERT_TRUE(engine->delete_label(kMallory, now));
  EXPECT_TRUE(ask({.address = kMallory}).decision.allowed);
  restart(settings, history);
  EXPECT_TRUE(ask({.address = kMallory}).decision.allowed);
  EXPECT_EQ(engine->delete_label(kMallory, now).error().code, Code::not_found);
}

TEST_F(Verdicts, AreNeverOnAllWhoNameNoClient) {
  auto history = std::make_shared<MemoryHistory>();
  start(mission(), history);
  engine->tick(now);
  LabelRecord nobody = label_of(true, now.wall);
  nobody.target = "::";
  const auto refused = engine->put_label(nobody, now);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::invalid_argument);
  traffic::Request unnamed = request({.user = "ana"});
  unnamed.client = {};
  EXPECT_TRUE(worker->decide(unnamed, 1, now).decision.allowed);
}

TEST_F(Verdicts, AreNotLabelledWhatTheHistoryCannotKeep) {
  auto history = std::make_shared<MemoryHistory>();
  start(mission(), history);
  engine->tick(now);
  history->full = true;
  EXPECT_FALSE(engine->put_label(label_of(true, now.wall), now));
  EXPECT_TRUE(engine->labels().empty());
  EXPECT_FALSE(verdict(kMallory));
}

TEST_F(Verdicts, RaisedWhileTheDiskIsFullAreWrittenWhenThereIsRoom) {
  auto history = std::make_shared<MemoryHistory>();
  Settings settings = mission();
  settings.policy.rules = {attacker()};
  start(settings, history);
  engine->set_models(bundle(nullptr, quiet_detector()));
  engine->tick(now);
  ordinary(20);
  history->full = true;
  for (int s = 0; s < 12; ++s) attack(60);
  ASSERT_FALSE(ask({.address = kMallory}).decision.allowed);
  EXPECT_THAT(degraded(), Contains(HasSubstr("1 verdict waits to be written")));
  EXPECT_TRUE(history->verdicts({})->empty());
  history->full = false;
  pass(seconds{10});
  EXPECT_THAT(degraded(), Not(Contains(HasSubstr("history"))));
  restart(settings, history);
  EXPECT_EQ(ask({.address = kMallory}).decision.reason, Reason::client_blocked);
}

TEST_F(Verdicts, ShowAClientAsTheControlPlaneSeesIt) {
  begin();
  EXPECT_FALSE(engine->client(client(kMallory), now));
  attack(40);
  const auto view = engine->client(client(kMallory), now);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->figures.requests, 40u);
  EXPECT_EQ(view->figures.errors, 40u);
  EXPECT_GT(view->score, 0);
  EXPECT_GT(view->threshold, 0);
  EXPECT_FALSE(view->contributions.empty());
}

}  // namespace
}  // namespace tidelimit::engine::test
