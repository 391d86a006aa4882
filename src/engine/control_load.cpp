#include "engine/control.hpp"
#include "engine/counters.hpp"

namespace tidelimit::engine {
namespace {

// A turn comes every second, and a little early at times: it must not wait for the next one.
constexpr Nanos kSampleSpan = std::chrono::milliseconds{900};

void add_counts(const Tally& tally, LoadCounts& sums) {
  using limiter::Outcome;
  using limiter::Reason;
  const std::size_t endpoints = tally.routes().endpoints().size();
  const std::size_t tiers = tally.routes().tiers().size();
  sums.endpoints.resize(endpoints);
  sums.tiers.resize(endpoints * tiers);
  for (std::size_t e = 0; e < endpoints; ++e) {
    for (std::size_t kind = 0; kind < traffic::kAnswerKinds; ++kind) {
      const AnswerCounts counts = tally.answers(e, static_cast<traffic::AnswerKind>(kind));
      AnswerCounts& sum = sums.endpoints[e][kind];
      sum.count += counts.count;
      sum.latency_us += counts.latency_us;
    }
    for (std::size_t t = 0; t < tiers; ++t) {
      const auto denied = [&](Reason reason) {
        return tally.decisions(e, t, static_cast<std::size_t>(Outcome::deny),
                               static_cast<std::size_t>(reason));
      };
      auto& [asked, reduced] = sums.tiers[e * tiers + t];
      asked += tally.decisions(e, t, static_cast<std::size_t>(Outcome::allow)) +
               tally.decisions(e, t, static_cast<std::size_t>(Outcome::shadow_deny)) +
               denied(Reason::load_shed);
      reduced += denied(Reason::reduced_capacity);
    }
  }
}

/// Less than before, once a worker has left with its tally, is nothing.
policy::LoadSample sample_of(const Routes& routes, const LoadCounts& before, const LoadCounts& now,
                             Nanos span) {
  const std::size_t tiers = routes.tiers().size();
  policy::LoadSample sample;
  sample.span = span;
  sample.endpoints.resize(now.endpoints.size());
  for (std::size_t e = 0; e < now.endpoints.size(); ++e) {
    const LoadCounts::Endpoint& after = now.endpoints[e];
    const LoadCounts::Endpoint& earlier = before.endpoints[e];
    policy::EndpointLoad& load = sample.endpoints[e];
    load.endpoint = routes.endpoints()[e];
    const auto since = [&](traffic::AnswerKind of) -> policy::TimedAnswers {
      const auto kind = static_cast<std::size_t>(of);
      return {increase(after[kind].count, earlier[kind].count),
              increase(after[kind].latency_us, earlier[kind].latency_us) / 1e3};
    };
    load.served = since(traffic::AnswerKind::served);
    load.rejected = since(traffic::AnswerKind::rejected);
    load.failed = since(traffic::AnswerKind::failed);
    load.asked.resize(tiers);
    load.reduced.resize(tiers);
    for (std::size_t t = 0; t < tiers; ++t) {
      const std::size_t cell = e * tiers + t;
      load.asked[t] = increase(now.tiers[cell].asked, before.tiers[cell].asked);
      load.reduced[t] = increase(now.tiers[cell].reduced, before.tiers[cell].reduced);
    }
  }
  return sample;
}

}  // namespace

/// What was asked and answered since the last call, once a second; the first one, and one after a
/// change of the configuration, have nothing to compare with.
std::optional<policy::LoadSample> Engine::Control::measure_load(Now now) {
  if (!planner.wants_load()) return std::nullopt;
  if (!load_counts.endpoints.empty() && now.mono - load_at < kSampleSpan) return std::nullopt;
  std::swap(load_counts, load_counts_before);
  load_counts.endpoints.clear();
  load_counts.tiers.clear();
  std::shared_ptr<const Routes> routes;
  {
    std::lock_guard lock(data.mutex);
    routes = data.routes;
    for (const CountedTally& counted : data.tallies) {
      if (counted.tally->routes().epoch() == routes->epoch())
        add_counts(*counted.tally, load_counts);
    }
  }
  const Nanos span = now.mono - load_at;
  const bool comparable = load_epoch == routes->epoch() &&
                          load_counts.endpoints.size() == load_counts_before.endpoints.size();
  load_epoch = routes->epoch();
  load_at = now.mono;
  if (!comparable) return std::nullopt;
  return sample_of(*routes, load_counts_before, load_counts, span);
}

}  // namespace tidelimit::engine
