#include "policy/verdict_budget.hpp"

#include <algorithm>
#include <utility>

namespace tidelimit::policy {
namespace {

constexpr Nanos kSweepEvery = std::chrono::minutes{1};

}  // namespace

bool VerdictBudget::admits(const ClientId& client, const std::optional<ClientId>& neighbourhood,
                           bool loud, Instant now) {
  forget(now);
  Admitted* const known =
      neighbourhood ? find(neighbourhoods_, *neighbourhood, now) : find(clients_, client, now);
  const bool enforced = known != nullptr && known->enforced;
  if (enforced && (neighbourhood || clients_.size() <= budget_.count)) return true;
  const std::uint64_t most = loud ? budget_.count : budget_.count - budget_.count / 4;
  if (spent_.size() >= most) return false;
  spent_.push_back(now);
  if (known != nullptr) known->enforced = true;
  return true;
}

VerdictBudget::Admitted* VerdictBudget::find(Known& known, const ClientId& who, Instant now) const {
  auto found = known.find(who);
  if (found == known.end()) {
    if (known.size() >= kMostKnown) return nullptr;
    found = known.try_emplace(who).first;
  } else if (now - found->second.last >= budget_.period) {
    found->second = {};
  }
  found->second.last = now;
  return &found->second;
}

void VerdictBudget::ended(const ClientId& client, Instant now) {
  if (const auto known = clients_.find(client); known != clients_.end()) known->second.last = now;
}

void VerdictBudget::restore(const ClientId& client, Instant from, Instant now) {
  Admitted* const neighbourhood = find(neighbourhoods_, neighbourhood_of(client), now);
  if (neighbourhood != nullptr && !std::exchange(neighbourhood->enforced, true))
    spent_.insert(std::upper_bound(spent_.begin(), spent_.end(), from), from);
  if (Admitted* const known = find(clients_, client, now)) known->enforced = true;
}

/// Looks at all at most once a minute: a swarm asks thousands of times in a second.
void VerdictBudget::forget(Instant now) {
  while (!spent_.empty() && now - spent_.front() >= budget_.period) spent_.pop_front();
  if (now - swept_ < std::min<Nanos>(kSweepEvery, budget_.period)) return;
  swept_ = now;
  for (Known* known : {&clients_, &neighbourhoods_})
    std::erase_if(*known, [&](const auto& one) { return now - one.second.last >= budget_.period; });
}

}  // namespace tidelimit::policy
