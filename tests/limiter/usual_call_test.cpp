// The short way of the usual call against the whole way: equal answers, equal buckets.
#include "limiter/usual_call.hpp"

#include <gtest/gtest.h>
#include <optional>
#include <rapidcheck/gtest.h>

#include "base/random.hpp"
#include "limiter/gate_plan.hpp"
#include "limiter/judge.hpp"

namespace tidelimit::limiter {
namespace {

constexpr std::size_t kClients = 3;

Limit any_limit(Random& random) {
  return random.below(6) == 0 ? Limit{} : per_minute(60 + random.below(60), 1 + random.below(4));
}

// Mostly plain; each thing that makes a call unusual turns up now and then.
Plan any_plan(Random& random) {
  Plan plan = open_plan();
  plan.generation = 1 + random.below(9);
  plan.limits_epoch = random.below(3);
  if (random.below(8) == 0) plan.expires_at = Instant{std::chrono::minutes{61}};
  for (auto& endpoint : plan.endpoints) {
    if (random.below(8) == 0) endpoint.mode = static_cast<Mode>(random.below(3));
    if (random.below(4) == 0) endpoint.enforced = kEveryone / 2;
    if (random.below(8) == 0) endpoint.client = per_minute(60, 4);
  }
  for (std::uint16_t endpoint = 0; endpoint < 3; ++endpoint) {
    for (std::uint8_t tier = 0; tier < 2; ++tier) {
      const Limit total = random.below(8) == 0 ? per_minute(60, 6) : Limit{};
      set_limits(plan, EndpointId{endpoint}, TierId{tier}, any_limit(random), total);
      if (random.below(3) == 0)
        scale_from(plan, EndpointId{endpoint}, TierId{tier},
                   static_cast<View>(1 + random.below(kViews - 1)), 0.5);
      if (random.below(8) == 0)
        shed_from(plan, EndpointId{endpoint}, TierId{tier},
                  static_cast<View>(1 + random.below(kViews - 1)),
                  random.below(2) == 0 ? kShedAll : 0x8000);
    }
  }
  if (random.below(3) == 0) {  // for a third of the principals all rules are enforced
    plan.stages.push_back({kEveryone / 3, plan.cells});
    for (Cell& cell : plan.stages.back().cells) cell.in(View::effective) = cell.in(View::shadow);
  }
  return plan;
}

VerdictTable any_verdicts(Random& random) {
  std::vector<Verdict> verdicts;
  for (std::uint32_t i = 0; i < kClients; ++i) {
    if (random.below(5) != 0) continue;
    Verdict verdict;
    verdict.client = v4_client(i);
    verdict.kind = VerdictKind::suspicious;
    verdict.action = static_cast<Action>(random.below(2) == 0 ? 2 : 3);
    verdict.limit = per_minute(10, 1);
    verdict.mode = random.below(2) == 0 ? Mode::shadow : Mode::enforce;
    verdict.expires_at = Instant{std::chrono::minutes{60 + random.below(3)}};
    verdicts.push_back(verdict);
  }
  return VerdictTable(verdicts);
}

OverrideTable any_overrides(Random& random) {
  std::vector<Override> overrides;
  if (random.below(6) == 0) {
    Override entry;
    entry.prefix = prefix_of(v4_client(1), 128);
    entry.action = Action::allow;
    entry.expires_at = Instant{Nanos::max()};
    overrides.push_back(entry);
  }
  return OverrideTable(overrides, {});
}

void set_modes(Limiter& limiter, std::uint64_t number) {
  const auto mode = [](std::uint64_t n) { return n == 0 ? Mode::shadow : Mode::enforce; };
  limiter.mode.all = mode(number % 8);
  limiter.mode.rules = mode(number / 8 % 8);
  limiter.mode.forecast = mode(number / 64 % 8);
}

Call any_call(Random& random) {
  Call call;
  call.client = v4_client(static_cast<std::uint32_t>(random.below(kClients)));
  call.user = random.below(3);
  call.endpoint = EndpointId{static_cast<std::uint16_t>(random.below(4))};  // one is unknown
  call.tier = TierId{static_cast<std::uint8_t>(random.below(3))};           // likewise
  call.hits = static_cast<Hits>(random.below(4));
  call.rollout = rollout_place(random.next());
  return call;
}

struct Case {
  std::size_t usual = 0;
  bool equal = true;
};

// The same calls by both ways, each on tables of its own.
Case both_ways(std::uint64_t seed, std::size_t bucket_bytes) {
  Random random(seed);
  const Plan plan = *completed(any_plan(random));
  const VerdictTable verdicts = any_verdicts(random);
  const OverrideTable overrides = any_overrides(random);
  const LimiterOptions options{
      .bucket_bytes = bucket_bytes, .client_bytes = 1 << 14, .seed = random.next()};
  Limiter short_way{options};
  Limiter whole_way{options};
  const std::uint64_t modes = random.next();
  set_modes(short_way, modes);
  set_modes(whole_way, modes);
  Instant now{std::chrono::hours{1}};
  Case result;
  for (int i = 0; i < 60; ++i) {
    now = now + std::chrono::milliseconds{random.below(2000)};
    const Call call = any_call(random);
    Decision said;
    if (UsualCall(short_way, plan, short_way.hash_client(call.client), call, now)
            .decide(&verdicts, &overrides, said)) {
      ++result.usual;
    } else {
      result.equal = result.equal && said == Decision{};
      said = Judge(short_way, plan, &verdicts, &overrides, call, now).decide();
    }
    const Decision whole = Judge(whole_way, plan, &verdicts, &overrides, call, now).decide();
    result.equal = result.equal && said == whole;
  }
  return result;
}

RC_GTEST_PROP(UsualCallProperty, IsDecidedAsTheJudgeDecidesIt, ()) {
  const auto seed = *rc::gen::arbitrary<std::uint64_t>();
  RC_ASSERT(both_ways(seed, 1 << 16).equal);
  RC_ASSERT(both_ways(seed, 128).equal);  // a table that is full at once
}

TEST(UsualCall, TurnsUpOftenEnoughToBeCompared) {
  std::size_t usual = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) usual += both_ways(seed, 1 << 16).usual;
  EXPECT_GT(usual, 500U);
}

TEST(UsualCall, IsEveryCallUnderAPlainPlan) {
  Limiter limiter{{.bucket_bytes = 1 << 16, .client_bytes = 1 << 14, .seed = 1}};
  Plan given = open_plan();
  set_limits(given, kPayment, kStandard, per_minute(60, 2));
  const std::shared_ptr<const Plan> plan = completed(given);
  Call call;
  call.client = v4_client(7);
  call.endpoint = kPayment;
  call.tier = kStandard;
  const VerdictTable verdicts;
  const OverrideTable overrides;
  for (const bool passes : {true, true, false}) {
    Decision said;
    ASSERT_TRUE(UsualCall(limiter, *plan, limiter.hash_client(call.client), call,
                          Instant{std::chrono::hours{1}})
                    .decide(&verdicts, &overrides, said));
    EXPECT_EQ(said.allowed, passes);
  }
}

}  // namespace
}  // namespace tidelimit::limiter
