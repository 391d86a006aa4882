#include <atomic>
#include <thread>

#include "base/path_servers.hpp"
#include "base/random.hpp"
#include "engine/crowd.hpp"
#include "engine/decision_log.hpp"
#include "engine/gate_in_time.hpp"
#include "engine/routes.hpp"

namespace tidelimit::engine::test {
namespace {

using limiter::EndpointId;
using tidelimit::test::all_served;
using tidelimit::test::odd_target;

TEST(Routes, TakeTheFirstMatchAndTheMethod) {
  policy::PolicySettings settings = mission().policy;
  settings.endpoints[0].match = {"/a/*/b", "/payment/**"};
  settings.endpoints[0].methods = {"POST"};
  settings.endpoints[1].match = {"/**"};
  const Routes routes(settings, {"Postman*"}, 1);
  std::string buffer;
  const auto endpoint = [&](std::string_view method, std::string_view path) {
    traffic::Request request;
    request.method = method;
    request.path = path;
    return routes.endpoint(routes.identify(request, buffer).endpoint);
  };
  EXPECT_EQ(endpoint("POST", "/a/x/b?q=1"), "payment");
  EXPECT_EQ(endpoint("POST", "/a/x/c"), "browse");
  EXPECT_EQ(endpoint("POST", "//payment/./x/../y"), "payment");
  EXPECT_EQ(endpoint("POST", "/p%61yment"), "payment");
  EXPECT_EQ(endpoint("post", "/payment"), "payment");
  EXPECT_EQ(endpoint("GET", "/payment"), "browse");
  EXPECT_EQ(endpoint("POST", "/payments"), "browse");
  EXPECT_EQ(endpoint("GET", ""), "other");
  EXPECT_EQ(endpoint("POST", "/PAYMENT/1"), "payment");
  EXPECT_EQ(endpoint("POST", "/A/x/B"), "payment");

  traffic::Request request;
  request.path = "/x";
  request.user_agent = "PostmanRuntime/7";
  EXPECT_EQ(routes.identify(request, buffer).agent_classes, 1);
  request.user_agent = "curl";
  EXPECT_EQ(routes.identify(request, buffer).agent_classes, 0);
}

TEST(Routes, TakeHeadForGet) {
  policy::PolicySettings settings = mission().policy;
  settings.endpoints[0].match = {"/**"};
  std::string buffer;
  const auto takes = [&](std::vector<std::string> methods, std::string_view method) {
    settings.endpoints[0].methods = std::move(methods);
    traffic::Request request;
    request.method = method;
    request.path = "/a";
    return Routes(settings, {}, 1).identify(request, buffer).known_path;
  };
  EXPECT_TRUE(takes({"GET"}, "HEAD"));
  EXPECT_TRUE(takes({"POST", "GET"}, "head"));
  EXPECT_FALSE(takes({"HEAD"}, "GET"));
  EXPECT_FALSE(takes({"POST"}, "HEAD"));
}

TEST(Routes, NameTheEndpointsThatServersWhichReadThePathOtherwiseReach) {
  policy::PolicySettings settings = mission().policy;
  settings.endpoints[0].match = {"/payment/*"};
  settings.endpoints[1].match = {"/browse/**"};
  const Routes routes(settings, {}, 1);
  std::string buffer;
  const auto endpoints = [&](std::string_view path) {
    traffic::Request request;
    request.path = path;
    const Identity who = routes.identify(request, buffer);
    std::string names = routes.endpoint(who.endpoint);
    for (std::size_t i = 0; i < who.other_count; ++i) names += " " + routes.endpoint(who.others[i]);
    return names;
  };
  EXPECT_EQ(endpoints("/payment/1"), "payment");
  EXPECT_EQ(endpoints("/payment/caf%C3%A9"), "payment");
  EXPECT_EQ(endpoints("/payment/7%2Fx"), "other payment");
  EXPECT_EQ(endpoints("/payment/;x"), "other payment");
  EXPECT_EQ(endpoints("/payment/.."), "other payment");
  EXPECT_EQ(endpoints("/browse/x/../y"), "browse");
  EXPECT_EQ(endpoints("/browse/../payment/1"), "payment browse");
  EXPECT_EQ(endpoints("/#/../payment/1"), "other payment");
  EXPECT_EQ(endpoints("/x\\payment/1"), "other");
  EXPECT_EQ(endpoints("//browse/payment/1"), "browse payment");
  EXPECT_EQ(endpoints("http:/payment/1"), "payment");
}

// By names.
std::vector<std::string> charged(const Routes& routes, std::string_view path) {
  std::string buffer;
  traffic::Request request;
  request.path = path;
  const Identity who = routes.identify(request, buffer);
  std::vector<std::string> names{routes.endpoint(who.endpoint)};
  for (std::size_t i = 0; i < who.other_count; ++i) names.push_back(routes.endpoint(who.others[i]));
  return names;
}

TEST(Routes, ChargeAPathThatIsOdderThanNeedBeAtTheStrictestEndpoints) {
  policy::PolicySettings settings;
  settings.tiers = {"STD"};
  for (std::uint64_t i = 0; i < 12; ++i) {
    policy::EndpointSettings& endpoint = settings.endpoints.emplace_back();
    endpoint.name = "e" + std::to_string(i);
    endpoint.match = {"/" + endpoint.name};
    endpoint.limits = {
        {.rate = Rate{100 - i, minutes{1}}, .burst = {}, .total = {}, .total_burst = {}}};
  }
  settings.endpoints[11].mode.mode = policy::Mode::shadow;  // refuses nobody
  settings.endpoints.emplace_back().name = "other";
  const Routes routes(settings, {}, 1);
  const std::vector<std::string> strictest{"e0", "e10", "e9", "e8", "e7", "e6", "e5", "e4", "e3"};
  EXPECT_EQ(charged(routes, "/x%2F../../e0"), strictest);  // is read in turn
  EXPECT_EQ(charged(routes, "//e0;b%2Fc#"), strictest);    // in too many ways
  EXPECT_EQ(charged(routes, "/e0//." + std::string(3000, '/') + "#"), strictest);  // it is too long
  EXPECT_EQ(charged(routes, "/./e0"), (std::vector<std::string>{"e0", "other"}));
}

TEST(Routes, ChargeEveryEndpointToWhichAnyServerTakesAPath) {
  policy::PolicySettings settings = mission().policy;
  settings.endpoints[0].match = {"/login"};
  settings.endpoints[1].match = {"/a/**"};
  const Routes routes(settings, {}, 1);
  Random random(7);
  std::size_t there = 0;
  for (int i = 0; i < 50'000; ++i) {
    const std::string target = odd_target(random);
    const std::vector<std::string> names = charged(routes, target);
    for (const std::string& served : all_served(target)) {
      if (served != "/login") continue;
      ASSERT_NE(std::find(names.begin(), names.end(), routes.endpoint(EndpointId{0})), names.end())
          << target;
      ++there;
    }
  }
  EXPECT_GT(there, 1'000U);
}

TEST(CrowdTable, CountsUsersWithinATenthAndForgetsThem) {
  CrowdTable crowd(1000, 5);
  const ClientId office = client("192.0.2.1");
  const ClientId home = client("192.0.2.2");
  const Instant now{hours{1}};
  for (std::uint64_t u = 1; u <= 60; ++u) {
    for (int i = 0; i < 10; ++i) crowd.asked(office, u * 7919, now);
    if (u % 3 == 0) crowd.served(office, u * 7919, now);
  }
  for (std::uint64_t u = 1; u <= 3; ++u) crowd.asked(home, u, now);
  EXPECT_NEAR(crowd.users(office, now).asked, 60, 6);
  EXPECT_NEAR(crowd.users(office, now).served, 20, 2);
  EXPECT_NEAR(crowd.users(home, now).asked, 3, 0.5);
  EXPECT_EQ(crowd.users(home, now).served, 0);
  EXPECT_NEAR(crowd.users(office, now + minutes{31}).asked, 60, 6);
  EXPECT_NEAR(crowd.users(office, now + minutes{31}).served, 20, 2);
  EXPECT_EQ(crowd.users(office, now + minutes{61}).asked, 0);
  EXPECT_EQ(crowd.users(office, now + minutes{61}).served, 0);
  EXPECT_EQ(crowd.users(client("192.0.2.3"), now).asked, 0);
}

TEST(DecisionLog, IsBoundedAndGivesBackInOrder) {
  DecisionLog log;
  std::uint64_t id = 0;
  while (KeptDecision* entry = log.next()) {
    entry->id = ++id;
    entry->path.set(std::string(200, 'x'));
    log.commit();
  }
  EXPECT_EQ(id, DecisionLog::kCapacity);
  std::uint64_t seen = 0;
  log.drain([&](const KeptDecision& kept, std::uint32_t repeats) {
    EXPECT_EQ(kept.id, ++seen);
    EXPECT_EQ(repeats, 0u);
    EXPECT_EQ(kept.path.view().size(), 128u);
  });
  EXPECT_EQ(seen, id);
  EXPECT_NE(log.next(), nullptr);
}

/// One denial of a kind, as a worker puts it; false: there was no room.
bool put(DecisionLog& log, std::uint64_t kind, Instant now, std::uint64_t id = 1) {
  if (log.join(kind, now) != 0) return true;
  KeptDecision* entry = log.next();
  if (entry == nullptr) return false;
  entry->id = id;
  log.commit();
  return true;
}

TEST(DecisionLog, FloodsOfManyKindsLeaveRoomForAnother) {
  DecisionLog log;
  const Instant now{std::chrono::seconds{10}};
  for (int i = 0; i < 5000; ++i) {
    for (std::uint64_t kind = 1; kind <= 100; ++kind) ASSERT_TRUE(put(log, kind, now));
  }
  EXPECT_TRUE(put(log, 1000, now, 77));
  std::uint64_t all = 0, others = 0;
  log.drain([&](const KeptDecision& kept, std::uint32_t repeats) {
    all += 1 + repeats;
    others += kept.id == 77 ? 1 : 0;
  });
  EXPECT_EQ(all, 500'001u);
  EXPECT_EQ(others, 1u);
}

TEST(DecisionLog, CountsWithWhatTheReaderTakesInBetween) {
  DecisionLog log;
  constexpr std::uint64_t kAll = 300'000;
  std::uint64_t told = 0;
  const auto take = [&] {
    log.drain([&](const KeptDecision&, std::uint32_t repeats) { told += 1 + repeats; });
  };
  std::atomic<bool> done{false};
  std::thread reader([&] {
    while (!done.load()) take();
  });
  std::uint64_t dropped = 0;
  for (std::uint64_t i = 0; i < kAll; ++i) {
    const Instant now{std::chrono::seconds{1} + std::chrono::microseconds{i * 10}};
    dropped += put(log, 1 + i % 7, now) ? 0 : 1;
  }
  done = true;
  reader.join();
  take();
  EXPECT_EQ(told + dropped, kAll);
}

TEST(DecisionId, IsSixteenHexDigits) {
  EXPECT_EQ(format_decision_id(0x5f0c), "0000000000005f0c");
}

}  // namespace
}  // namespace tidelimit::engine::test
