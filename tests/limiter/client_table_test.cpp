#include "limiter/client_table.hpp"

#include <gtest/gtest.h>
#include <map>
#include <thread>
#include <vector>

namespace tidelimit::limiter {
namespace {

using std::chrono::seconds;

constexpr Instant kStart{std::chrono::hours{1}};

ClientId client(std::uint32_t host_order) {
  return {0, std::uint64_t{0xffff} << 32 | host_order};
}

ClientTable::Event event(std::uint32_t host_order, std::uint32_t hits = 1) {
  ClientTable::Event made;
  made.client = client(host_order);
  made.hits = hits;
  return made;
}

struct Visit {
  std::uint32_t slot;
  bool fresh;
  ClientCounters counters;
};
std::map<ClientId, Visit> collect(ClientTable& table) {
  std::map<ClientId, Visit> seen;
  table.collect(
      [&](std::uint32_t slot, bool fresh, const ClientId& who, const ClientCounters& counters) {
        EXPECT_TRUE(seen.emplace(who, Visit{slot, fresh, counters}).second) << "visited twice";
      });
  return seen;
}

TEST(ClientTable, CountsAllThatARequestAndItsResponseSay) {
  ClientTable table(1 << 16, 7);
  ClientTable::Event made = event(1, 3);
  made.path_hash = 13;
  made.agent_hash = 70;
  made.agent_classes = 0b101;
  table.count_request(made, true, kStart);
  made.path_hash = 2;
  made.agent_hash = 1;
  table.count_request(made, false, kStart);
  table.count_response(made, ResponseClass::client_error, kStart);
  made.agent_classes = 0;
  table.count_response(made, ResponseClass::fine, kStart);

  const auto seen = collect(table);
  ASSERT_EQ(seen.size(), 1U);
  const ClientCounters& counters = seen.at(client(1)).counters;
  EXPECT_EQ(counters.requests, 6U);
  EXPECT_EQ(counters.denied, 3U);
  EXPECT_EQ(counters.responses, 6U);
  EXPECT_EQ(counters.errors, 3U);
  EXPECT_EQ(counters.paths, (std::array<std::uint32_t, kPathBuckets>{0, 0, 3, 0, 0, 3, 0, 0}));
  EXPECT_EQ(counters.class_requests, (std::array<std::uint32_t, kAgentClasses>{6, 0, 6, 0}));
  EXPECT_EQ(counters.class_errors, (std::array<std::uint32_t, kAgentClasses>{3, 0, 3, 0}));
  EXPECT_EQ(counters.agents, 1ULL << 6 | 1ULL << 1);
}

TEST(ClientTable, VisitsOnlyWhatWasTouchedAndTakesTheAgents) {
  ClientTable table(1 << 16, 7);
  for (std::uint32_t i = 0; i < 20; ++i) {
    ClientTable::Event made = event(i);
    made.agent_hash = 5;
    table.count_request(made, false, kStart);
  }
  auto seen = collect(table);
  EXPECT_EQ(seen.size(), 20U);
  EXPECT_TRUE(seen.at(client(3)).fresh);
  const auto slot = seen.at(client(3)).slot;
  EXPECT_EQ(table.find(client(3)), slot);
  EXPECT_TRUE(collect(table).empty());

  table.count_request(event(3), false, kStart);
  seen = collect(table);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_FALSE(seen.at(client(3)).fresh);
  EXPECT_EQ(seen.at(client(3)).slot, slot);
  EXPECT_EQ(seen.at(client(3)).counters.requests, 2U) << "counters grow for ever";
  EXPECT_EQ(seen.at(client(3)).counters.agents, 0U) << "taken at the last visit";
}

TEST(ClientTable, TakesTheMapOfPathsThatFailed) {
  ClientTable table(1 << 16, 7);
  ClientTable::Event made = event(1);
  table.count_request(made, false, kStart);
  const auto answer = [&](std::uint32_t path, ResponseClass of) {
    made.path_hash = path * 8;
    table.count_response(made, of, kStart);
  };
  answer(1, ResponseClass::fine);
  answer(2, ResponseClass::other_error);
  answer(3, ResponseClass::client_error);
  answer(3, ResponseClass::client_error);
  answer(9, ResponseClass::breakage);
  EXPECT_EQ(collect(table).at(client(1)).counters.failed_paths, 1U << 3 | 1U << 9);
  answer(4, ResponseClass::client_error);
  EXPECT_EQ(collect(table).at(client(1)).counters.failed_paths, 1U << 4);
}

TEST(ClientTable, CountsWhatTheServiceBrokeOverApartFromTheTier) {
  ClientTable table(1 << 16, 7);
  ClientTable::Event made = event(1, 40'000);
  made.tier = 255;
  table.count_request(made, false, kStart);
  const auto broken = [&] {
    table.count_response(made, ResponseClass::breakage, kStart);
    return collect(table).at(client(1)).counters;
  };
  EXPECT_EQ(broken().breakages, 40'000U);
  const ClientCounters counters = broken();
  EXPECT_EQ(counters.breakages, 80'000U % (1U << 16U));
  EXPECT_EQ(counters.client_errors, 80'000U) << "they may be the client's own";
  EXPECT_EQ(table.tier(*table.find(client(1))), 255);
  made.tier = 3;
  table.count_request(made, false, kStart);
  EXPECT_EQ(table.tier(*table.find(client(1))), 3);
  EXPECT_EQ(collect(table).at(client(1)).counters.breakages, 80'000U % (1U << 16U));
}

TEST(ClientTable, CountsNoResponseOfAClientWithoutASlot) {
  ClientTable table(1 << 16, 7);
  table.count_response(event(1), ResponseClass::client_error, kStart);
  EXPECT_FALSE(table.find(client(1)).has_value());
  EXPECT_TRUE(collect(table).empty());
}

TEST(ClientTable, KnowsTheTierOfTheLatestRequestThatNamedOne) {
  ClientTable table(1 << 16, 7);
  const auto ask = [&](std::uint8_t tier) {
    ClientTable::Event made = event(1);
    made.tier = tier;
    table.count_request(made, false, kStart);
    return table.tier(*table.find(client(1)));
  };
  EXPECT_EQ(ask(0), 0);
  EXPECT_EQ(ask(2), 2);
  EXPECT_EQ(ask(255), 255);
  EXPECT_EQ(ask(0), 255);
  EXPECT_EQ(collect(table).size(), 1U);
  EXPECT_TRUE(collect(table).empty());
  EXPECT_EQ(table.tier(*table.find(client(1))), 255) << "a reader takes it from nobody";
  EXPECT_EQ(ask(1), 1);
  EXPECT_EQ(collect(table).size(), 1U) << "listed as before";
}

class FullTable : public ::testing::Test {
 protected:
  // Fresh clients, one request each, until far more came than there is room for.
  void flood(Instant now) {
    for (std::uint32_t i = 0; i < table.capacity() * 8; ++i)
      table.count_request(event(next_++), false, now);
  }
  ClientTable table{64 * 128, 7};

 private:
  std::uint32_t next_ = 1'000'000;
};

TEST_F(FullTable, RefusesNewcomersWhileEveryoneIsActive) {
  flood(kStart);
  EXPECT_EQ(table.size(), table.capacity());
  EXPECT_EQ(table.evictions(), 0U);
  EXPECT_EQ(table.refused(), table.capacity() * 7);
  flood(kStart + seconds{30});
  EXPECT_EQ(table.evictions(), 0U);
  flood(kStart + seconds{31});
  EXPECT_EQ(table.evictions(), table.capacity());
  EXPECT_EQ(table.size(), table.capacity());
}

TEST_F(FullTable, GivesANewOwnerNoTierOfTheOldOne) {
  for (std::uint32_t i = 0; i < table.capacity() * 8; ++i) {
    ClientTable::Event made = event(i);
    made.tier = 3;
    table.count_request(made, false, kStart);
  }
  ASSERT_EQ(table.tier(0), 3);
  flood(kStart + seconds{31});
  ASSERT_EQ(table.evictions(), table.capacity());
  for (std::uint32_t slot = 0; slot < table.capacity(); ++slot) EXPECT_EQ(table.tier(slot), 0);
}

TEST_F(FullTable, KeepsAKnownClientFiveMinutesUnderAFlood) {
  for (int i = 0; i < 8; ++i) table.count_request(event(1), false, kStart);
  const auto slot = table.find(client(1));
  ASSERT_TRUE(slot.has_value());
  for (int wait = 0; wait <= 300; wait += 20) flood(kStart + seconds{wait});
  EXPECT_EQ(table.find(client(1)), slot);
  EXPECT_GT(table.evictions(), 0U);
  flood(kStart + seconds{301 + 20});
  EXPECT_FALSE(table.find(client(1)).has_value());
}

TEST_F(FullTable, ASlotThatChangesHandsBeginsAtZeroAndSaysSo) {
  for (std::uint32_t i = 0; i < 5; ++i) {
    ClientTable::Event made = event(i, 5);
    made.agent_hash = 9;
    made.agent_classes = 1;
    table.count_request(made, true, kStart);
    table.count_response(made, ResponseClass::client_error, kStart);
  }
  static_cast<void>(collect(table));
  flood(kStart + seconds{31});
  for (const auto& [who, visit] : collect(table)) {
    EXPECT_TRUE(visit.fresh);
    EXPECT_EQ(visit.counters.requests, 1U);
    EXPECT_EQ(visit.counters.denied + visit.counters.responses + visit.counters.errors, 0U);
    EXPECT_EQ(visit.counters.agents, 0U);
    EXPECT_EQ(visit.counters.class_requests[0] + visit.counters.class_errors[0], 0U);
  }
}

TEST(ClientTableThreads, LoseAndDoubleNoCountWhileTheCollectorReads) {
  constexpr std::uint32_t kClients = 50;
  constexpr std::uint32_t kRounds = 4000;
  ClientTable table(1 << 16, 7);
  // Known beforehand: while the system holds up a thread that is making a client's slot, others
  // make do with a second one, and a count is lost.
  for (std::uint32_t i = 0; i < kClients; ++i) {
    table.count_request(event(i), false, kStart);
    table.count_response(event(i), ResponseClass::fine, kStart);
  }
  std::map<ClientId, ClientCounters> latest;
  std::map<ClientId, std::uint64_t> agents;
  std::atomic<int> running{3};
  std::vector<std::thread> threads;
  for (std::uint32_t thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint32_t i = 0; i < kRounds * kClients; ++i) {
        ClientTable::Event made = event(i % kClients);
        made.path_hash = i;
        made.agent_hash = 1 + thread;
        table.count_request(made, i % 4 == 0, kStart);
        table.count_response(made, i % 8 == 0 ? ResponseClass::other_error : ResponseClass::fine,
                             kStart);
      }
      --running;
    });
  }
  const auto visit = [&](std::uint32_t, bool, const ClientId& who, const ClientCounters& read) {
    EXPECT_GE(read.requests, latest[who].requests);
    latest[who] = read;
    agents[who] |= read.agents;
  };
  while (running > 0) table.collect(visit);
  for (std::thread& thread : threads) thread.join();
  table.collect(visit);
  ASSERT_EQ(latest.size(), kClients) << "one slot a client";
  std::uint64_t denied = 0;
  std::uint64_t errors = 0;
  for (const auto& [who, counters] : latest) {
    EXPECT_EQ(counters.requests, 3 * kRounds + 1);
    EXPECT_EQ(counters.responses, 3 * kRounds + 1);
    EXPECT_EQ(agents[who], 0b1110U);
    denied += counters.denied;
    errors += counters.errors;
  }
  EXPECT_EQ(denied, 3 * kRounds * kClients / 4);
  EXPECT_EQ(errors, 3 * kRounds * kClients / 8);
}

// Slots change hands all the time while three threads count and one reads: what is read of a client
// is its own, but for the one request in flight that each thread may carry over per change.
TEST(ClientTableThreads, NeverMixTwoClientsCounters) {
  ClientTable table(2 * 8 * 128, 7);
  std::atomic<int> running{3};
  std::vector<std::thread> threads;
  for (std::uint32_t thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::uint32_t i = 0; i < 60'000; ++i) {
        const std::uint32_t generation = i / 20;  // every client is gone after twenty requests
        ClientTable::Event made = event(generation * 8 + i % 8);
        made.agent_hash = thread + 1;
        table.count_request(made, false, kStart + seconds{generation * 400});
      }
      --running;
    });
  }
  std::uint32_t most = 0;
  const auto visit = [&](std::uint32_t, bool, const ClientId&, const ClientCounters& read) {
    most = std::max(most, read.requests);
  };
  while (running > 0) table.collect(visit);
  for (std::thread& thread : threads) thread.join();
  table.collect(visit);
  EXPECT_GT(table.evictions(), 100U);
  EXPECT_LE(most, 3 * 3 + 3U);
}

}  // namespace
}  // namespace tidelimit::limiter
