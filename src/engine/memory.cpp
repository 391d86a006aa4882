#include "engine/memory.hpp"

#include <algorithm>

#include "engine/client_watch.hpp"
#include "engine/crowd.hpp"

namespace tidelimit::engine {

TableMemory most_memory(const Settings& settings) {
  const auto& rules = settings.policy.rules;
  const bool by_agent = std::any_of(rules.begin(), rules.end(), [](const policy::Rule& rule) {
    return rule.when.user_agent.has_value();
  });
  const bool counts_in_flight =
      std::any_of(settings.policy.endpoints.begin(), settings.policy.endpoints.end(),
                  [](const auto& endpoint) { return !endpoint.concurrency.empty(); });
  const std::size_t clients = limiter::ClientTable::capacity_of(settings.client_bytes);
  return {.buckets = settings.bucket_bytes,
          .clients = limiter::ClientTable::most_bytes(clients) +
                     ClientWatch::most_bytes(clients, by_agent) +
                     CrowdTable::most_bytes(CrowdTable::places_for(settings.client_bytes)),
          .leases = counts_in_flight ? settings.lease_bytes : 0};
}

}  // namespace tidelimit::engine
