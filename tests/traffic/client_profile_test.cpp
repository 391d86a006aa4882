#include "traffic/client_profile.hpp"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tidelimit::traffic {
namespace {

using namespace std::chrono_literals;
using limiter::ClientCounters;

const ClientId kClient{0, 0x0000ffff0a000001};
const ClientId kOther{0, 0x0000ffff0a000002};

Instant at(Nanos since_start) {
  return Instant{since_start};
}

/// A table's slot as the profiles see it: counters that only grow.
struct Slot {
  ClientProfiles& profiles;
  std::uint32_t slot = 0;
  ClientId client = kClient;
  ClientCounters counters{};
  bool fresh = true;

  Arrivals requests(std::uint32_t n, std::uint32_t errors, Nanos when, std::uint64_t agents = 1,
                    std::size_t path = 0) {
    counters.requests += n;
    counters.responses += n;
    counters.errors += errors;
    counters.client_errors += errors;
    counters.paths[path] += n;
    counters.agents = agents;
    const Arrivals arrivals = profiles.update(slot, fresh, client, counters, at(when));
    fresh = false;
    return arrivals;
  }
};

TEST(ClientProfiles, SumsTheLastFiveMinutesAndForgetsOlderOnes) {
  ClientProfiles profiles(4);
  Slot slot{profiles};
  slot.requests(10, 1, 30s);
  slot.requests(20, 2, 90s);
  slot.requests(30, 3, 4min + 59s);
  EXPECT_EQ(profiles.figures(0, at(4min + 59s)).requests, 60u);
  EXPECT_EQ(profiles.figures(0, at(5min)).requests, 50u) << "the first minute has gone";
  EXPECT_EQ(profiles.figures(0, at(5min)).errors, 5u);
  EXPECT_EQ(profiles.figures(0, at(6min)).requests, 30u);
  EXPECT_EQ(profiles.figures(0, at(9min)).requests, 0u);
  EXPECT_EQ(profiles.figures(0, at(600min)).requests, 0u);
}

TEST(ClientProfiles, CountsTheSameWhetherCollectedOftenOrSeldom) {
  ClientProfiles often(1);
  ClientProfiles seldom(1);
  Slot a{often};
  Slot b{seldom};
  for (int s = 0; s < 240; ++s) {
    a.requests(3, 1, std::chrono::seconds{s});
  }
  for (int s = 59; s < 240; s += 60) {
    b.requests(180, 60, std::chrono::seconds{s});
  }
  const ClientFigures x = often.figures(0, at(239s));
  const ClientFigures y = seldom.figures(0, at(239s));
  EXPECT_EQ(x.requests, 720u);
  EXPECT_EQ(x.requests, y.requests);
  EXPECT_EQ(x.errors, y.errors);
}

TEST(ClientProfiles, RatesSpanAtLeastAMinuteAndAtMostWhatTheClientWasSeenFor) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.requests(1, 0, 1000min);
  slot.requests(119, 0, 1000min + 10s);
  EXPECT_DOUBLE_EQ(profiles.figures(0, at(1000min + 10s)).requests_per_minute, 120);
  EXPECT_DOUBLE_EQ(profiles.figures(0, at(1002min)).requests_per_minute, 60);
  slot.requests(1, 0, 1100min);
  EXPECT_DOUBLE_EQ(profiles.figures(0, at(1100min)).requests_per_minute, 1)
      << "a pause ends the activity that rates are measured over";
}

TEST(ClientProfiles, OneErrorOfOneRequestIsNoRatioOfOne) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.requests(1, 1, 10s);
  EXPECT_DOUBLE_EQ(profiles.figures(0, at(10s)).error_ratio, 1.0) << "people see it plain";
  EXPECT_LT(profiles.features(0, at(10s))[Feature::error_ratio], 0.15F);
  EXPECT_LT(profiles.features(0, at(10s))[Feature::endpoint_concentration], 0.51F);
  slot.requests(199, 199, 20s);
  EXPECT_GT(profiles.features(0, at(20s))[Feature::error_ratio], 0.9F);
  EXPECT_GT(profiles.features(0, at(20s))[Feature::endpoint_concentration], 0.97F);
}

TEST(ClientProfiles, RemembersASlowClientForAnHour) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  for (int m = 0; m < 6 * 60; ++m) {
    slot.requests(3, 2, std::chrono::minutes{m});
  }
  const ClientFeatures f = profiles.features(0, at(359min));
  EXPECT_NEAR(f[Feature::hour_requests], 180, 5);
  EXPECT_NEAR(f[Feature::hour_errors], 120, 4);
  EXPECT_NEAR(f[Feature::hour_error_ratio], 0.64, 0.02);
  EXPECT_NEAR(f[Feature::requests_per_minute], 3, 0.8);
  EXPECT_NEAR(profiles.features(0, at(359min + 1h))[Feature::hour_requests],
              f[Feature::hour_requests] / std::exp(1.0), 0.1);
}

