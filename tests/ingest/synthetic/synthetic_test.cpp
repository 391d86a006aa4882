#include "ingest/synthetic/synthetic.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <map>
#include <set>
#include <string>
#include <unordered_map>

#include "base/hash.hpp"
#include "ingest/synthetic/rows.hpp"

namespace tidelimit::synthetic {
namespace {

SyntheticTraffic make(SyntheticOptions options) {
  auto traffic = SyntheticTraffic::create(std::move(options));
  EXPECT_TRUE(traffic.has_value());
  return *std::move(traffic);
}

std::string text_of(SyntheticOptions options) {
  auto traffic = make(std::move(options));
  RowWriter rows(RowFormat::csv);
  std::string text;
  traffic::Request request;
  while (traffic.next(request)) rows.append(request, text);
  return text;
}

/// All clients with their kinds, once the traffic is drained.
struct Drained {
  std::unordered_map<ClientId, ClientKind, ClientIdHash> kinds;
  std::uint64_t requests = 0;
};

template <class Each>
Drained drain(SyntheticOptions options, Each&& each) {
  auto traffic = make(std::move(options));
  Drained drained;
  traffic::Request request;
  while (traffic.next(request)) {
    ++drained.requests;
    for (const auto& label : traffic.take_labels()) {
      EXPECT_TRUE(drained.kinds.emplace(label.client.id, label.kind).second)
          << label.client.name() << " is named twice";
    }
    each(request, drained.kinds);
  }
  return drained;
}

TEST(SyntheticTraffic, EqualSeedsGiveEqualBytes) {
  const auto once = text_of({.days = 1, .seed = 5});
  EXPECT_EQ(once, text_of({.days = 1, .seed = 5}));
  EXPECT_NE(once, text_of({.days = 1, .seed = 6}));
}

TEST(SyntheticTraffic, RequestsComeInOrderAndWithinTheSpan) {
  const SyntheticOptions options{.days = 1};
  auto traffic = make(options);
  WallTime before = options.start;
  traffic::Request request;
  while (traffic.next(request)) {
    ASSERT_LE(before, request.time);
    before = request.time;
  }
  EXPECT_LT(before, traffic.end());
  EXPECT_EQ(traffic.end() - options.start, std::chrono::days{1});
  EXPECT_GT(traffic.end() - before, Nanos{0});
}

TEST(SyntheticTraffic, EveryRequesterHasALabelAndEveryKindShowsUp) {
  const auto drained = drain({.days = 14}, [](const auto& request, const auto& kinds) {
    ASSERT_TRUE(kinds.contains(request.client)) << request.client_name;
  });
  std::map<ClientKind, int> clients;
  for (const auto& [client, kind] : drained.kinds) ++clients[kind];
  for (const auto kind :
       {ClientKind::flood, ClientKind::credential_stuffing, ClientKind::scraper,
        ClientKind::path_scanner, ClientKind::card_testing, ClientKind::api_tool,
        ClientKind::office, ClientKind::sale_customer, ClientKind::monitor, ClientKind::crawler,
        ClientKind::partner, ClientKind::customer, ClientKind::visitor}) {
    EXPECT_GT(clients[kind], 0) << name_of(kind);
  }
}

TEST(SyntheticTraffic, TheShareOfAttackersIsAboutWhatWasAskedFor) {
  for (const double share : {0.0, 0.05, 0.2}) {
    const auto drained = drain({.days = 5, .attackers = share}, [](const auto&, const auto&) {});
    double bad = 0;
    for (const auto& [client, kind] : drained.kinds) bad += is_malicious(kind) ? 1 : 0;
    EXPECT_NEAR(bad / static_cast<double>(drained.kinds.size()), share, 0.25 * share);
  }
}

TEST(SyntheticTraffic, AttackersMoveNoGoodRequest) {
  const auto good_of = [](double attackers) {
    std::string text;
    RowWriter rows(RowFormat::csv);
    drain({.days = 0.5, .attackers = attackers}, [&](const auto& request, const auto& kinds) {
      if (!is_malicious(kinds.at(request.client))) rows.append(request, text);
    });
    return text;
  };
  EXPECT_EQ(good_of(0), good_of(0.2));
}

TEST(SyntheticTraffic, ScaleMultipliesRequestsAndPeople) {
  const auto small = drain({.days = 1, .scale = 1}, [](const auto&, const auto&) {});
  const auto large = drain({.days = 1, .scale = 8}, [](const auto&, const auto&) {});
  const auto ratio = [](auto a, auto b) { return static_cast<double>(a) / static_cast<double>(b); };
  EXPECT_NEAR(ratio(large.requests, small.requests), 8, 1.6);
  EXPECT_NEAR(ratio(large.kinds.size(), small.kinds.size()), 8, 2.4);
}

TEST(SyntheticTraffic, OrdinaryCustomersStayFarBelowABaseLimitOfAHundredAMinute) {
  std::map<std::pair<ClientId, std::int64_t>, int> per_minute;
  const auto drained = drain({.days = 7}, [&](const auto& request, const auto& kinds) {
    const ClientKind kind = kinds.at(request.client);
    if (kind != ClientKind::customer && kind != ClientKind::visitor) return;
    ++per_minute[{request.client, request.time.time_since_epoch() / std::chrono::minutes{1}}];
  });
  int most = 0;
  for (const auto& [minute, count] : per_minute) most = std::max(most, count);
  EXPECT_LT(most, 50);
}

TEST(SyntheticTraffic, MemoryDoesNotGrowWithTime) {
  auto traffic = make({.days = 40});
  traffic::Request request;
  const auto used_at = [&](double progress) {
    while (traffic.progress() < progress && traffic.next(request)) (void)traffic.take_labels();
    return mallinfo2().uordblks;
  };
  const auto early = used_at(0.1);
  const auto late = used_at(0.95);
  EXPECT_LT(late, early + (1u << 20)) << "34 days later";
}

TEST(SyntheticTraffic, RefusesWhatIsOutOfRangeByName) {
  const auto refused = [](const SyntheticOptions& options) {
    const auto traffic = SyntheticTraffic::create(options);
    return traffic ? std::string("accepted") : traffic.error().message;
  };
  EXPECT_THAT(refused({.days = 0}), testing::StartsWith("days must be"));
  EXPECT_THAT(refused({.scale = -1}), testing::StartsWith("scale must be"));
  EXPECT_THAT(refused({.attackers = 0.9}), testing::StartsWith("attackers must be"));
  EXPECT_THAT(refused({.start = WallTime{std::chrono::minutes{7}}}),
              testing::StartsWith("start must be"));
}

}  // namespace
}  // namespace tidelimit::synthetic
