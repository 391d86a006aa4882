#include "traffic/neighbourhoods.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unordered_map>
#include <unordered_set>

#include "base/hash.hpp"
#include "base/random.hpp"
#include "traffic/client_profile.hpp"

namespace tidelimit::traffic {
namespace {

using namespace std::chrono_literals;

/// The profiles of a site in virtual time: thirty customers of neighbourhoods of their own are
/// served all the while, and others come as the test says.
class Site : public testing::Test {
 protected:
  static constexpr std::uint32_t kSlots = 4096;
  static constexpr int kCustomers = 30;

  void answered(const ClientId& client, bool error) {
    Came& came = seen[client];
    if (came.fresh) came.slot = static_cast<std::uint32_t>(seen.size() - 1);
    ++came.counters.requests;
    ++came.counters.responses;
    came.counters.errors += error ? 1 : 0;
    came.counters.client_errors += error ? 1 : 0;
    profiles.update(came.slot, came.fresh, client, came.counters, now);
    came.fresh = false;
    if (suspected(client)) ever.insert(client);
  }
  void answered(const std::string& client, bool error) { answered(client_of(client), error); }

  /// Steps of ten seconds; `others(step)` come in each.
  template <class Others>
  void pass(Nanos span, Others&& others, bool outage = false) {
    for (const Instant end = now + span; now < end; now = now + 10s, ++step) {
      for (int i = step % 3; i < kCustomers; i += 3)
        answered(fmt::format("198.51.{}.7", i), outage || random.chance(0.02));
      others(step);
    }
  }
  void pass(Nanos span) {
    pass(span, [](int) {});
  }

  [[nodiscard]] std::optional<FailingNeighbourhood> suspected(const ClientId& client) const {
    return profiles.failing_with(seen.at(client).slot, now);
  }
  [[nodiscard]] bool suspected(const std::string& client) const {
    return suspected(client_of(client)).has_value();
  }

  struct Came {
    std::uint32_t slot = 0;
    limiter::ClientCounters counters{};
    bool fresh = true;
  };
  ClientProfiles profiles{kSlots};
  std::unordered_map<ClientId, Came, ClientIdHash> seen;
  std::unordered_set<ClientId, ClientIdHash> ever;  ///< suspected at some time
  Random random{5};
  Instant now{1h};
  int step = 0;
};

std::string neighbour(int i) {
  return fmt::format("203.0.113.{}", i);
}

/// 200 addresses of one prefix, twenty requests an hour each.
constexpr int kSwarm = 200;
constexpr int kSwarmSteps = 18;  // of ten seconds, from one request to the next

TEST_F(Site, ShowsAnAttackOfSlowAddresses) {
  pass(30min);
  pass(30min, [&](int at) {
    for (int i = at % kSwarmSteps; i < kSwarm; i += kSwarmSteps) answered(neighbour(i), true);
  });
  const auto found = suspected(client_of(neighbour(77)));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->prefix, client_of("203.0.113.0"));
  EXPECT_NEAR(found->clients, kSwarm, 0.1 * kSwarm);
  EXPECT_GT(found->failing, 0.95F * found->clients);
  EXPECT_EQ(ever.size(), static_cast<std::size_t>(kSwarm));

