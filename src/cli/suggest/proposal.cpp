#include "cli/suggest/proposal.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "anomaly/dated_training.hpp"
#include "anomaly/feature_sampler.hpp"
#include "base/endpoint_name.hpp"
#include "cli/command.hpp"
#include "cli/offline/client_trial.hpp"
#include "cli/offline/survey.hpp"
#include "cli/reading_progress.hpp"
#include "cli/suggest/peak_book.hpp"
#include "cli/suggest/route_survey.hpp"
#include "config/config.hpp"
#include "engine/routes.hpp"

namespace tidelimit::cli {
namespace {

constexpr std::uint64_t kLeastLimit = 10;
constexpr double kMostlyWrites = 0.5;
constexpr double kHardlyWrites = 0.01;
constexpr std::uint64_t kUserSeed = 0x7365;

bool writes(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

// What the first pass over the logs finds.
struct FirstPass {
  RouteSurvey routes;
  Survey survey;
  anomaly::FeatureSampler sampler;

  explicit FirstPass(std::uint64_t seed) : sampler(drawing(seed)) {}
  static anomaly::SamplerOptions drawing(std::uint64_t seed) {
    anomaly::SamplerOptions options;
    options.seed = seed;
    return options;
  }
};

Result<void> read_first(const Input& input, FirstPass& pass, Proposal& proposal) {
  const auto reading = ReadingProgress(input, "reading").each([&](const traffic::Request& request) {
    pass.routes.add(request.path);
    pass.survey.add(request);
    pass.sampler.add(request);
    if (proposal.requests++ == 0) proposal.first = proposal.last = request.time;
    proposal.first = std::min(proposal.first, request.time);
    proposal.last = std::max(proposal.last, request.time);
    proposal.knows_users = proposal.knows_users || !request.user_id.empty();
    proposal.knows_methods = proposal.knows_methods || !request.method.empty();
  });
  if (!reading) return tl::unexpected(reading.error());
  print(reading_notes(*reading) + order_note(*reading), stderr);
  if (proposal.requests == 0)
    return fail(Code::failed_precondition,
                "no readable request in the input: `tidelimit inspect` says why");
  return {};
}

std::vector<std::string> nameable_tiers(const Survey& survey) {
  std::vector<std::string> tiers = survey.tiers();
  std::erase_if(
      tiers, [](const std::string& tier) { return !config::is_name(tier) || reserved_tier(tier); });
  return tiers;
}

policy::PolicySettings settings_of(const RouteSurvey& routes, const Survey& survey) {
  policy::PolicySettings settings = config::defaults().engine.policy;
  if (auto tiers = nameable_tiers(survey); !tiers.empty()) {
    settings.default_tier = tiers.back();
    settings.tiers = std::move(tiers);
  }
  for (const Route& route : routes.routes(settings.tiers)) {
    policy::EndpointSettings endpoint;
    endpoint.name = route.name;
    endpoint.match = {route.match};
    settings.endpoints.insert(settings.endpoints.end() - 1, std::move(endpoint));
  }
  for (auto& endpoint : settings.endpoints) endpoint.limits.resize(settings.tiers.size());
  return settings;
}

// What the second pass finds.
struct SecondPass {
  PeakBook peaks;
  std::unordered_set<ClientId, ClientIdHash> odd;
};

Result<void> read_second(const Input& input, const policy::PolicySettings& settings,
                         std::shared_ptr<const anomaly::Detector> detector, SecondPass& pass,
                         Proposal& proposal) {
  const engine::Routes routes(settings, {}, 0);
  ClientTrial trial(std::move(detector), settings, true);
  std::string buffer;
  const auto reading =
      ReadingProgress(input, "measuring").each([&](const traffic::Request& request) {
        trial.add(request);
        const engine::Identity identity = routes.identify(request, buffer);
        EndpointProposal& endpoint = proposal.endpoints[limiter::index(identity.endpoint)];
        ++endpoint.requests;
        endpoint.writes += writes(request.method) ? 1 : 0;
        const std::uint64_t principal = request.user_id.empty()
                                            ? hash_client(request.client, kUserSeed)
                                            : hash_bytes(request.user_id, kUserSeed);
        pass.peaks.add(principal, request.client,
                       static_cast<std::uint16_t>(limiter::index(identity.endpoint)),
                       static_cast<std::uint8_t>(limiter::index(identity.tier)), request.time);
      });
  if (!reading) return tl::unexpected(reading.error());
  trial.finish();
  for (const auto& [client, outcome] : trial.outcomes())
    if (outcome.worst != limiter::VerdictKind::normal) pass.odd.insert(client);
  return {};
}

// The smallest value that `share` of the values, in order, do not pass.
std::uint64_t quantile(const std::vector<std::uint32_t>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

std::uint64_t above(const std::vector<std::uint32_t>& sorted, std::uint64_t limit) {
  return static_cast<std::uint64_t>(sorted.end() -
                                    std::upper_bound(sorted.begin(), sorted.end(), limit));
}

void set_limits(Proposal& proposal, const SecondPass& pass) {
  const std::size_t tiers = proposal.tiers.size();
  std::vector<std::vector<std::uint32_t>> good(proposal.endpoints.size() * tiers);
  std::vector<std::vector<std::uint32_t>> odd(good.size());
  for (const Peak& peak : pass.peaks.peaks()) {
    auto& into = pass.odd.contains(peak.client) ? odd : good;
    into[peak.endpoint * tiers + peak.tier].push_back(peak.peak);
  }
  for (std::size_t e = 0; e < proposal.endpoints.size(); ++e) {
    for (std::size_t t = 0; t < tiers; ++t) {
      auto& peaks = good[e * tiers + t];
      auto& odd_peaks = odd[e * tiers + t];
      std::sort(peaks.begin(), peaks.end());
      std::sort(odd_peaks.begin(), odd_peaks.end());
      LimitProposal limit;
      limit.tier = proposal.tiers[t];
      limit.principals = peaks.size();
      if (!peaks.empty() || !odd_peaks.empty()) {
        limit.needed = peaks.empty() ? 0 : quantile(peaks, proposal.options.share);
        limit.busiest = peaks.empty() ? 0 : peaks.back();
        limit.per_minute =
            handy_limit(static_cast<double>(limit.needed) * proposal.options.headroom);
        limit.touched = above(peaks, limit.per_minute);
        limit.odd_touched = above(odd_peaks, limit.per_minute);
      }
      proposal.endpoints[e].limits.push_back(std::move(limit));
    }
  }
}

// What changes something is important, what only reads can wait; where that tells no two endpoints
// apart, nothing is said.
void set_priorities(Proposal& proposal) {
  if (!proposal.knows_methods) return;
  std::size_t high = 0;
  std::size_t low = 0;
  for (EndpointProposal& endpoint : proposal.endpoints) {
    if (endpoint.requests == 0 || endpoint.match.empty()) continue;
    if (endpoint.writes >= kMostlyWrites) endpoint.priority = limiter::Priority::high;
    if (endpoint.writes <= kHardlyWrites) endpoint.priority = limiter::Priority::low;
    high += endpoint.priority == limiter::Priority::high;
    low += endpoint.priority == limiter::Priority::low;
  }
  if (high != 0 || low + 1 < proposal.endpoints.size()) return;
  for (EndpointProposal& endpoint : proposal.endpoints)
    endpoint.priority = limiter::Priority::normal;
}

}  // namespace

std::uint64_t handy_limit(double needed) {
  for (double unit = 1; unit <= 1e8; unit *= 10)
    for (const double step : {1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0})
      if (step * unit >= std::max<double>(needed, kLeastLimit))
        return static_cast<std::uint64_t>(std::llround(step * unit));
  return 1'000'000'000;
}

Result<Proposal> propose(const Input& input, const SuggestOptions& options) {
  Proposal proposal;
  proposal.options = options;
  for (const auto& source : input.sources()) proposal.inputs.push_back(source.name);
  FirstPass first(options.seed);
  if (auto done = read_first(input, first, proposal); !done) return tl::unexpected(done.error());
  const std::size_t nameable = nameable_tiers(first.survey).size();
  proposal.knows_tiers = nameable != 0;
  proposal.strange_tiers = first.survey.tiers().size() - nameable;

  const policy::PolicySettings settings = settings_of(first.routes, first.survey);
  proposal.tiers = settings.tiers;
  for (const auto& endpoint : settings.endpoints) {
    EndpointProposal& made = proposal.endpoints.emplace_back();
    made.name = endpoint.name;
    if (!endpoint.match.empty()) made.match = endpoint.match.front();
  }

  const auto& rows = first.sampler.rows();
  auto detector = anomaly::train(rows, first.sampler.days(),
                                 {.setting = anomaly::Setting::best, .seed = options.seed});
  if (!detector) proposal.detector_note = detector.error().message;
  SecondPass second;
  if (auto done = read_second(input, settings, detector ? *detector : nullptr, second, proposal);
      !done)
    return tl::unexpected(done.error());
  proposal.odd_clients = second.odd.size();
  proposal.one_in = second.peaks.one_in();
  for (EndpointProposal& endpoint : proposal.endpoints) {
    endpoint.share =
        static_cast<double>(endpoint.requests) / static_cast<double>(proposal.requests);
    if (endpoint.requests != 0) endpoint.writes /= static_cast<double>(endpoint.requests);
  }
  set_limits(proposal, second);
  set_priorities(proposal);
  return proposal;
}

}  // namespace tidelimit::cli