TEST(ClientProfiles, CountsDistinctAgentsOfFiveMinutes) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.requests(1, 0, 10s, 0b0001);
  slot.requests(1, 0, 70s, 0b0110);
  slot.requests(1, 0, 80s, 0b0100);
  EXPECT_NEAR(profiles.figures(0, at(80s)).agent_diversity, 3, 0.1);
  EXPECT_NEAR(profiles.figures(0, at(5min)).agent_diversity, 2, 0.1);
  slot.requests(1, 0, 5min, ~0ULL);
  EXPECT_LT(profiles.figures(0, at(5min)).agent_diversity, 300) << "a full map is finite";
}

TEST(ClientProfiles, ConcentrationIsTheShareOfTheMostCalledPaths) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.requests(75, 0, 10s, 1, 3);
  slot.requests(25, 0, 10s, 1, 5);
  EXPECT_NEAR(profiles.figures(0, at(10s)).endpoint_concentration, 0.75, 1e-6);
}

TEST(ClientProfiles, CountsAgentClassesApart) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.counters.class_requests[2] = 20;
  slot.counters.class_errors[2] = 15;
  slot.requests(30, 16, 10s);
  slot.counters.class_requests[2] += 5;
  slot.requests(5, 0, 2min);
  EXPECT_EQ(profiles.figures(0, at(2min)).class_requests[2], 25u);
  EXPECT_EQ(profiles.figures(0, at(2min)).class_errors[2], 15u);
  EXPECT_EQ(profiles.figures(0, at(2min)).class_requests[0], 0u);
  EXPECT_EQ(profiles.figures(0, at(5min)).class_requests[2], 5u);
}

TEST(ClientProfiles, ForgetAgentClassesThatAreAnothersFromNowOn) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.counters.class_requests = {10, 20, 0, 0};
  slot.counters.class_errors = {5, 15, 0, 0};
  slot.requests(30, 20, 10s);
  slot.counters.class_requests = {11, 22, 0, 0};
  slot.requests(3, 0, 2min);
  profiles.forget_classes(1 << 1);
  EXPECT_THAT(profiles.figures(0, at(2min)).class_requests, testing::ElementsAre(11, 0, 0, 0));
  EXPECT_THAT(profiles.figures(0, at(2min)).class_errors, testing::ElementsAre(5, 0, 0, 0));
  slot.counters.class_requests = {11, 25, 0, 0};
  slot.requests(3, 0, 2min + 1s);
  EXPECT_EQ(profiles.figures(0, at(2min + 1s)).class_requests[1], 3u);
}

TEST(ClientProfiles, TellsWhatAnUpdateBrought) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.counters.class_requests[2] = 20;
  Arrivals came = slot.requests(30, 0, 10s);
  EXPECT_TRUE(came.requests && !came.errors);
  EXPECT_EQ(came.class_requests, 1 << 2);
  EXPECT_EQ(came.class_errors, 0);
  slot.counters.class_errors[2] = 1;
  came = slot.requests(0, 1, 11s);
  EXPECT_TRUE(!came.requests && came.errors) << "the answer to an earlier one";
  EXPECT_EQ(came.class_requests, 0);
  EXPECT_EQ(came.class_errors, 1 << 2);
}

TEST(ClientProfiles, ANewOwnerOfASlotInheritsNothing) {
  ClientProfiles profiles(1);
  Slot first{profiles};
  first.counters.class_requests[0] = 7;
  first.requests(100, 90, 10s, ~0ULL);
  Slot second{profiles, 0, kOther};
  second.requests(2, 0, 20s);
  const ClientFigures f = profiles.figures(0, at(20s));
  EXPECT_EQ(profiles.client(0), kOther);
  EXPECT_EQ(f.requests, 2u);
  EXPECT_EQ(f.errors, 0u);
  EXPECT_EQ(f.class_requests[0], 0u);
  EXPECT_LT(profiles.features(0, at(20s))[Feature::hour_requests], 2.01F);
}

TEST(ClientProfiles, CountersThatWrapAroundAreStillDifferences) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.counters.requests = 0xfffffff0;
  slot.requests(0, 0, 10s);
  slot.requests(0x20, 0, 6min);
  EXPECT_EQ(profiles.figures(0, at(6min)).requests, 0x20u);
}