  for (int i = 0; i < 2; ++i) answered(neighbour(250), true);
  EXPECT_FALSE(suspected(neighbour(250))) << "two failures are a hasty customer's";
  answered(neighbour(250), true);
  EXPECT_TRUE(suspected(neighbour(250))) << "a newcomer that fails as they do";
  for (int i = 0; i < 4; ++i) answered(neighbour(251), i == 0);
  EXPECT_FALSE(suspected(neighbour(251))) << "who is served is not one of them";
  EXPECT_FALSE(suspected("198.51.3.7"));
}

TEST_F(Site, ShowsWhoMovesOnWithinAnIpv6Prefix) {
  pass(30min);
  for (int i = 0; i < 60; ++i) {
    const auto at = fmt::format("2001:db8:77:{:x}::9", i);
    pass(10s, [&](int) {
      for (int n = 0; n < 10; ++n) answered(at, true);
    });
    EXPECT_EQ(suspected(at), i >= 8) << i;
  }
}

TEST_F(Site, ForgetsANeighbourhoodThatFailed) {
  pass(30min, [&](int at) {
    for (int i = at % kSwarmSteps; i < kSwarm; i += kSwarmSteps) answered(neighbour(i), true);
  });
  pass(5h);
  for (int n = 0; n < 5; ++n) answered(neighbour(250), true);
  EXPECT_FALSE(suspected(neighbour(250)));
}

TEST_F(Site, OneBadClientMakesNoBadNeighbours) {
  pass(1h, [&](int at) {
    for (int n = 0; n < 20; ++n) answered(neighbour(66), true);
    if (at % 6 == 0) answered(neighbour(at / 6 % 5), false);
    if (at % 100 == 0)
      for (int n = 0; n < 4; ++n) answered(neighbour(100 + at / 100), true);
  });
  EXPECT_TRUE(ever.empty());
}

TEST_F(Site, AFewDevicesThatAskForWhatIsGoneAreNoAttack) {
  pass(3h, [&](int at) {
    if (at % 30 == 0)
      for (int i = 0; i < 7; ++i) answered(neighbour(i), true);
  });
  EXPECT_TRUE(ever.empty());
}

TEST_F(Site, ACarriersCustomersMakeErrorsAtTimes) {
  pass(3h, [&](int) {
    for (int n = 0; n < 20; ++n) {
      const int i = static_cast<int>(random.below(250));
      answered(neighbour(i), random.chance(0.02));
    }
    if (random.chance(0.05))  // somebody mistypes a password again and again
      for (int n = 0; n < 5; ++n) answered(neighbour(static_cast<int>(random.below(250))), true);
  });
  EXPECT_TRUE(ever.empty());
}

TEST_F(Site, ABrokenReleaseAtManyAddressesIsNoAttack) {
  pass(3h, [&](int) {
    for (int n = 0; n < 5; ++n)
      answered(neighbour(static_cast<int>(random.below(250))), random.chance(0.4));
  });
  EXPECT_TRUE(ever.empty());
}

TEST_F(Site, AnOutageForAllIsNobodysAttack) {
  const auto carrier = [&](double errors) {
    return [this, errors](int) {
      for (int n = 0; n < 10; ++n)
        answered(neighbour(static_cast<int>(random.below(100))), random.chance(errors));
    };
  };
  pass(2h, carrier(0.02));
  pass(1h, carrier(1), true);
  pass(1h, carrier(0.02));
  EXPECT_TRUE(ever.empty());
}

TEST_F(Site, TheSwarmAmongCustomersIsJudgedOneByOne) {
  pass(1h, [&](int at) {
    for (int i = at % kSwarmSteps; i < 60; i += kSwarmSteps) answered(neighbour(i), true);
    answered(neighbour(100 + static_cast<int>(random.below(60))), random.chance(0.02));
  });
  EXPECT_TRUE(ever.empty()) << "half of the neighbourhood is served";
}

TEST(Neighbourhoods, ForgetTheIdlestWhereThereIsNoPlaceLeft) {
  Neighbourhoods few(1, 7);
  const Standing failed{20, 20};
  const auto of = [](int block, int i) { return client_of(fmt::format("10.{}.0.{}", block, i)); };
  for (int i = 0; i < 20; ++i) few.note(of(1, i), {}, 0, failed, 3600);
  for (Second block = 2; block < 5; ++block)
    few.note(of(static_cast<int>(block), 1), {}, 0, failed, 3600 + block);
  EXPECT_TRUE(few.failing(of(1, 5), 3610));
  few.note(of(5, 1), {}, 0, failed, 3610);
  EXPECT_FALSE(few.failing(of(1, 5), 3610));
  // What a place lost is not owed to it.
  few.note(of(1, 5), failed, 3600, failed, 3620);
  for (int i = 20; i < 40; ++i) few.note(of(1, i), {}, 0, failed, 3620);
  EXPECT_TRUE(few.failing(of(1, 5), 3620));
}

TEST(Neighbourhoods, HostNamesAndNobodyHaveNone) {
  Neighbourhoods all(64, 7);
  for (const ClientId& client : {client_of("proxy.example"), ClientId{}}) {
    for (int i = 0; i < 50; ++i) all.note(client, {}, 0, {20, 20}, 3600);
    EXPECT_FALSE(all.failing(client, 3600));
  }
}

}  // namespace
}  // namespace tidelimit::traffic
