#include "limiter/limiter.hpp"

#include "base/hash.hpp"
#include "limiter/judge.hpp"

namespace tidelimit::limiter {

Limiter::Limiter(const LimiterOptions& options)
    : seed_(options.seed),
      buckets_(options.bucket_bytes, options.pages),
      clients_(options.client_bytes, options.seed, options.pages) {}

std::uint64_t Limiter::hash_user(std::string_view user_id) const noexcept {
  const std::uint64_t hash = hash_bytes(user_id, seed_);
  return hash == 0 ? 1 : hash;
}

std::uint32_t Limiter::hash_text(std::string_view text) const noexcept {
  return static_cast<std::uint32_t>(hash_bytes(text, seed_));
}

Worker::Worker(Limiter& limiter)
    : limiter_(limiter),
      plan_(limiter.plan),
      verdicts_(limiter.verdicts),
      overrides_(limiter.overrides) {}

Decision Worker::decide(const Call& call, Instant now) noexcept {
  Decision decision;
  const Plan* plan = plan_.get();
  if (plan == nullptr || plan->endpoints.empty()) {
    decision.endpoint = call.endpoint;
    decision.tier = call.tier;
  } else {
    decision = Judge(limiter_, *plan, verdicts_.get(), overrides_.get(), call, now).decide();
  }
  if (call.hits != 0) {
    const ClientTable::Event event{call.client, call.hits, call.path_hash, call.agent_hash,
                                   call.agent_classes};
    limiter_.clients_.count_request(event, !decision.allowed, now);
  }
  return decision;
}

void Worker::decide(std::span<const Call> calls, Instant now,
                    std::span<Decision> decisions) noexcept {
  for (const Call& call : calls) prefetch(call);
  for (std::size_t i = 0; i < calls.size(); ++i) decisions[i] = decide(calls[i], now);
}

void Worker::prefetch(const Call& call) const noexcept {
  limiter_.buckets_.prefetch(Judge::principal_key(limiter_, call));
  limiter_.clients_.prefetch(call.client);
}

bool Worker::counts_as_demand(const Call& call, Instant now) noexcept {
  const Plan* plan = plan_.get();
  if (plan == nullptr || plan->endpoints.empty()) return true;
  return Judge(limiter_, *plan, nullptr, nullptr, call, now).counts_as_demand();
}

}  // namespace tidelimit::limiter