TEST(ClientProfiles, TheBackgroundShowsAServiceThatFailsEverybody) {
  ClientProfiles profiles(64);
  std::vector<Slot> slots;
  for (std::uint32_t i = 0; i < 40; ++i) {
    slots.push_back({profiles, i, ClientId{0, 0x0000ffff0a000000UL + i}});
    slots.back().requests(4, 4, 10s);
  }
  EXPECT_GT(profiles.features(0, at(10s)).background_error_ratio, 0.8F);
}

TEST(ClientProfiles, OneLoudClientIsNotTheBackground) {
  ClientProfiles profiles(64);
  std::vector<Slot> slots;
  for (std::uint32_t i = 0; i < 20; ++i) {
    slots.push_back({profiles, i, ClientId{0, 0x0000ffff0a000000UL + i}});
    slots.back().requests(4, 0, 10s);
  }
  Slot loud{profiles, 40, kClient};
  loud.requests(100'000, 100'000, 10s);
  EXPECT_LT(profiles.features(0, at(10s)).background_error_ratio, 0.06F);
  EXPECT_LT(profiles.features(40, at(10s)).background_error_ratio, 0.03F)
      << "a client is not its own background";
}

/// Clients 0 to 11 are served for ten minutes; a hundred others then fail, and never were.
struct Besieged {
  Besieged() {
    for (std::uint32_t i = 0; i < 112; ++i)
      slots.push_back({profiles, i, ClientId{0, 0x0000ffff0a000000UL + i}});
    for (int minute = 0; minute < 10; ++minute)
      for (std::size_t i = 0; i < 12; ++i) slots[i].requests(3, 0, std::chrono::minutes{minute});
  }
  ClientProfiles profiles{128};
  std::vector<Slot> slots;
};

TEST(ClientProfiles, ThoseWhoAreNeverServedAreNoOutageHoweverMany) {
  Besieged site;
  for (std::size_t i = 12; i < site.slots.size(); ++i) site.slots[i].requests(3, 3, 10min);
  for (std::size_t i = 0; i < 12; ++i) site.slots[i].requests(3, 0, 10min);
  EXPECT_LT(site.profiles.features(50, at(10min)).background_error_ratio, 0.03F);
}

TEST(ClientProfiles, AnOutageIsAWholeOneWhereThereAreFewToTellOfIt) {
  Besieged site;
  for (std::size_t i = 0; i < 4; ++i) site.slots[i].requests(3, 3, 15min);
  EXPECT_GT(site.profiles.features(5, at(15min)).background_error_ratio, 0.65F) << "by twelve";
}

TEST(ClientProfiles, AnOutageShowsInThoseWhoWereServedBefore) {
  Besieged site;
  for (int minute = 10; minute < 16; ++minute)
    for (Slot& slot : site.slots) slot.requests(3, 3, std::chrono::minutes{minute});
  EXPECT_GT(site.profiles.features(50, at(15min)).background_error_ratio, 0.8F) << "a newcomer";
  EXPECT_GT(site.profiles.features(5, at(15min)).background_error_ratio, 0.8F) << "a customer";
}

TEST(ClientProfiles, WhatEverybodySufferedIsNobodysExcessWhenItIsOver) {
  Besieged site;
  for (int minute = 10; minute < 70; ++minute)
    for (std::size_t i = 0; i < 12; ++i) site.slots[i].requests(3, 3, std::chrono::minutes{minute});
  Slot& guesser = site.slots[20];
  for (int minute = 70; minute < 80; ++minute) {
    for (std::size_t i = 0; i < 12; ++i) site.slots[i].requests(3, 0, std::chrono::minutes{minute});
    if (minute >= 75) guesser.requests(6, 6, std::chrono::minutes{minute});
    const ClientFeatures customer = site.profiles.features(5, at(std::chrono::minutes{minute}));
    EXPECT_LT(customer.hour_excess_ratio, 0.15F) << minute;
    EXPECT_GT(customer[Feature::hour_error_ratio], 0.5F) << "as the model sees it";
  }
  EXPECT_GT(site.profiles.features(20, at(79min)).hour_excess_errors, 25);
}

TEST(ClientProfiles, TheServicesErrorsAreNotTheClients) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.counters.client_errors -= 40;  // of the forty none is its own
  slot.requests(40, 40, 20s);
  EXPECT_GT(profiles.features(0, at(20s))[Feature::error_ratio], 0.7F);
  EXPECT_LT(profiles.features(0, at(20s)).client_error_ratio, 0.03F);
  EXPECT_EQ(profiles.features(0, at(20s)).hour_excess_errors, 0);
}

