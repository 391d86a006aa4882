#include "limiter/lease_claim.hpp"

#include <limits>

namespace tidelimit::limiter {
namespace {

// Requests end at any time: no better is known than that it won't be at once.
constexpr Nanos kRetry = std::chrono::seconds{1};

constexpr std::uint32_t kAny = std::numeric_limits<std::uint32_t>::max();

[[nodiscard]] LeaseKey overflow_of(const BucketKeys& keys, const LeaseKey& key,
                                   std::uint32_t limit) {
  return {keys.overflow(key.hash, Use::in_flight, {Nanos{0}, limit}), key.generation_ms};
}

}  // namespace

LeaseClaim::LeaseClaim(Limiter& limiter, const Plan& plan, Judge& judge, Instant now) noexcept
    : limiter_(limiter), judge_(judge), now_(now) {
  const PlanEndpoint& endpoint = plan.endpoints[index(judge.endpoint())];
  if (endpoint.lease_generation_ms == 0 || judge.mode() == Mode::off) return;
  key_ = {judge.keys().in_flight(), endpoint.lease_generation_ms};
  limit_ = plan.in_flight_limit(judge.endpoint(), judge.tier());
}

// What is by hand stands in place of the plan's limits on the principal.
bool LeaseClaim::enforced() const noexcept {
  return judge_.enforces() && !judge_.by_hand();
}

void LeaseClaim::take() noexcept {
  if (limit_ == 0 || !judge_.passes()) return;
  const bool looks = judge_.call().hits == 0;
  const std::uint32_t most = enforced() ? limit_ : kAny;
  const auto shared = [&] { return overflow_of(judge_.keys(), key_, limit_); };
  said_ = looks ? limiter_.leases_.peek(key_, most, now_, shared)
                : limiter_.leases_.acquire(key_, most, now_, shared);
  held_ = !looks && said_.grant == Grant::given;
  hear(said_);
}

void LeaseClaim::share(const LeaseClaim& taken) noexcept {
  if (limit_ == 0 || !judge_.passes()) return;
  hear(taken.said_);
}

void LeaseClaim::hear(const Leasing& said) noexcept {
  const bool given = said.grant == Grant::given;
  const bool counted = given && judge_.call().hits != 0;  // this one is among them
  const std::uint32_t others = said.in_flight - (counted ? 1 : 0);
  judge_.note_in_flight(said.in_flight, limit_, said.overflow);
  if ((!given || others >= limit_) && !judge_.by_hand() && !judge_.denies())
    judge_.deny(Reason::over_limit, kConcurrencyRule, kRetry);
}

void LeaseClaim::give_back() noexcept {
  if (!held_) return;
  held_ = false;
  limiter_.leases_.release(key_, now_, now_,
                           [&] { return overflow_of(judge_.keys(), key_, limit_); });
}

bool limits_in_flight(const Plan& plan, EndpointId endpoint) noexcept {
  return plan.endpoints[index(endpoint_in(plan, endpoint))].lease_generation_ms != 0;
}

Decision decide_in_flight(Limiter& limiter, const Plan& plan, const VerdictTable* verdicts,
                          const OverrideTable* overrides, const Call& call, Instant now) noexcept {
  Judge judge(limiter, plan, verdicts, overrides, call, now);
  const bool open = judge.gather() && judge.check();
  LeaseClaim claim(limiter, plan, judge, now);
  claim.take();
  if (!open || judge.denies()) return judge.said();
  if (call.hits == 0) {
    judge.report(&LimitLine::before);
  } else if (!judge.charge_all()) {
    if (!judge.passes()) claim.give_back();
    return judge.said();
  }
  judge.watch();
  return judge.said();
}

bool release_lease(Limiter& limiter, const Plan& plan, const Call& call,
                   std::optional<Instant> began, Instant now) noexcept {
  const EndpointId endpoint = endpoint_in(plan, call.endpoint);
  const std::uint32_t length = plan.endpoints[index(endpoint)].lease_generation_ms;
  const std::uint32_t limit = plan.in_flight_limit(endpoint, tier_in(plan, call.tier));
  // A request of a tier without a limit held no lease, and would end one of another tier's, since a
  // principal's are counted together.
  if (length == 0 || limit == 0) return false;
  const BucketKeys keys(limiter.seed_, call, mark_of(plan, endpoint), TierId{0});
  const LeaseKey key{keys.in_flight(), length};
  return limiter.leases_.release(key, began, now, [&] { return overflow_of(keys, key, limit); });
}

}  // namespace tidelimit::limiter
