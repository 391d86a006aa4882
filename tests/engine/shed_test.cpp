// A rule on queueing, from reported latencies to refused requests.
#include <map>

#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

class Shed : public GateInTime {
 protected:
  Settings with_shedding() {
    Settings settings = mission();
    policy::Rule overload;
    overload.name = "overload";
    overload.when.queueing = milliseconds{100};
    overload.then.shed = true;
    settings.policy.rules = {overload};
    return settings;
  }

  /// So many seconds of fifty users' browsing and ten's paying, each answered after `ms`.
  void serve(int count, double ms, std::uint16_t status = 200) {
    for (int second = 0; second < count; ++second) {
      serve_all(ms, status);
      pass(seconds{1});
    }
  }
  /// Every user once.
  void serve_all(double ms, std::uint16_t status = 200) {
    for (int user = 0; user < 60; ++user) {
      const Asked asked = call_of(user);
      const Answer got = ask(asked);
      if (!got.decision.allowed) {
        ++refused[asked.tier];
        last = got.decision.reason;
        rule = got.rule == nullptr ? "" : *got.rule;
        continue;
      }
      traffic::Request seen = request(asked);
      seen.status = status;
      seen.latency_ms = static_cast<float>(ms);
      worker->observe(seen, ReportKind::already_decided, false, now);
    }
  }
  static Asked call_of(int user) {
    Asked asked;
    const bool pays = user >= 50;
    asked.user = (pays ? "p" : "s") + std::to_string(user);
    asked.tier = pays ? "PRM" : "STD";
    asked.path = pays ? "/payment/1" : "/browse/1";
    return asked;
  }

  std::map<std::string, int> refused;
  Reason last = Reason::ok;
  std::string rule;
};

TEST_F(Shed, RefusesTheLeastImportantTwoSecondsAfterAnswersBeganToWait) {
  start(with_shedding());
  serve(90, 50);
  EXPECT_TRUE(refused.empty());
  serve(2, 600);
  serve(1, 600);
  EXPECT_GT(refused["STD"], 5);
  EXPECT_EQ(refused["PRM"], 0);
  EXPECT_EQ(last, Reason::load_shed);
  EXPECT_EQ(rule, "overload");
  const auto status = engine->status();
  ASSERT_TRUE(status);
  EXPECT_TRUE(status->rules[0].active);
}

TEST_F(Shed, LooksEverySecondThoughTurnsComeALittleLateOrEarly) {
  start(with_shedding());
  serve(90, 50);
  serve_all(50);
  move_to(now.wall + seconds{1} + milliseconds{1});
  serve_all(600);
  move_to(now.wall + seconds{1} - milliseconds{1});
  serve_all(600);
  EXPECT_GT(refused["STD"], 0);
}

TEST_F(Shed, LetsEverybodyInAgainWhenAnswersComeAsUsual) {
  start(with_shedding());
  serve(90, 50);
  serve(10, 600);
  serve(30, 50);
  refused.clear();
  serve(30, 50);
  EXPECT_TRUE(refused.empty());
}

TEST_F(Shed, TakesShedRequestsForDemand) {
  start(with_shedding());
  serve(90, 50);
  serve(20, 600);
  const auto shed = refused["STD"];
  EXPECT_GT(shed, 0);
  pass(minutes{16});
  EXPECT_EQ(newest("browse").requests, 50 * 110);
}

TEST_F(Shed, DoesNotTakeTheQuickErrorsOfAnOutageForUsual) {
  start(with_shedding());
  serve(90, 300);
  serve(130, 0.4, 502);
  serve(60, 300);
  EXPECT_TRUE(refused.empty()) << refused["STD"];
}

TEST_F(Shed, DoesNotTakeAnOutageThatItStartsInForUsual) {
  start(with_shedding());
  serve(130, 0.4, 502);
  serve(120, 300);
  EXPECT_TRUE(refused.empty()) << refused["STD"];
}

TEST_F(Shed, TakesSlowErrorsForWaiting) {
  start(with_shedding());
  serve(90, 300);
  serve(3, 4000, 503);
  EXPECT_GT(refused["STD"], 5);
  EXPECT_TRUE(engine->status()->rules[0].active);
  serve(40, 300);
  refused.clear();
  serve(30, 300);
  EXPECT_TRUE(refused.empty()) << refused["STD"];
}

TEST_F(Shed, LetsNoScannerMakeUsualLower) {
  start(with_shedding());
  serve(90, 300);
  for (int second = 0; second < 130; ++second) {
    for (int i = 0; i < 250; ++i) {
      traffic::Request seen = request({.path = i % 2 == 0 ? "/browse/x" : "/payment/x"});
      seen.status = 404;
      seen.latency_ms = 0.4F;
      worker->observe(seen, ReportKind::already_decided, false, now);
    }
    serve(1, 300);
  }
  serve(60, 300);
  EXPECT_TRUE(refused.empty()) << refused["STD"];
}

TEST_F(Shed, KnowsNothingOfWhatTheGateWasNotAskedAbout) {
  start(with_shedding());
  serve(90, 300);
  const auto undecided = [&](int count, std::uint16_t status, float ms) {
    for (int i = 0; i < count; ++i) {
      traffic::Request seen = request({.path = i % 2 == 0 ? "/browse/x" : "/payment/x"});
      seen.status = status;
      seen.latency_ms = ms;
      worker->observe(seen, ReportKind::never_asked, false, now);
    }
  };
  for (int second = 0; second < 20; ++second) {
    undecided(50, 504, 60'000);
    serve(1, 300);
  }
  EXPECT_TRUE(refused.empty()) << "nothing waits: " << refused["STD"];
  refused.clear();
  for (int second = 0; second < 130; ++second) {
    undecided(250, 200, 0);
    serve(1, 300);
  }
  serve(60, 300);
  EXPECT_TRUE(refused.empty()) << "usual is what it was: " << refused["STD"];
}

TEST_F(Shed, TakesNoSessionForAnAnswer) {
  start(with_shedding());
  serve(90, 50);
  for (int second = 0; second < 10; ++second) {
    serve_all(3'600'000, 101);  // WebSockets that were closed
    serve(1, 50);
  }
  EXPECT_TRUE(refused.empty()) << refused["STD"];
}

TEST_F(Shed, LeavesErrorsOfTheServiceOutOfItsThroughput) {
  start(with_shedding());
  serve(90, 50);
  EXPECT_TRUE(refused.empty());
  // Without any latency nothing is known of queues.
  for (int second = 0; second < 10; ++second) {
    for (int user = 0; user < 60; ++user) {
      if (ask(call_of(user)).decision.allowed) answer(503, call_of(user));
    }
    pass(seconds{1});
  }
  EXPECT_TRUE(refused.empty());
  EXPECT_FALSE(engine->status()->rules[0].active);
}

}  // namespace
}  // namespace tidelimit::engine::test
