#include "limiter/limiter.hpp"

#include <algorithm>
#include <array>
#include <exception>

#include "base/hash.hpp"
#include "base/siphash.hpp"
#include "limiter/judge.hpp"
#include "limiter/lease_claim.hpp"
#include "limiter/panel.hpp"
#include "limiter/usual_call.hpp"

namespace tidelimit::limiter {
namespace {

// Passed, for want of a plan.
[[nodiscard]] Decision undecided(const Call& call) {
  Decision decision;
  decision.endpoint = call.endpoint;
  decision.tier = call.tier;
  return decision;
}

}  // namespace

Limiter::Limiter(const LimiterOptions& options)
    : seed_(options.seed),
      user_seed_(derive_key(options.seed, "users").k0),
      buckets_(options.bucket_bytes, options.pages),
      clients_(options.client_bytes, options.seed, options.pages),
      leases_(options.lease_bytes) {}

std::uint64_t Limiter::hash_user(std::string_view user_id) const noexcept {
  return nonzero_key(hash_bytes(user_id, user_seed_));
}

std::uint32_t Limiter::hash_text(std::string_view text) const noexcept {
  return static_cast<std::uint32_t>(hash_bytes(text, seed_));
}

std::uint64_t Limiter::hash_key(std::string_view text, std::uint64_t before) const noexcept {
  return hash_bytes(text, mix(seed_, before));
}

Worker::Worker(Limiter& limiter)
    : limiter_(limiter),
      plan_(limiter.plan),
      verdicts_(limiter.verdicts),
      overrides_(limiter.overrides) {}

Decision Worker::decide(const Call& call, Instant at) noexcept {
  const Instant now = in_range(at);
  const std::uint64_t client = limiter_.hash_client(call.client);
  if (call.hits != 0) limiter_.clients_.prefetch(client);  // counted when all is decided
  Decision decision;
  decide_uncounted(client, call, now, decision);
  if (call.hits != 0) count(client, call, !decision.allowed, now);
  return decision;
}

inline void Worker::decide_uncounted(std::uint64_t client_hash, const Call& call, Instant now,
                                     Decision& out) noexcept {
  const Plan* plan = this->plan();
  if (plan == nullptr || plan->endpoints.empty()) {
    out = undecided(call);
    return;
  }
  const VerdictTable* verdicts = verdicts_.get();
  const OverrideTable* overrides = overrides_.get();
  UsualCall usual(limiter_, *plan, client_hash, call, now);
  if (!usual.decide(verdicts, overrides, out)) judge(*plan, verdicts, overrides, call, now, out);
}

// Apart, so that what Judge needs of the stack costs the usual call nothing.
void Worker::judge(const Plan& plan, const VerdictTable* verdicts, const OverrideTable* overrides,
                   const Call& call, Instant now, Decision& decision) noexcept {
  decision = limits_in_flight(plan, call.endpoint)
                 ? decide_in_flight(limiter_, plan, verdicts, overrides, call, now)
                 : Judge(limiter_, plan, verdicts, overrides, call, now).decide();
}

// What a call touches is fetched while some before it are decided: few enough that a core has room
// for all that is on its way.
void Worker::decide(std::span<const Call> calls, Instant at,
                    std::span<Decision> decisions) noexcept {
  constexpr std::size_t kAhead = 8;
  const Instant now = in_range(at);
  const Plan* plan = this->plan();
  if (plan == nullptr || plan->endpoints.empty()) {
    for (std::size_t i = 0; i < calls.size(); ++i) decisions[i] = decide(calls[i], now);
    return;
  }
  const VerdictTable* verdicts = verdicts_.get();
  const OverrideTable* overrides = overrides_.get();
  std::array<std::optional<UsualCall>, kAhead> begun;
  for (std::size_t i = 0; i < calls.size() + kAhead; ++i) {
    std::optional<UsualCall>& usual = begun[i % kAhead];
    if (i >= kAhead) {
      const Call& call = calls[i - kAhead];
      Decision& decision = decisions[i - kAhead];
      decision = {};
      if (!usual->decide(verdicts, overrides, decision))
        judge(*plan, verdicts, overrides, call, now, decision);
      if (call.hits != 0) count(usual->client_hash(), call, !decision.allowed, now);
    }
    if (i < calls.size()) {
      const std::uint64_t client = limiter_.hash_client(calls[i].client);
      usual.emplace(limiter_, *plan, client, calls[i], now);
      limiter_.clients_.prefetch(client);
    }
  }
}

bool Worker::decide_all(std::span<const Call> calls, Instant at,
                        std::span<Decision> decisions) noexcept {
  const Instant now = in_range(at);
  if (calls.size() > kTogetherMax) std::terminate();
  if (calls.size() == 1) {
    decisions[0] = decide(calls[0], now);
    return decisions[0].allowed;
  }
  for (const Call& call : calls) prefetch(call);
  const Plan* plan = this->plan();
  bool passed = true;
  if (plan == nullptr || plan->endpoints.empty()) {
    for (std::size_t i = 0; i < calls.size(); ++i) decisions[i] = undecided(calls[i]);
  } else {
    passed =
        Panel(limiter_, *plan, verdicts_.get(), overrides_.get(), now).decide(calls, decisions);
  }
  count_each_client(calls, !passed, now);
  return passed;
}

void Worker::count(std::uint64_t client_hash, const Call& call, bool denied, Instant now) noexcept {
  const Hits counted = std::min(call.hits, kMostCounted);
  limiter_.clients_.count_request(client_hash, client_event(call, counted), denied, now);
}

// By the first call of each client that asks for most.
void Worker::count_each_client(std::span<const Call> calls, bool denied, Instant now) noexcept {
  for (const Call& call : calls) {
    if (call.hits == 0) continue;
    const bool spoken_for = std::any_of(calls.begin(), calls.end(), [&](const Call& other) {
      return other.client == call.client &&
             (other.hits > call.hits || (other.hits == call.hits && &other < &call));
    });
    if (!spoken_for) count(limiter_.hash_client(call.client), call, denied, now);
  }
}

void Worker::prefetch(const Call& call) noexcept {
  const std::uint64_t client = limiter_.hash_client(call.client);
  prefetch_bucket(client, call);
  limiter_.clients_.prefetch(client);
}

void Worker::prefetch_bucket(std::uint64_t client_hash, const Call& call) noexcept {
  const Plan* plan = this->plan();
  if (plan == nullptr) return;
  const UsualLimit* usual = plan->usual_limit(call.endpoint, call.tier);
  if (usual == nullptr) return;
  limiter_.buckets_.prefetch(UsualCall::bucket_key(*usual, client_hash, call));
}

bool Worker::release(const Call& call, std::optional<Instant> began, Instant now) noexcept {
  const Plan* plan = this->plan();
  if (plan == nullptr || plan->endpoints.empty()) return false;
  return release_lease(limiter_, *plan, call, began, now);
}

std::uint16_t Worker::enforced_below() noexcept {
  if (limiter_.mode.all.load(std::memory_order_relaxed) != Mode::enforce) return 0;
  const Plan* plan = this->plan();
  return plan == nullptr ? std::uint16_t{0} : plan->enforced;
}

Hits Worker::demand_of(const Call& call, Instant now) noexcept {
  const Plan* plan = this->plan();
  if (plan == nullptr || plan->endpoints.empty()) return call.hits;
  return Judge(limiter_, *plan, nullptr, nullptr, call, now).demand();
}

VerdictKind Worker::verdict_on(const Call& call, Instant now) noexcept {
  const Plan* plan = this->plan();
  const VerdictTable* verdicts = verdicts_.get();
  // Nearly nobody is judged.
  if (verdicts == nullptr || verdicts->find(call.client, now) == nullptr)
    return VerdictKind::normal;
  if (plan == nullptr || plan->endpoints.empty()) return VerdictKind::normal;
  return Judge(limiter_, *plan, verdicts, overrides_.get(), call, now).verdict();
}

}  // namespace tidelimit::limiter
