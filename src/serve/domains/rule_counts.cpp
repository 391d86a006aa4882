#include "serve/domains/rule_counts.hpp"

namespace tidelimit::serve {

void RuleCounts::add(std::size_t loop, limiter::Outcome outcome, bool near_limit) noexcept {
  Stripe& stripe = stripes_[loop % kStripes];
  stripe.outcomes[static_cast<std::size_t>(outcome)].fetch_add(1, std::memory_order_relaxed);
  if (near_limit) stripe.near_limit.fetch_add(1, std::memory_order_relaxed);
}

void RuleCounts::read(RuleTally& tally) const noexcept {
  for (const Stripe& stripe : stripes_) {
    for (std::size_t i = 0; i < limiter::kOutcomes; ++i)
      tally.outcomes[i] += stripe.outcomes[i].load(std::memory_order_relaxed);
    tally.near_limit += stripe.near_limit.load(std::memory_order_relaxed);
  }
}

}  // namespace tidelimit::serve
