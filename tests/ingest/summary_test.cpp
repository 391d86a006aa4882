#include "ingest/summary.hpp"

#include <cmath>
#include <gtest/gtest.h>

#include "base/random.hpp"

namespace tidelimit::ingest {
namespace {

using namespace std::chrono_literals;

TEST(TopCounter, IsExactWhileKeysAreFew) {
  TopCounter counter(4);
  for (int round = 0; round < 3; ++round) {
    for (const char* key : {"a", "b", "c", "a", "d", "e", "f", "g", "a"}) {
      counter.add(key, {.requests = 1});
    }
  }
  EXPECT_EQ(counter.missed(), 0u);
  EXPECT_EQ(counter.size(), 7u);
  const auto top = counter.top(2);
  EXPECT_EQ(top[0].key, "a");
  EXPECT_EQ(top[0].tally.requests, 9u);
  EXPECT_EQ(top[1].key, "b");
}

TEST(TopCounter, KeepsHeavyKeysAmongAnyNumberOfOthers) {
  Random random(3);
  TopCounter counter(100);
  std::vector<std::uint64_t> truth(10);
  constexpr std::uint64_t kTotal = 200'000;
  for (std::uint64_t i = 0; i < kTotal; ++i) {
    const std::uint64_t heavy = random.below(40);
    if (heavy < truth.size()) {
      ++truth[heavy];
      counter.add("heavy" + std::to_string(heavy), {.requests = 1});
    } else {
      counter.add(std::to_string(random.next()), {.requests = 1});
    }
  }
  EXPECT_LE(counter.size(), 200u);
  EXPECT_GT(counter.missed(), 0u);
  EXPECT_LE(counter.missed(), kTotal / 100);
  const auto top = counter.top(truth.size());
  for (const auto& entry : top) {
    ASSERT_TRUE(entry.key.starts_with("heavy")) << entry.key;
    const std::uint64_t count = truth[std::stoul(entry.key.substr(5))];
    EXPECT_LE(entry.tally.requests, count);
    EXPECT_GE(entry.tally.requests + counter.missed(), count);
  }
}

TEST(DistinctCounter, CountsExactlyThenWithinThreeStandardErrors) {
  Random random(9);
  DistinctCounter counter;
  std::vector<std::uint64_t> seen;
  for (int i = 0; i < 65'536; ++i) {
    seen.push_back(random.next());
    counter.add(seen.back());
    counter.add(seen[random.below(seen.size())]);
  }
  EXPECT_TRUE(counter.exact());
  EXPECT_EQ(counter.count(), 65'536u);
  for (double n = 65'537; n <= 2e6; n *= 1.9) {
    while (static_cast<double>(seen.size()) < n) {
      seen.push_back(random.next());
      counter.add(seen.back());
    }
    EXPECT_FALSE(counter.exact());
    const auto size = static_cast<double>(seen.size());
    EXPECT_NEAR(static_cast<double>(counter.count()), size, 3 * 0.0081 * size);
  }
}

TEST(EndpointDiscovery, NamesSegmentsWithHalfAPercent) {
  EndpointDiscovery discovery;
  const auto add = [&](const char* target, int n) {
    for (int i = 0; i < n; ++i) discovery.add(target);
  };
  add("/payment/1?x=y", 500);
  add("/payment", 50);
  add("/Payment", 50);
  add("/", 200);
  add("/other/x", 90);
  add("/a b/x", 60);
  add("/a_b/x", 30);
  add("/rare/x", 4);
  add("/*/x", 10);
  add("", 6);
  const auto found = discovery.found({"STD"});
  std::vector<std::string> names;
  std::vector<std::string> matches;
  for (const auto& endpoint : found.endpoints) {
    names.push_back(endpoint.name);
    matches.push_back(endpoint.match);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"payment", "root", "other_", "a_b", "a_b_"}));
  EXPECT_EQ(matches,
            (std::vector<std::string>{"/payment/**", "/", "/other/**", "/a b/**", "/a_b/**"}));
  EXPECT_EQ(found.endpoints[0].tally.requests, 600u);
  EXPECT_EQ(found.other.requests, 20u);
}

TEST(EndpointDiscovery, NamesNothingAsAConfigurationDoes) {
  EndpointDiscovery discovery;
  for (const char* target : {"/default/1", "/same", "/any", "/other", "/std"})
    discovery.add(target);
  discovery.add("/" + std::string(70, 'x'));
  for (const auto& endpoint : discovery.found({"std"}).endpoints)
    EXPECT_TRUE(endpoint.name.ends_with('_') || endpoint.name.front() == 'x') << endpoint.name;
  EXPECT_LE(discovery.found({"std"}).endpoints.back().name.size(), 64u);
}

TEST(Summary, AnAddressIsOneClientHoweverItIsWritten) {
  Summary summary;
  for (const char* name : {"192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8::2"}) {
    traffic::Request request;
    request.client_name = name;
    request.client = client_of(name);
    summary.add(request);
  }
  const auto top = summary.clients().top(5);
  ASSERT_EQ(top.size(), 2u);
  EXPECT_EQ(top[0].key, "192.0.2.1");
  EXPECT_EQ(top[0].tally.requests, 2u);
  EXPECT_EQ(top[1].key, "2001:db8::/64");
}

TEST(Summary, CountsWhatThereIs) {
  Summary summary;
  traffic::Request request;
  request.client_name = "192.0.2.7";
  request.client = client_of("192.0.2.7");
  request.path = "/a?b";
  request.method = "GET";
  request.status = 200;
  request.bytes = 10;
  request.time = WallTime{100s};
  summary.add(request);
  request.time = WallTime{119s};
  request.latency_ms = 5;
  summary.add(request);
  request.time = WallTime{60s};
  request.client_name = "2001:db8::1";
  request.client = client_of("2001:db8::1");
  request.path = {};
  request.status = 404;
  summary.add(request);
  request.client_name = "2001:db8::2";
  summary.add(request);

  EXPECT_EQ(summary.requests(), 4u);
  EXPECT_EQ(summary.first(), WallTime{60s});
  EXPECT_EQ(summary.last(), WallTime{119s});
  EXPECT_EQ(summary.out_of_order(), 2u);  // older than the latest before them, not than neighbours
  EXPECT_EQ(summary.garbage(), 2u);
  EXPECT_EQ(summary.distinct_clients().count(), 2u);
  EXPECT_EQ(summary.busiest_minute(), WallTime{60s});
  EXPECT_EQ(summary.busiest_minute_requests(), 4u);
  EXPECT_EQ(summary.status_classes()[2], 2u);
  EXPECT_EQ(summary.status_classes()[4], 2u);
  EXPECT_EQ(summary.total().errors, 2u);
  EXPECT_EQ(summary.total().timed, 3u);
  EXPECT_EQ(summary.paths().top(1)[0].key, "/a");
  EXPECT_EQ(summary.clients().top(2)[1].key, "2001:db8::/64");
}

}  // namespace
}  // namespace tidelimit::ingest
