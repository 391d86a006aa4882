#include "engine/data.hpp"

#include "engine/counters.hpp"

namespace tidelimit::engine {

Engine::Data::Data(const Settings& settings, std::uint64_t the_seed, std::uint64_t start,
                   const History* history)
    : window(settings.shape.window),
      id_key(derive_key(the_seed ^ start, "decisions")),
      user_name_key(history != nullptr ? history->user_name_key() : SipKey{}),
      keeps_decisions(history != nullptr && history->keeps_decisions()),
      limiter({.bucket_bytes = settings.bucket_bytes,
               .client_bytes = settings.client_bytes,
               .seed = the_seed,
               .lease_bytes = settings.lease_bytes}),
      crowd(CrowdTable::places_for(settings.client_bytes), the_seed) {}

CountersView Engine::Data::counters() const {
  std::lock_guard lock(mutex);
  CountersView sum = empty_counters(routes->endpoints(), routes->tiers());
  add_counters(sum, retired, false);
  for (const CountedTally& counted : tallies) add_counters(sum, counters_of(*counted.tally), false);
  return sum;
}

void Engine::Data::publish_view() {
  auto next = std::make_shared<WorkerView>();
  const auto current = view.current();
  next->routes = routes;
  next->plan = plan;
  next->tallies.resize(seats.size());
  for (std::size_t seat = 0; seat < seats.size(); ++seat) {
    if (seats[seat].left) continue;
    const bool same = current && seat < current->tallies.size() && current->tallies[seat] &&
                      current->routes == routes;
    if (same) {
      next->tallies[seat] = current->tallies[seat];
      continue;
    }
    next->tallies[seat] = std::make_shared<Tally>(routes);
    tallies.push_back({next->tallies[seat],
                       std::vector<WindowCounts>(routes->endpoints().size() * kOpenWindows),
                       false});
  }
  view.publish(std::move(next));
}

}  // namespace tidelimit::engine
