// Decisions with several limits against a slow obvious oracle, and in batches.
#include <array>
#include <gtest/gtest.h>
#include <map>
#include <string>

#include "limiter/asked_calls.hpp"

namespace tidelimit::limiter {
namespace {

struct Step {
  std::int64_t wait_us;
  Asked asked;
};
void showValue(const Step& step, std::ostream& out) {
  showValue(step.asked, out << '+' << step.wait_us << " us, ");
}

rc::Gen<std::vector<Step>> any_steps() {
  return rc::gen::scale(3.0, rc::gen::container<std::vector<Step>>(
                                 rc::gen::construct<Step>(any_wait_us(), any_asked())));
}

// TATs in a map by name; checks all, then charges all.
class Oracle {
 public:
  explicit Oracle(const Plan& plan) : plan_(plan) {}
  bool decide(const Asked& asked, Instant now) {
    const auto limits = limits_of(plan_, asked);
    for (const auto& [name, limit] : limits)
      if (!conform(tats_[name], asked.hits, limit, now).conforms) return false;
    for (const auto& [name, limit] : limits)
      tats_[name] = conform(tats_[name], asked.hits, limit, now).tat;
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
    RC_ASSERT(worker.decide(call_of(step.asked), now).allowed == oracle.decide(step.asked, now));
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
  for (const Step& step : steps) calls.push_back(call_of(step.asked));
  std::vector<Decision> decisions(calls.size());
  batch.decide(calls, now, decisions);
  for (std::size_t i = 0; i < calls.size(); ++i)
    RC_ASSERT(decisions[i] == single.decide(calls[i], now));
  RC_ASSERT(counted(together) == counted(apart));
}

}  // namespace
}  // namespace tidelimit::limiter
