#include "policy/verdict_budget.hpp"

#include <algorithm>

namespace tidelimit::policy {

bool VerdictBudget::admits(const ClientId& client, const std::optional<ClientId>& neighbourhood,
                           bool loud, Instant now) {
  forget(now);
  Admitted& known = neighbourhood ? neighbourhoods_[*neighbourhood] : clients_[client];
  known.last = now;
  if (known.enforced && (neighbourhood || clients_.size() <= budget_.count)) return true;
  const std::uint64_t most = loud ? budget_.count : budget_.count - budget_.count / 4;
  if (spent_.size() >= most) return false;
  spent_.push_back(now);
  known.enforced = true;
  return true;
}

void VerdictBudget::ended(const ClientId& client, Instant now) {
  if (const auto known = clients_.find(client); known != clients_.end()) known->second.last = now;
}

void VerdictBudget::restore(const ClientId& client, Instant from, Instant now) {
  const Admitted admitted{now, true};
  if (neighbourhoods_.insert_or_assign(neighbourhood_of(client), admitted).second)
    spent_.insert(std::upper_bound(spent_.begin(), spent_.end(), from), from);
  clients_.insert_or_assign(client, admitted);
}

void VerdictBudget::forget(Instant now) {
  while (!spent_.empty() && now - spent_.front() >= budget_.period) spent_.pop_front();
  for (Known* known : {&clients_, &neighbourhoods_})
    std::erase_if(*known, [&](const auto& one) { return now - one.second.last >= budget_.period; });
}

}  // namespace tidelimit::policy
