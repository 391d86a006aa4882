#include <algorithm>

#include "engine/control.hpp"

namespace tidelimit::engine {
namespace {

// A turn comes every second, and a little early at times: it must not wait for the next one.
constexpr Nanos kSampleSpan = std::chrono::milliseconds{900};
constexpr std::size_t kServerErrors = 5;  // the status class

/// Counts of one endpoint, all since start: answered, failed and latency, then two of each tier:
/// what it asked for, and what reduced limits denied it.
constexpr std::size_t kFixed = 3;
constexpr std::size_t kOfTier = 2;

void add_counts(const Tally& tally, std::vector<std::uint64_t>& sums) {
  using limiter::Outcome;
  using limiter::Reason;
  const std::size_t tiers = tally.routes().tiers().size();
  const std::size_t endpoints = tally.routes().endpoints().size();
  const std::size_t width = kFixed + kOfTier * tiers;
  sums.resize(endpoints * width, 0);
  for (std::size_t e = 0; e < endpoints; ++e) {
    std::uint64_t* sum = &sums[e * width];
    // A place is used by one window after the other and never reset.
    for (std::size_t place = 0; place < kOpenWindows; ++place) {
      const WindowCounts counts = tally.window(e, static_cast<WindowIndex>(place));
      sum[0] += counts.responses;
      sum[2] += counts.latency_us;
    }
    for (std::size_t t = 0; t < tiers; ++t) {
      sum[1] += tally.observed(e, t, kServerErrors);
      std::uint64_t& asked = sum[kFixed + kOfTier * t];
      for (std::size_t reason = 0; reason < limiter::kReasons; ++reason) {
        asked += tally.decisions(e, t, static_cast<std::size_t>(Outcome::allow), reason) +
                 tally.decisions(e, t, static_cast<std::size_t>(Outcome::shadow_deny), reason);
      }
      const auto denied = [&](Reason reason) {
        return tally.decisions(e, t, static_cast<std::size_t>(Outcome::deny),
                               static_cast<std::size_t>(reason));
      };
      asked += denied(Reason::load_shed);
      sum[kFixed + kOfTier * t + 1] += denied(Reason::reduced_capacity);
    }
  }
}

}  // namespace

/// What was asked and answered since the last call, once a second; the first one, and one after a
/// change of the configuration, have nothing to compare with.
std::optional<policy::LoadSample> Engine::Control::measure_load(Now now) {
  if (!planner.wants_load() || (!load_counts.empty() && now.mono - load_at < kSampleSpan))
    return std::nullopt;
  std::vector<std::uint64_t> counts;
  std::shared_ptr<const Routes> routes;
  {
    std::lock_guard lock(data.mutex);
    routes = data.routes;
    for (const CountedTally& counted : data.tallies) {
      if (counted.tally->routes().epoch() == routes->epoch()) add_counts(*counted.tally, counts);
    }
  }
  const bool comparable = load_epoch == routes->epoch() && counts.size() == load_counts.size();
  policy::LoadSample sample;
  sample.span = now.mono - load_at;
  const std::size_t tiers = routes->tiers().size();
  const std::size_t width = kFixed + kOfTier * tiers;
  for (std::size_t e = 0; comparable && e < counts.size() / width; ++e) {
    const auto fresh = [&](std::size_t i) {
      const std::size_t at = e * width + i;
      // Less than before: a worker has left with its tally.
      return static_cast<double>(counts[at] - std::min(counts[at], load_counts[at]));
    };
    policy::EndpointLoad& load = sample.endpoints.emplace_back();
    load.endpoint = routes->endpoints()[e];
    load.answered = fresh(0);
    load.failed = std::min(fresh(1), load.answered);
    load.latency_ms_sum = fresh(2) / 1e3;
    for (std::size_t t = 0; t < tiers; ++t) {
      load.asked.push_back(fresh(kFixed + kOfTier * t));
      load.reduced.push_back(fresh(kFixed + kOfTier * t + 1));
    }
  }
  load_counts = std::move(counts);
  load_epoch = routes->epoch();
  load_at = now.mono;
  if (!comparable) return std::nullopt;
  return sample;
}

}  // namespace tidelimit::engine
