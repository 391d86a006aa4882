#include "engine/counters.hpp"

#include <algorithm>

namespace tidelimit::engine {
namespace {

using limiter::kOutcomes;
using limiter::kReasons;

constexpr std::size_t kDecisions = kOutcomes * kReasons;

void resize(CountersView& view) {
  const std::size_t pairs = view.endpoints.size() * view.tiers.size();
  view.decisions.resize(pairs * kDecisions);
  view.near_limit.resize(pairs);
  view.in_flight_denials.resize(pairs);
  view.observed.resize(pairs * kStatusClasses);
  view.demand.resize(view.endpoints.size());
  view.malicious.resize(view.endpoints.size());
  view.responses.resize(view.endpoints.size());
}

/// Adds `count` numbers at `from_at` of one list to those at `to_at` of another.
void add(std::vector<std::uint64_t>& to, std::size_t to_at, const std::vector<std::uint64_t>& from,
         std::size_t from_at, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) to[to_at + i] += from[from_at + i];
}

}  // namespace

CountersView empty_counters(std::vector<std::string> endpoints, std::vector<std::string> tiers) {
  CountersView view;
  view.endpoints = std::move(endpoints);
  view.tiers = std::move(tiers);
  resize(view);
  return view;
}

CountersView counters_of(const Tally& tally) {
  const Routes& routes = tally.routes();
  CountersView view = empty_counters(routes.endpoints(), routes.tiers());
  for (std::size_t e = 0; e < view.endpoints.size(); ++e) {
    for (std::size_t t = 0; t < view.tiers.size(); ++t) {
      const std::size_t pair = e * view.tiers.size() + t;
      for (std::size_t o = 0; o < kOutcomes; ++o) {
        for (std::size_t r = 0; r < kReasons; ++r)
          view.decisions[CountersView::index(pair, static_cast<limiter::Outcome>(o),
                                             static_cast<limiter::Reason>(r))] =
              tally.decisions(e, t, o, r);
      }
      view.near_limit[pair] = tally.near_limit(e, t);
      view.in_flight_denials[pair] = tally.in_flight_denials(e, t);
      for (std::size_t c = 0; c < kStatusClasses; ++c)
        view.observed[pair * kStatusClasses + c] = tally.observed(e, t, c);
    }
  }
  for (std::size_t e = 0; e < view.endpoints.size(); ++e) {
    const WindowCounts counts = tally.all_windows(e);
    view.demand[e] = counts.requests;
    view.malicious[e] = counts.malicious;
    view.responses[e] = counts.responses;
  }
  view.unmatched_paths = tally.unmatched_paths();
  view.unmatched_tiers = tally.unmatched_tiers();
  view.late = tally.late();
  view.decision_records_dropped = tally.records_dropped();
  view.last_record_dropped = tally.last_record_dropped();
  view.overflow_decisions = tally.overflow_decisions();
  return view;
}

void add_counters(CountersView& to, const CountersView& from, bool grow) {
  if (to.tiers.empty()) to.tiers = from.tiers;
  for (std::size_t e = 0; e < from.endpoints.size(); ++e) {
    // Nearly always all are of one configuration.
    const bool in_place = e < to.endpoints.size() && to.endpoints[e] == from.endpoints[e];
    auto found = in_place ? to.endpoints.begin() + static_cast<std::ptrdiff_t>(e)
                          : std::find(to.endpoints.begin(), to.endpoints.end(), from.endpoints[e]);
    if (found == to.endpoints.end()) {
      if (!grow) continue;
      to.endpoints.push_back(from.endpoints[e]);
      resize(to);
      found = to.endpoints.end() - 1;
    }
    const std::size_t tiers = to.tiers.size();
    const std::size_t at = static_cast<std::size_t>(found - to.endpoints.begin()) * tiers;
    add(to.decisions, at * kDecisions, from.decisions, e * tiers * kDecisions, tiers * kDecisions);
    add(to.near_limit, at, from.near_limit, e * tiers, tiers);
    add(to.in_flight_denials, at, from.in_flight_denials, e * tiers, tiers);
    add(to.observed, at * kStatusClasses, from.observed, e * tiers * kStatusClasses,
        tiers * kStatusClasses);
    const auto endpoint = static_cast<std::size_t>(found - to.endpoints.begin());
    to.demand[endpoint] += from.demand[e];
    to.malicious[endpoint] += from.malicious[e];
    to.responses[endpoint] += from.responses[e];
  }
  to.unmatched_paths += from.unmatched_paths;
  to.unmatched_tiers += from.unmatched_tiers;
  to.late += from.late;
  to.decision_records_dropped += from.decision_records_dropped;
  to.last_record_dropped = std::max(to.last_record_dropped, from.last_record_dropped);
  to.overflow_decisions += from.overflow_decisions;
}

}  // namespace tidelimit::engine
