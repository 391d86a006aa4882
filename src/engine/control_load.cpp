#include <algorithm>

#include "engine/control.hpp"

namespace tidelimit::engine {
namespace {

// A turn comes every second, and a little early at times: it must not wait for the next one.
constexpr Nanos kSampleSpan = std::chrono::milliseconds{900};

void add_counts(const Tally& tally, std::vector<EndpointCounts>& sums) {
  using limiter::Outcome;
  using limiter::Reason;
  const std::size_t tiers = tally.routes().tiers().size();
  const std::size_t endpoints = tally.routes().endpoints().size();
  sums.resize(endpoints);
  for (std::size_t e = 0; e < endpoints; ++e) {
    EndpointCounts& sum = sums[e];
    for (std::size_t kind = 0; kind < traffic::kAnswerKinds; ++kind) {
      const AnswerCounts counts = tally.answers(e, static_cast<traffic::AnswerKind>(kind));
      sum.answers[kind].count += counts.count;
      sum.answers[kind].latency_us += counts.latency_us;
    }
    sum.tiers.resize(tiers);
    for (std::size_t t = 0; t < tiers; ++t) {
      auto& [asked, reduced] = sum.tiers[t];
      for (std::size_t reason = 0; reason < limiter::kReasons; ++reason) {
        asked += tally.decisions(e, t, static_cast<std::size_t>(Outcome::allow), reason) +
                 tally.decisions(e, t, static_cast<std::size_t>(Outcome::shadow_deny), reason);
      }
      const auto denied = [&](Reason reason) {
        return tally.decisions(e, t, static_cast<std::size_t>(Outcome::deny),
                               static_cast<std::size_t>(reason));
      };
      asked += denied(Reason::load_shed);
      reduced += denied(Reason::reduced_capacity);
    }
  }
}

/// What came since; nothing where it is less than before: a worker has left with its tally.
double fresh(std::uint64_t now, std::uint64_t before) {
  return static_cast<double>(now - std::min(now, before));
}

}  // namespace

/// What was asked and answered since the last call, once a second; the first one, and one after a
/// change of the configuration, have nothing to compare with.
std::optional<policy::LoadSample> Engine::Control::measure_load(Now now) {
  if (!planner.wants_load() || (!load_counts.empty() && now.mono - load_at < kSampleSpan))
    return std::nullopt;
  std::vector<EndpointCounts> counts;
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
  for (std::size_t e = 0; comparable && e < counts.size(); ++e) {
    const EndpointCounts& after = counts[e];
    const EndpointCounts& before = load_counts[e];
    policy::EndpointLoad& load = sample.endpoints.emplace_back();
    load.endpoint = routes->endpoints()[e];
    const auto since = [&](traffic::AnswerKind kind) -> policy::TimedAnswers {
      const AnswerCounts& now_told = after.answers[static_cast<std::size_t>(kind)];
      const AnswerCounts& told_before = before.answers[static_cast<std::size_t>(kind)];
      return {fresh(now_told.count, told_before.count),
              fresh(now_told.latency_us, told_before.latency_us) / 1e3};
    };
    load.served = since(traffic::AnswerKind::served);
    load.rejected = since(traffic::AnswerKind::rejected);
    load.failed = since(traffic::AnswerKind::failed);
    for (std::size_t t = 0; t < after.tiers.size(); ++t) {
      load.asked.push_back(fresh(after.tiers[t].asked, before.tiers[t].asked));
      load.reduced.push_back(fresh(after.tiers[t].reduced, before.tiers[t].reduced));
    }
  }
  load_counts = std::move(counts);
  load_epoch = routes->epoch();
  load_at = now.mono;
  if (!comparable) return std::nullopt;
  return sample;
}

}  // namespace tidelimit::engine
