#pragma once

#include <rapidcheck/gtest.h>
#include <string>
#include <utility>
#include <vector>

#include "limiter/gate_plan.hpp"

namespace tidelimit::limiter {

// Calls on few clients, users, endpoints and tiers, so that their limits meet, and a plan where
// they meet limits of every kind.

struct Asked {
  std::uint32_t client;
  std::uint64_t user;
  std::uint16_t endpoint;
  std::uint8_t tier;
  Hits hits;
};
inline void showValue(const Asked& asked, std::ostream& out) {
  out << "client " << asked.client << ", user " << asked.user << ", endpoint " << asked.endpoint
      << ", tier " << int{asked.tier} << " x" << asked.hits;
}

[[nodiscard]] inline rc::Gen<Asked> any_asked() {
  return rc::gen::construct<Asked>(
      rc::gen::inRange<std::uint32_t>(0, 4), rc::gen::inRange<std::uint64_t>(0, 4),
      rc::gen::inRange<std::uint16_t>(0, 3), rc::gen::inRange<std::uint8_t>(0, 2),
      rc::gen::inRange<Hits>(0, 4));
}

/// Between two calls, often nothing.
[[nodiscard]] inline rc::Gen<std::int64_t> any_wait_us() {
  return rc::gen::weightedOneOf<std::int64_t>(
      {{2, rc::gen::just<std::int64_t>(0)}, {3, rc::gen::inRange<std::int64_t>(0, 3'000'000)}});
}

[[nodiscard]] inline Call call_of(const Asked& asked) {
  Call call;
  call.client = v4_client(0xc0000200 + asked.client);
  call.user = asked.user;
  call.endpoint = EndpointId{asked.endpoint};
  call.tier = TierId{asked.tier};
  call.hits = asked.hits;
  return call;
}

/// What a call must meet by the plan's base limits, for oracles: each bucket by a name of its own,
/// the principal's first.
[[nodiscard]] inline std::vector<std::pair<std::string, Limit>> limits_of(const Plan& plan,
                                                                          const Asked& asked) {
  const auto where = " at " + std::to_string(asked.endpoint);
  const auto client = "client " + std::to_string(asked.client);
  const auto user = asked.user == 0 ? client : "user " + std::to_string(asked.user);
  const auto& cell = plan.cell(EndpointId{asked.endpoint}, TierId{asked.tier}).in(View::base);
  return {{user + where, cell.principal},
          {"address of " + client + where, plan.endpoints[asked.endpoint].client},
          {"total of " + std::to_string(asked.tier) + where, cell.total}};
}

[[nodiscard]] inline Plan busy_plan() {
  Plan plan = open_plan();
  set_limits(plan, kPayment, kPremium, per_minute(60, 6), per_minute(60, 8));
  set_limits(plan, kPayment, kStandard, per_minute(60, 3), per_minute(60, 5));
  set_limits(plan, kBrowse, kStandard, per_minute(120, 4));
  plan.endpoints[0].client = per_minute(90, 7);
  plan.endpoints[1].client = per_minute(60, 5);
  return plan;
}

}  // namespace tidelimit::limiter
