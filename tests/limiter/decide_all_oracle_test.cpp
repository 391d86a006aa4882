// Calls that stand or fall together against a slow obvious oracle in virtual time.
#include <gtest/gtest.h>
#include <map>
#include <optional>
#include <string>

#include "limiter/asked_calls.hpp"

namespace tidelimit::limiter {
namespace {

struct AskedTogether {
  Asked asked;
  std::uint64_t given;  // 0: none
};
void showValue(const AskedTogether& call, std::ostream& out) {
  showValue(call.asked, out << "given " << call.given << ", ");
}
struct Step {
  std::int64_t wait_us;
  std::vector<AskedTogether> calls;
};
void showValue(const Step& step, std::ostream& out) {
  out << '+' << step.wait_us << " us";
  for (const AskedTogether& call : step.calls) showValue(call, out << "; ");
}

rc::Gen<std::vector<Step>> any_steps() {
  const auto call = rc::gen::construct<AskedTogether>(
      any_asked(),
      rc::gen::weightedOneOf<std::uint64_t>(
          {{3, rc::gen::just<std::uint64_t>(0)}, {1, rc::gen::inRange<std::uint64_t>(1, 3)}}));
  const auto step = rc::gen::construct<Step>(
      any_wait_us(), rc::gen::resize(5, rc::gen::container<std::vector<AskedTogether>>(call)));
  return rc::gen::scale(2.0, rc::gen::container<std::vector<Step>>(step));
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
  Said decide(const std::vector<AskedTogether>& calls, Instant now) {
    Said said;
    for (const AskedTogether& call : calls) {
      bool allowed = true;
      for (const auto& [name, limit] : limits_of(call))
        allowed = allowed && conform(tats_[name], call.asked.hits, limit, now).conforms;
      said.allowed.push_back(allowed);
      said.all = said.all && allowed;
    }
    if (said.all) charge(calls, now);
    for (const AskedTogether& call : calls) {
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
  [[nodiscard]] std::vector<std::pair<std::string, Limit>> limits_of(
      const AskedTogether& call) const {
    auto limits = limiter::limits_of(plan_, call.asked);
    if (call.given != 0) {
      auto& [name, limit] = limits.front();
      name += " given " + std::to_string(call.given);
      limit = kGiven.at(call.given).limit;
    }
    return limits;
  }
  void charge(const std::vector<AskedTogether>& calls, Instant now) {
    std::map<std::string, Nanos> costs;
    for (const AskedTogether& call : calls)
      for (const auto& [name, limit] : limits_of(call))
        costs[name] = std::max(costs[name], limit.emission_interval * call.asked.hits);
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
    for (const AskedTogether& asked : step.calls) {
      Call call = call_of(asked.asked);
      if (asked.given != 0) call.given = &kGiven.at(asked.given);
      calls.push_back(call);
    }
    std::vector<Decision> said(calls.size());
    const bool all = worker.decide_all(calls, now, said);
    const Oracle::Said expected = oracle.decide(step.calls, now);
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
