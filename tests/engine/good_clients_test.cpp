#include <functional>
#include <gmock/gmock.h>

#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

using testing::HasSubstr;

/// What good clients meet that looks like harm, and who harms among them.
class GoodClients : public GateInTime {
 protected:
  static constexpr int kClients = 60;

  void begin(Settings settings = mission()) {
    settings.policy.rules = {attacker()};
    start(std::move(settings));
    engine->set_models(bundle(nullptr, quiet_detector()));
    engine->tick(now);
  }

  static std::string customer(int i) { return "198.51.100." + std::to_string(i); }

  bool call(const Asked& asked, std::uint16_t status) {
    const bool allowed = ask(asked).decision.allowed;
    if (allowed) answer(status, asked);
    return allowed;
  }

  /// Customers ask twice a minute each, not all at once; `status(i)` is the answer to the i-th.
  /// Each time the clock moves by five seconds `then` is called.
  void customers(
      Nanos span, const std::function<std::uint16_t(int)>& status,
      const std::function<void()>& then = [] {}) {
    const WallTime end = now.wall + span;
    for (int step = 0; now.wall < end; ++step) {
      for (int i = step % 6; i < kClients; i += 6) call({.address = customer(i)}, status(i));
      then();
      pass(seconds{5});
    }
  }
  static std::uint16_t well(int) { return 200; }

  [[nodiscard]] std::size_t judged() { return engine->status()->verdicts.size(); }
};

TEST_F(GoodClients, AreLeftAloneWhenAnOutageOfAnHourHasEnded) {
  begin();
  customers(hours{2}, well);
  std::size_t worst = 0;
  const auto look = [&] { worst = std::max(worst, judged()); };
  customers(
      hours{1}, [](int) -> std::uint16_t { return 401; }, look);  // logins fail for all
  customers(minutes{30}, well, look);
  EXPECT_EQ(worst, 0U);
}

TEST_F(GoodClients, AreLeftAloneInAnOutageOfASmallSite) {
  begin();
  std::size_t worst = 0;
  // Four customers ask once a minute, and a crawler every five seconds for another page.
  int page = 0;
  const auto visit = [&](Nanos span, std::uint16_t status) {
    const WallTime end = now.wall + span;
    for (int step = 0; now.wall < end; ++step) {
      if (step % 12 < 4) call({.address = customer(step % 12)}, status);
      call({.path = "/other/" + std::to_string(++page), .address = customer(20)}, status);
      pass(seconds{5});
      worst = std::max(worst, judged());
    }
  };
  visit(hours{2}, 200);
  visit(hours{1}, 404);
  visit(minutes{10}, 200);
  EXPECT_EQ(worst, 0U);
}

TEST_F(GoodClients, DoNotMakeTheServersErrors) {
  begin();
  customers(hours{1}, well);
  std::size_t worst = 0;
  const auto look = [&] {
    // Someone's hook, called again and again, finds nobody at home.
    for (int i = 0; i < 3; ++i) call({.path = "/other/hook", .address = "203.0.113.5"}, 503);
    worst = std::max(worst, judged());
  };
  customers(
      minutes{30}, [](int i) -> std::uint16_t { return i % 4 == 0 ? 503 : 200; }, look);
  customers(minutes{10}, well, look);
  EXPECT_EQ(worst, 0U);
}

TEST_F(GoodClients, MayLoadAScreenAtOnce) {
  begin();
  std::size_t worst = 0;
  int step = 0;
  const Asked screen{.path = "/other/x", .address = "203.0.113.5"};
  customers(hours{2}, well, [&] {
    // Some hundreds of requests within fifteen seconds, every ten minutes.
    if (step++ % 120 < 3)
      for (int i = 0; i < 150; ++i) call(screen, 200);
    worst = std::max(worst, judged());
  });
  EXPECT_EQ(worst, 0U);
}

TEST_F(GoodClients, AreNotKeptOutForWhatTheyDidBefore) {
  begin();
  customers(minutes{10}, well);
  const Asked guesser{.path = "/login", .address = "203.0.113.66"};
  const auto guess = [&] { call(guesser, 401); };
  customers(minutes{5}, well, [&] { guess(), guess(); });
  ASSERT_TRUE(verdict(guesser.address));
  // It goes on, and gets no answer of the service: nothing of that is fresh evidence.
  WallTime let_in{};
  customers(minutes{16}, well, [&] {
    if (let_in == WallTime{} && call(guesser, 401)) let_in = now.wall;
  });
  EXPECT_NE(let_in, WallTime{});
  customers(minutes{1}, well, guess);
  EXPECT_EQ(ask(guesser).decision.reason, Reason::client_blocked) << "fresh errors, and out again";
}

