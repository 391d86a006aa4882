#include <atomic>
#include <thread>

#include "base/random.hpp"
#include "engine/gate_in_time.hpp"

namespace tidelimit::engine::test {
namespace {

/// Every word of every decision of a random stream, in virtual time.
class SameDecisions : public GateInTime {
 protected:
  std::string play(std::uint64_t seed) {
    Settings settings = mission();
    policy::Rule flood;
    flood.name = "flood";
    flood.when.requests = 200;
    flood.then.limit = per_minute(10);
    settings.policy.rules.push_back(flood);
    now = {Instant{hours{1}}, kMidnight};
    start(settings, std::make_shared<MemoryHistory>());
    engine->set_models(bundle(seasonal_forecaster(), quiet_detector()));
    engine->tick(now);
    Random random(seed);
    std::string told;
    for (int i = 0; i < 20'000; ++i) {
      pass(Nanos{static_cast<Nanos::rep>(random.exponential() * 1e8)});
      const Asked asked{
          .path = random.chance(0.5) ? "/payment/1" : "/browse/2",
          .address = "198.51.100." + std::to_string(random.below(random.chance(0.5) ? 3 : 40)),
          .user = random.chance(0.3) ? "u" + std::to_string(random.below(5)) : "",
          .tier = random.chance(0.2) ? "PRM" : "STD"};
      const auto decision = ask(asked).decision;
      if (decision.allowed && random.chance(0.8)) answer(random.chance(0.1) ? 500 : 200, asked);
      told += static_cast<char>('a' + static_cast<int>(decision.reason));
      told += std::to_string(decision.remaining);
    }
    for (const auto& verdict : engine->status()->verdicts)
      told += verdict.client_name + format_time(verdict.until);
    return told;
  }
};

TEST_F(SameDecisions, ForTheSameOrderedInputs) {
  const std::string once = play(1);
  EXPECT_EQ(play(1), once);
  EXPECT_NE(play(2), once);
  EXPECT_NE(once.find('d' /* client_limited */), std::string::npos);
}

/// Two workers, a ticking control plane and everyone who asks, at once.
TEST_F(SameDecisions, TwoWorkersCountAllAndLetThroughNoMoreThanTheLimit) {
  constexpr int kEach = 20'000;
  start(mission(), std::make_shared<MemoryHistory>());
  engine->tick(now);
  std::atomic<int> passed{0};
  std::atomic<bool> done{false};
  const Now at = now;
  const auto ask_all = [&](int who) {
    const auto own = engine->make_worker();
    for (int i = 0; i < kEach; ++i) {
      traffic::Request made;
      made.time = at.wall;
      made.client = client("198.51.100." + std::to_string(i % 20));
      made.path = i % 2 == 0 ? "/browse/1" : "/nowhere";
      made.tier = "STD";
      made.user_id = i % 4 == 0 ? (who == 0 ? "ann" : "bob") : "";
      if (own->decide(made, 1, at).decision.allowed && i % 2 == 0) ++passed;
      made.status = 200;
      if (i % 8 == 0) own->observe(made, ReportKind::already_decided, false, at);
    }
  };
  std::thread control([&] {
    Now later = at;
    while (!done) {
      later.mono = later.mono + milliseconds{1};
      engine->tick(later);
      engine->signal({.name = "cpu", .value = 0.2, .measured_at = later.mono});
    }
  });
  std::thread asker([&] {
    for (int i = 0; !done; ++i) {
      (void)engine->counters();
      (void)engine->status();
      (void)engine->modes();
      (void)engine->next_due();
      (void)engine->windows(WallTime{});
      (void)engine->client(client("198.51.100.1"), at);
      Settings again = mission();
      again.policy.endpoints[kOther].priority =
          i % 2 == 0 ? limiter::Priority::low : limiter::Priority::high;
      if (i % 50 == 0) {
        EXPECT_TRUE(engine->reconfigure(again, at));
      }
    }
  });
  std::thread first(ask_all, 0);
  std::thread second(ask_all, 1);
  first.join();
  second.join();
  done = true;
  control.join();
  asker.join();

  // Ten clients ask for browse (five of them also as one of two users): a hundred each.
  EXPECT_LE(passed, 100 * (10 + 2));
  EXPECT_GE(passed, 100 * (5 + 2));
  const CountersView counters = engine->counters();
  std::uint64_t decisions = 0;
  for (const auto count : counters.decisions) decisions += count;
  EXPECT_EQ(decisions, 2u * kEach);
  EXPECT_EQ(counters.unmatched_paths, static_cast<std::uint64_t>(kEach));
  now.mono = now.mono + minutes{1};
  set(kMidnight + minutes{15} + seconds{31});
  engine->tick(now);
  EXPECT_EQ(newest("other").requests, kEach);
  EXPECT_EQ(newest("browse").responses, 2 * kEach / 8);
}

TEST_F(SameDecisions, EveryAnswerIsOneConfigurationsThroughReloadsThatMoveEndpoints) {
  constexpr std::size_t kEndpoints = 50;
  Settings settings = mission();
  auto& endpoints = settings.policy.endpoints;
  settings.policy.rules.clear();
  const policy::EndpointSettings other = endpoints.back();
  endpoints.clear();
  for (std::size_t i = 0; i < kEndpoints; ++i) {
    const std::string name = "e" + std::to_string(i);
    endpoints.push_back(
        policy::test::endpoint(name, limiter::Priority::normal,
                               {policy::test::limit(1000), policy::test::limit(100 * (i + 1))}));
    endpoints.back().match = {"/" + name};
  }
  endpoints.push_back(other);
  start(settings);
  engine->tick(now);
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  const Now at = now;
  const auto ask_all = [&] {
    const auto own = engine->make_worker();
    for (std::size_t i = 0; !done; i = (i + 7) % kEndpoints) {
      const std::string name = "e" + std::to_string(i);
      const std::string path = "/" + name;
      traffic::Request made;
      made.time = at.wall;
      made.client = client("198.51.100.1");
      made.path = path;
      made.tier = "STD";
      const Answer answer = own->decide(made, 0, at);
      const double limit = answer.decision.limit.per_minute();
      if (*answer.endpoint != name || std::abs(limit - 100.0 * static_cast<double>(i + 1)) > 1)
        ++wrong;
    }
  };
  std::thread first(ask_all);
  std::thread second(ask_all);
  for (int reload = 0; reload < 100; ++reload) {
    std::rotate(endpoints.begin(), endpoints.begin() + 1, endpoints.end() - 1);
    EXPECT_TRUE(engine->reconfigure(settings, at));
  }
  done = true;
  first.join();
  second.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace tidelimit::engine::test
