// Who makes room when there are more clients than the book holds, and than the budget remembers.

#include <gtest/gtest.h>

#include "policy/mission.hpp"
#include "policy/verdict_book.hpp"

namespace tidelimit::policy::test {
namespace {

constexpr auto kMany = static_cast<std::uint32_t>(kMaxVerdicts);

Now at(Nanos elapsed) {
  return {Instant{hours{1}} + elapsed, WallTime{hours{24 * 20000}} + elapsed};
}

ClientId swarm(std::uint32_t i) {
  return ClientId{0, 0xffff'0000'0000ULL + i};
}

/// Who asks much is held to 10/min; who asks some is only watched.
PolicySettings settings() {
  Rule much;
  much.name = "much";
  much.when.requests = 1000;
  much.then.limit = per_minute(10);
  Rule some = much;
  some.name = "some";
  some.mode.mode = Mode::shadow;
  some.when.requests = 100;
  PolicySettings settings;
  settings.rules = {much, some};
  return settings;
}

void ask(VerdictBook& book, const ClientId& client, std::uint32_t requests) {
  traffic::ClientFigures figures;
  figures.requests = requests;
  figures.requests_per_minute = requests / 5.0;
  book.figures(client, figures, {.requests = true}, at(seconds{1}));
}

TEST(VerdictBounds, NoSwarmDrivesOutALabel) {
  VerdictBook book(settings());
  const ClientId mallory = client_of(*parse_address("203.0.113.7"));
  Label label;
  label.client = mallory;
  label.malicious = true;
  label.by = "ann";
  book.label(label, at(seconds{0}));
  for (std::uint32_t i = 0; i < kMany + 10; ++i) ask(book, swarm(i), 1000);
  EXPECT_EQ(book.all().size(), kMaxVerdicts);
  ASSERT_TRUE(book.find(mallory));
  EXPECT_FALSE(book.find(swarm(10)));
  EXPECT_TRUE(book.find(swarm(11)));

  book.unlabel(mallory);
  EXPECT_FALSE(book.find(mallory));
}

TEST(VerdictBounds, WhatIsOnlyReportedMakesRoomForWhatIsEnforced) {
  VerdictBook book(settings());
  const ClientId enforced = swarm(kMany + 1);
  const ClientId raised = swarm(1);  // reported at first
  ask(book, enforced, 1000);
  for (std::uint32_t i = 0; i < 10; ++i) ask(book, swarm(i), 100);
  ask(book, raised, 1000);
  for (std::uint32_t i = 10; i < kMany + 1; ++i) ask(book, swarm(i), 100);
  EXPECT_EQ(book.all().size(), kMaxVerdicts);
  EXPECT_TRUE(book.find(enforced));
  EXPECT_TRUE(book.find(raised));
  EXPECT_FALSE(book.find(swarm(0))) << "the oldest of the others";
  EXPECT_FALSE(book.find(swarm(2)));
  EXPECT_TRUE(book.find(swarm(3)));
}

TEST(VerdictBounds, TheBudgetRemembersNoMoreThanItsBound) {
  constexpr auto kKnown = static_cast<std::uint32_t>(VerdictBudget::kMostKnown);
  VerdictBudget budget;
  budget.set({kKnown + 2, hours{1}});
  const Instant now{hours{1}};
  for (std::uint32_t i = 0; i <= kKnown; ++i)
    ASSERT_TRUE(budget.admits(swarm(i), std::nullopt, true, now));
  EXPECT_TRUE(budget.admits(swarm(0), std::nullopt, true, now)) << "costs nothing";
  EXPECT_TRUE(budget.admits(swarm(kKnown), std::nullopt, true, now)) << "costs the last of it";
  EXPECT_FALSE(budget.admits(swarm(kKnown), std::nullopt, true, now));
  EXPECT_TRUE(budget.admits(swarm(0), std::nullopt, true, now));
  EXPECT_TRUE(budget.admits(swarm(kKnown), std::nullopt, true, now + hours{1}));
}

TEST(VerdictBounds, AfterARestartARuleKnowsItsVerdictWhoeverActs) {
  Rule flag;
  flag.name = "flag";
  flag.when.user_agent = "Postman*";
  flag.when.error_rate = 0.5;
  flag.when.requests = 20;
  flag.then.verdict = limiter::VerdictKind::suspicious;
  flag.then.duration = minutes{10};
  Rule later = flag;
  later.name = "later";
  later.when.user_agent.reset();
  later.when.requests = 10;
  later.then.limit = per_minute(1);
  Rule hold;
  hold.name = "hold";
  hold.when.verdict = limiter::VerdictKind::suspicious;
  hold.then.limit = per_minute(5);
  PolicySettings given;
  given.rules = {flag, later, hold};
  traffic::ClientFigures figures;
  figures.requests = figures.responses = figures.errors = 50;
  figures.error_ratio = 1;
  figures.class_requests[0] = figures.class_errors[0] = 50;
  const ClientId client = swarm(1);

  VerdictBook before(given);
  const traffic::Arrivals by_the_tool{
      .requests = true, .errors = true, .class_requests = 1, .class_errors = 1};
  before.figures(client, figures, by_the_tool, at(seconds{1}));
  ASSERT_EQ(before.find(client)->rule, "hold");
  VerdictBook after(given);
  after.restore(before.all(), at(seconds{2}));
  // Nothing of the tool's came since: its own verdict runs out, and no later rule takes it over.
  for (VerdictBook* book : {&before, &after}) {
    book->figures(client, figures, {.requests = true, .errors = true}, at(minutes{1}));
    EXPECT_EQ(book->find(client)->rule, "hold");
  }
}

}  // namespace
}  // namespace tidelimit::policy::test
