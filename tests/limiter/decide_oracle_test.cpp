// Decisions with several limits against a slow obvious oracle, and in batches.
#include <array>
#include <gtest/gtest.h>
#include <map>
#include <rapidcheck/gtest.h>
#include <string>

#include "limiter/gate_plan.hpp"

namespace tidelimit::limiter {
namespace {

struct Step {
  std::int64_t wait_us;
  std::uint32_t client;
  std::uint64_t user;
  std::uint16_t endpoint;
  std::uint8_t tier;
  Hits hits;
};
void showValue(const Step& step, std::ostream& out) {
  out << '+' << step.wait_us << " us, client " << step.client << ", user " << step.user
      << ", endpoint " << step.endpoint << ", tier " << int{step.tier} << " x" << step.hits;
}

rc::Gen<std::vector<Step>> any_steps() {
  const auto step = rc::gen::construct<Step>(
      rc::gen::weightedOneOf<std::int64_t>(
          {{2, rc::gen::just<std::int64_t>(0)}, {3, rc::gen::inRange<std::int64_t>(0, 3'000'000)}}),
      rc::gen::inRange<std::uint32_t>(0, 4), rc::gen::inRange<std::uint64_t>(0, 4),
      rc::gen::inRange<std::uint16_t>(0, 3), rc::gen::inRange<std::uint8_t>(0, 2),
      rc::gen::inRange<Hits>(0, 4));
  return rc::gen::scale(3.0, rc::gen::container<std::vector<Step>>(step));
}

Call call_of(const Step& step) {
  Call call;
  call.client = v4_client(0xc0000200 + step.client);
  call.user = step.user;
  call.endpoint = EndpointId{step.endpoint};
  call.tier = TierId{step.tier};
  call.hits = step.hits;
  return call;
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

// TATs in a map by name; checks all, then charges all.
class Oracle {
 public:
  explicit Oracle(const Plan& plan) : plan_(plan) {}
  bool decide(const Step& step, Instant now) {
    const auto where = " at " + std::to_string(step.endpoint);
    const auto client = "client " + std::to_string(step.client);
    const auto user = step.user == 0 ? client : "user " + std::to_string(step.user);
    const auto& cell = plan_.cell(EndpointId{step.endpoint}, TierId{step.tier}).in(View::base);
    const std::vector<std::pair<std::string, Limit>> limits{
        {user + where, cell.principal},
        {"address of " + client + where, plan_.endpoints[step.endpoint].client},
        {"total of " + std::to_string(step.tier) + where, cell.total}};
    for (const auto& [name, limit] : limits)
      if (!conform(tats_[name], step.hits, limit, now).conforms) return false;
    for (const auto& [name, limit] : limits)
      tats_[name] = conform(tats_[name], step.hits, limit, now).tat;
    return true;
  }

 private:
  const Plan& plan_;
  std::map<std::string, Tat> tats_;
};

RC_GTEST_PROP(DecideOracle, AgreesCallByCall, ()) {
  const auto steps = *any_steps();
  const Plan plan = busy_plan();
  Limiter limiter{{.bucket_bytes = 1 << 18, .client_bytes = 1 << 16, .seed = 11}};
  limiter.plan.publish(std::make_shared<Plan>(plan));
  Worker worker{limiter};
  Oracle oracle{plan};
  Instant now{std::chrono::hours{1}};
  for (const Step& step : steps) {
    now = now + std::chrono::microseconds{step.wait_us};
    RC_ASSERT(worker.decide(call_of(step), now).allowed == oracle.decide(step, now));
  }
}

/// Requests and refusals of each client.
[[nodiscard]] std::map<std::string, std::array<std::uint32_t, 2>> counted(Limiter& limiter) {
  std::map<std::string, std::array<std::uint32_t, 2>> all;
  limiter.clients().collect(
      [&](std::uint32_t, bool, const ClientId& client, const ClientCounters& counters) {
        all[format_client(client)] = {counters.requests, counters.denied};
      });
  return all;
}

RC_GTEST_PROP(DecideOracle, ABatchEqualsItsCallsOneByOne, ()) {
  const auto steps = *any_steps();
  const LimiterOptions options{.bucket_bytes = 1 << 18, .client_bytes = 1 << 16, .seed = 11};
  Limiter together{options};
  Limiter apart{options};
  for (Limiter* limiter : {&together, &apart})
    limiter->plan.publish(std::make_shared<Plan>(busy_plan()));
  Worker batch{together};
  Worker single{apart};
  const Instant now{std::chrono::hours{1}};
  std::vector<Call> calls;
  for (const Step& step : steps) calls.push_back(call_of(step));
  std::vector<Decision> decisions(calls.size());
  batch.decide(calls, now, decisions);
  for (std::size_t i = 0; i < calls.size(); ++i)
    RC_ASSERT(decisions[i] == single.decide(calls[i], now));
  RC_ASSERT(counted(together) == counted(apart));
}

}  // namespace
}  // namespace tidelimit::limiter