TEST_F(GoodClients, AreNotJudgedTwiceForTheSameErrors) {
  begin();
  customers(minutes{10}, well);
  const Asked hasty{.path = "/login", .address = "203.0.113.66"};
  for (int i = 0; i < 60; ++i) call(hasty, 401);
  customers(minutes{1}, well, [&] { call(hasty, 200); });
  EXPECT_FALSE(verdict(hasty.address)) << "one scan saw errors, the others saw none that were new";
  customers(minutes{1}, well, [&] { call(hasty, 401); });
  EXPECT_TRUE(verdict(hasty.address));
}

TEST_F(GoodClients, MayUseAllThatIsGrantedAtOnce) {
  Settings settings = mission();
  for (policy::EndpointSettings& endpoint : settings.policy.endpoints)
    for (policy::LimitSpec& limit : endpoint.limits) limit.rate = per_minute(100);
  begin(std::move(settings));
  // Enough that the busy one is no fifth of all traffic.
  for (int i = 0; i < 400 * kClients; ++i) call({.address = customer(i % kClients)}, 200);
  const auto ask_both = [&](int times) {
    for (int i = 0; i < times; ++i)
      for (const char* path : {"/payment/1", "/browse/1"})
        call({.path = path, .address = "203.0.113.5"}, 200);
  };
  customers(minutes{10}, well, [&] { ask_both(6); });  // 72 a minute of either
  ASSERT_TRUE(verdict("203.0.113.5"));
  EXPECT_EQ(verdict("203.0.113.5")->mode, Mode::shadow);
  EXPECT_THAT(verdict("203.0.113.5")->reasons, testing::Contains(HasSubstr("limits grant (300 a")));
  customers(minutes{10}, well, [&] { ask_both(16); });  // 192 of either: beyond both limits
  EXPECT_EQ(verdict("203.0.113.5")->mode, Mode::enforce);
}

TEST_F(GoodClients, AreRidOfASwarmWhoseAddressesAreTooSlowToBeSeenOneByOne) {
  Settings settings = mission();
  settings.policy.anomaly.max_new_verdicts = Rate{2, hours{1}};
  begin(std::move(settings));
  customers(minutes{30}, well);
  constexpr int kSwarm = 200;
  constexpr int kSteps = 36;  // of five seconds, from one try of an address to its next
  const auto address = [](int i) { return "203.0.113." + std::to_string(i); };
  int tries = 0, blocked = 0, step = 0;
  customers(hours{2}, well, [&] {
    for (int i = step % kSteps; i < kSwarm; i += kSteps, ++tries)
      blocked += call({.path = "/login", .address = address(i)}, 401) ? 0 : 1;
    ++step;
    EXPECT_TRUE(call({.address = address(250)}, 200)) << "their neighbour is served";
  });
  EXPECT_GT(blocked, 0.65 * tries);
  for (const policy::VerdictRecord& verdict : engine->status()->verdicts) {
    EXPECT_THAT(verdict.client_name, testing::StartsWith("203.0.113."));
    EXPECT_NE(verdict.client_name, address(250));
    EXPECT_EQ(verdict.mode, Mode::enforce) << "they are one to the budget";
    EXPECT_THAT(
        verdict.reasons.front(),
        testing::AllOf(HasSubstr("clients of 203.0.113.0/24 of which"), HasSubstr("of its own")));
  }
}

TEST_F(GoodClients, AreRidOfWhoMovesOnWithinAPrefix) {
  begin();
  customers(minutes{30}, well);
  int tries = 0, blocked = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string address = "2001:db8:77:" + std::to_string(i) + "::9";
    for (int second = 0; second < 5; ++second) {
      for (int n = 0; n < 2; ++n, ++tries)
        blocked += call({.path = "/admin", .address = address}, 404) ? 0 : 1;
      call({.address = customer((5 * i + second) % kClients)}, 200);
      pass(seconds{1});
    }
  }
  EXPECT_GT(blocked, 0.45 * tries);
}