TEST(ClientProfiles, CountDistinctPathsThatFailedInFiveMinutes) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.counters.failed_paths = 0b0111;
  slot.requests(9, 9, 10s);
  slot.counters.failed_paths = 0b1110;
  slot.requests(9, 9, 70s);
  EXPECT_NEAR(profiles.features(0, at(80s)).failed_paths, 4, 0.4);
  EXPECT_NEAR(profiles.features(0, at(5min)).failed_paths, 3, 0.3);
  slot.counters.failed_paths = ~0U;
  slot.requests(900, 900, 5min);
  EXPECT_NEAR(profiles.features(0, at(5min)).failed_paths, 111, 1) << "a full map";
}

TEST(ClientProfiles, TellHowManyErrorsTheServiceBrokeOver) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.counters.breakages = 30;
  slot.requests(50, 40, 20s);
  EXPECT_NEAR(profiles.features(0, at(20s)).hour_breakages, 30, 0.1);
  EXPECT_NEAR(profiles.features(0, at(20s)).hour_excess_errors, 40, 0.1);
  slot.counters.breakages = 65'530;
  slot.requests(10, 0, 30s);
  slot.counters.breakages = 4;  // mod 2^16
  slot.requests(10, 10, 61min);
  EXPECT_NEAR(profiles.features(0, at(61min)).hour_breakages, 10 + 65'530 / std::exp(1.0), 400);
}

TEST(ClientProfiles, SteadyIsWhatThreeMinutesOfFiveHad) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.requests(500, 0, 10s);
  slot.requests(30, 0, 70s);
  EXPECT_EQ(profiles.features(0, at(80s)).steady_requests, 0);
  slot.requests(40, 0, 3min);
  EXPECT_EQ(profiles.features(0, at(3min)).steady_requests, 30);
  EXPECT_EQ(profiles.features(0, at(5min)).steady_requests, 0) << "two minutes of five remain";
}

TEST(ClientProfiles, TheBusiestMinuteIsOneOfTheLastFive) {
  ClientProfiles profiles(1);
  Slot slot{profiles};
  slot.requests(1, 0, 10s);
  slot.requests(500, 0, 4min);
  EXPECT_EQ(profiles.features(0, at(4min)).busiest_requests, 500);
  slot.requests(30, 0, 8min);
  EXPECT_EQ(profiles.features(0, at(8min)).busiest_requests, 500);
  EXPECT_EQ(profiles.features(0, at(9min)).busiest_requests, 30);
  slot.requests(90, 0, 100min + 50s);
  slot.requests(90, 0, 101min + 10s);
  EXPECT_EQ(profiles.features(0, at(101min + 10s)).busiest_requests, 180)
      << "of one that just came";
}

TEST(ClientProfiles, RequestsAloneAreThoseOfTheFigures) {
  ClientProfiles profiles(8);
  Slot slot{profiles, 5};
  const Nanos times[] = {10s, 70s, 71s, 3min, 9min, 9min + 59s, 13min};
  std::uint32_t n = 1;
  for (const Nanos when : times) {
    slot.requests(n, 0, when);
    n *= 3;
    for (const Nanos later : {0s, 1s, 59s, 60s, 200s, 299s, 300s, 3600s}) {
      EXPECT_EQ(profiles.requests(5, at(when + later)),
                profiles.figures(5, at(when + later)).requests)
          << when.count() << " + " << later.count();
    }
  }
  EXPECT_EQ(profiles.requests(0, at(13min)), 0u);
}

TEST(ClientProfiles, AreLaidOutInOrderOfFirstUse) {
  ClientProfiles profiles(1000);
  for (const std::uint32_t slot : {900u, 3u, 555u, 3u}) {
    profiles.update(slot, false, ClientId{0, slot}, {}, at(1s));
  }
  EXPECT_EQ(profiles.seat(900), 1u);
  EXPECT_EQ(profiles.seat(3), 2u);
  EXPECT_EQ(profiles.seat(555), 3u);
  EXPECT_EQ(profiles.seat(4), Seats::kNone);
  EXPECT_EQ(profiles.client(3), (ClientId{0, 3}));
  EXPECT_TRUE(profiles.client(4).empty());
}

TEST(ClientProfiles, SlotsBeyondTheTableAreNobody) {
  ClientProfiles profiles(2);
  profiles.update(7, true, kClient, {}, at(1s));
  EXPECT_TRUE(profiles.client(7).empty());
  EXPECT_EQ(profiles.figures(7, at(1s)).requests, 0u);
}

}  // namespace
}  // namespace tidelimit::traffic
