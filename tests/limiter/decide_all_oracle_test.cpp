// Calls that stand or fall together against a slow obvious oracle in virtual time.
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <rapidcheck/gtest.h>
#include <string>

#include "limiter/gate_plan.hpp"

namespace tidelimit::limiter {
namespace {

struct Asked {
  std::uint32_t client;
  std::uint64_t user;
  std::uint16_t endpoint;
  std::uint8_t tier;
  Hits hits;
  std::uint64_t given;  // 0: none
};
void showValue(const Asked& asked, std::ostream& out) {
  out << "client " << asked.client << ", user " << asked.user << ", endpoint " << asked.endpoint
      << ", tier " << int{asked.tier} << ", given " << asked.given << " x" << asked.hits;
}
struct Step {
  std::int64_t wait_us;
  std::vector<Asked> asked;
};
void showValue(const Step& step, std::ostream& out) {
  out << '+' << step.wait_us << " us";
  for (const Asked& asked : step.asked) showValue(asked, out << "; ");
}

rc::Gen<std::vector<Step>> any_steps() {
  const auto asked = rc::gen::construct<Asked>(
      rc::gen::inRange<std::uint32_t>(0, 3), rc::gen::inRange<std::uint64_t>(0, 3),
      rc::gen::inRange<std::uint16_t>(0, 3), rc::gen::inRange<std::uint8_t>(0, 2),
      rc::gen::inRange<Hits>(0, 4),
      rc::gen::weightedOneOf<std::uint64_t>(
          {{3, rc::gen::just<std::uint64_t>(0)}, {1, rc::gen::inRange<std::uint64_t>(1, 3)}}));
  const auto step = rc::gen::construct<Step>(
      rc::gen::weightedOneOf<std::int64_t>(
          {{2, rc::gen::just<std::int64_t>(0)}, {3, rc::gen::inRange<std::int64_t>(0, 3'000'000)}}),
      rc::gen::resize(5, rc::gen::container<std::vector<Asked>>(asked)));
  return rc::gen::scale(2.0, rc::gen::container<std::vector<Step>>(step));
}

Plan busy_plan() {
  Plan plan = open_plan();
  set_limits(plan, kPayment, kPremium, per_minute(60, 6), per_minute(60, 8));
  set_limits(plan, kPayment, kStandard, per_minute(60, 3), per_minute(60, 5));
  set_limits(plan, kBrowse, kStandard, per_minute(120, 4));
  plan.endpoints[0].client = per_minute(90, 7);
  plan.endpoints[1].client = per_minute(60, 5);
  return plan;
}

const std::map<std::uint64_t, GivenLimit> kGiven{{1, {per_minute(60, 2), 1}},
                                                 {2, {per_minute(30, 6), 2}}};

// TATs in a map by name; checks all, then charges all, each bucket once.
class Oracle {
 public:
  explicit Oracle(const Plan& plan) : plan_(plan) {}

  struct Said {
    std::vector<bool> allowed;
    std::vector<std::optional<std::uint64_t>> least_left;  // of an allowed call
    bool all = true;
  };
  Said decide(const std::vector<Asked>& calls, Instant now) {
    Said said;
    for (const Asked& call : calls) {
      bool allowed = true;
      for (const auto& [name, limit] : limits_of(call))
        allowed = allowed && conform(tats_[name], call.hits, limit, now).conforms;
      said.allowed.push_back(allowed);
      said.all = said.all && allowed;
    }
    if (said.all) charge(calls, now);
    for (const Asked& call : calls) {
      std::optional<std::uint64_t> least;
      for (const auto& [name, limit] : limits_of(call)) {
        if (limit.unlimited() || (name.starts_with("total") && least)) continue;
        const auto left = conform(tats_[name], 0, limit, now).remaining;
        least = std::min(left, least.value_or(left));
      }
      said.least_left.push_back(least);
    }
    return said;
  }

 private:
  [[nodiscard]] std::vector<std::pair<std::string, Limit>> limits_of(const Asked& call) const {
    const auto where = " at " + std::to_string(call.endpoint);
    const auto client = "client " + std::to_string(call.client);
    const auto user = call.user == 0 ? client : "user " + std::to_string(call.user);
    const auto& cell = plan_.cell(EndpointId{call.endpoint}, TierId{call.tier}).in(View::base);
    return {call.given == 0 ? std::pair{user + where, cell.principal}
                            : std::pair{user + where + " given " + std::to_string(call.given),
                                        kGiven.at(call.given).limit},
            {"address of " + client + where, plan_.endpoints[call.endpoint].client},
            {"total of " + std::to_string(call.tier) + where, cell.total}};
  }
  void charge(const std::vector<Asked>& calls, Instant now) {
    std::map<std::string, Nanos> costs;
    for (const Asked& call : calls)
      for (const auto& [name, limit] : limits_of(call))
        costs[name] = std::max(costs[name], limit.emission_interval * call.hits);
    for (const auto& [name, cost] : costs)
      if (cost.count() != 0) tats_[name] = std::max(tats_[name], now.since_start) + cost;
  }

  const Plan& plan_;
  std::map<std::string, Tat> tats_;
};

RC_GTEST_PROP(DecideAllOracle, AgreesOnEveryCallAndOnWhatIsLeft, ()) {
  const auto steps = *any_steps();
  const Plan plan = busy_plan();
  Limiter limiter{{.bucket_bytes = 1 << 18, .client_bytes = 1 << 16, .seed = 11}};
  limiter.plan.publish(std::make_shared<Plan>(plan));
  Worker worker{limiter};
  Oracle oracle{plan};
  Instant now{std::chrono::hours{1}};
  for (const Step& step : steps) {
    now = now + std::chrono::microseconds{step.wait_us};
    std::vector<Call> calls;
    for (const Asked& asked : step.asked) {
      Call call;
      call.client = v4_client(0xc0000200 + asked.client);
      call.user = asked.user;
      call.endpoint = EndpointId{asked.endpoint};
      call.tier = TierId{asked.tier};
      call.hits = asked.hits;
      if (asked.given != 0) call.given = &kGiven.at(asked.given);
      calls.push_back(call);
    }
    std::vector<Decision> said(calls.size());
    const bool all = worker.decide_all(calls, now, said);
    const Oracle::Said expected = oracle.decide(step.asked, now);
    RC_ASSERT(all == expected.all);
    for (std::size_t i = 0; i < calls.size(); ++i) {
      RC_ASSERT(said[i].allowed == expected.allowed[i]);
      if (!said[i].allowed) continue;
      RC_ASSERT(said[i].limit.unlimited() == !expected.least_left[i].has_value());
      if (expected.least_left[i]) RC_ASSERT(said[i].remaining == *expected.least_left[i]);
    }
  }
}

}  // namespace
}  // namespace tidelimit::limiter