TEST_F(GoodClients, SeeTheHarmNamedFirstWhereThereIsAny) {
  begin();
  customers(minutes{10}, well);
  const Asked loud{.path = "/other/x", .address = "203.0.113.66"};
  const Asked guesser{.path = "/login", .address = "203.0.113.67"};
  customers(minutes{5}, well, [&] {
    for (int i = 0; i < 30; ++i) call(loud, 200);
    call(guesser, 401);
  });
  ASSERT_TRUE(verdict(loud.address));
  EXPECT_THAT(verdict(loud.address)->reasons.front(),
              testing::AllOf(HasSubstr(" requests a minute, beyond the "),
                             HasSubstr(" that this model allows anybody")));
  ASSERT_TRUE(verdict(guesser.address));
  EXPECT_THAT(verdict(guesser.address)->reasons.front(),
              testing::AllOf(HasSubstr(" errors of "), HasSubstr(", others ")));
}

TEST_F(GoodClients, AreToldFromAFloodThatLookedAtAPageBefore) {
  begin();
  const Asked flood{.path = "/other/x", .address = "203.0.113.66"};
  customers(hours{1}, well);
  call(flood, 200);
  customers(minutes{4}, well);
  customers(seconds{20}, well, [&] {
    for (int i = 0; i < 200; ++i) call(flood, 200);
  });
  ASSERT_TRUE(verdict(flood.address));
  EXPECT_EQ(verdict(flood.address)->mode, Mode::enforce) << "no limit grants so much in a minute";
}

TEST_F(GoodClients, AreToldFromAGuesserHoweverSlowItIs) {
  begin();
  int step = 0;
  customers(hours{3}, well, [&] {
    if (step++ % 29 == 0) call({.path = "/login", .address = "203.0.113.66"}, 401);  // 25 an hour
  });
  EXPECT_TRUE(verdict("203.0.113.66"));
}

TEST_F(GoodClients, MayCallAnEndpointThatBreaksForThemAlone) {
  begin();
  customers(minutes{10}, well);
  const Asked partner{.path = "/other/hook", .address = "203.0.113.5"};
  const Asked injector{.path = "/other/x", .address = "203.0.113.66"};
  int step = 0;
  customers(minutes{10}, well, [&] {
    call(partner, 500);
    call(injector, ++step % 3 == 0 ? 400 : 500);
  });
  ASSERT_TRUE(verdict(partner.address)) << "or it injects what breaks the service";
  EXPECT_EQ(verdict(partner.address)->mode, Mode::shadow);
  EXPECT_THAT(verdict(partner.address)->reasons,
              testing::Contains(HasSubstr("not enforced: its errors are the service's own")));
  ASSERT_TRUE(verdict(injector.address));
  EXPECT_EQ(verdict(injector.address)->mode, Mode::enforce);
}

TEST_F(GoodClients, AreNotBlamedForAServiceThatBreaksForAll) {
  begin();
  customers(hours{1}, well);
  std::size_t worst = 0;
  customers(
      minutes{30}, [](int) -> std::uint16_t { return 500; },
      [&] { worst = std::max(worst, judged()); });
  EXPECT_EQ(worst, 0U);
}

TEST_F(GoodClients, AreToldFromAScannerOfPathsByWhereItFails) {
  begin();
  customers(minutes{10}, well);
  int path = 0;
  customers(seconds{15}, well, [&] {
    for (int i = 0; i < 60; ++i) {
      const bool there = i % 4 != 0;
      call({.path = there ? "/other/x" : "/other/" + std::to_string(++path),
            .address = "203.0.113.66"},
           there ? 200 : 404);
    }
    // As many errors of as many answers, all at one place.
    for (int i = 0; i < 60; ++i)
      call({.path = i % 4 != 0 ? "/other/x" : "/other/y", .address = "203.0.113.67"},
           i % 4 != 0 ? 200 : 404);
  });
  ASSERT_TRUE(verdict("203.0.113.66"));
  EXPECT_THAT(verdict("203.0.113.66")->reasons.front(), HasSubstr(" paths"));
  EXPECT_FALSE(verdict("203.0.113.67"));
}

TEST_F(GoodClients, AreSeenAsTheLastScanSawThem) {
  begin();
  customers(minutes{10}, well);
  const Asked guesser{.path = "/login", .address = "203.0.113.66"};
  const auto evidence = [&] { return engine->client(client(guesser.address), now)->evidence; };
  customers(seconds{20}, well, [&] {
    for (int i = 0; i < 6; ++i) call(guesser, 401);
  });
  EXPECT_TRUE(evidence());
  engine->forget_verdict(client(guesser.address), now);
  customers(seconds{10}, well,
            [&] { call({.path = "/browse/1", .address = guesser.address}, 200); });
  EXPECT_FALSE(evidence()) << "no error is new";
}

}  // namespace
}  // namespace tidelimit::engine::test
