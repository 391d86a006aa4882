#include "cli/suggest/proposal.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "anomaly/dated_training.hpp"
#include "anomaly/feature_sampler.hpp"
#include "base/endpoint_name.hpp"
#include "base/text.hpp"
#include "cli/command.hpp"
#include "cli/offline/client_trial.hpp"
#include "cli/offline/survey.hpp"
#include "cli/suggest/limit_draw.hpp"
#include "cli/suggest/log_passes.hpp"
#include "cli/suggest/peak_book.hpp"
#include "cli/suggest/refusal_trial.hpp"
#include "cli/suggest/route_survey.hpp"
#include "config/config.hpp"
#include "engine/replay/harm_ledger.hpp"
#include "engine/routes.hpp"

namespace tidelimit::cli {
namespace {

constexpr double kMostlyWrites = 0.5;
constexpr double kHardlyWrites = 0.01;
constexpr std::uint64_t kUserSeed = 0x7365;
constexpr std::size_t kLongestName = 64;

bool writes(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH" || method == "DELETE";
}

// What the first pass over the logs finds.
struct FirstPass {
  RouteSurvey routes;
  Survey survey;
  anomaly::FeatureSampler sampler;
  std::uint64_t requests = 0;
  bool knows_users = false;
  bool knows_methods = false;
  ingest::ReadReport report;

  explicit FirstPass(std::uint64_t seed) : sampler(drawing(seed)) {}
  static anomaly::SamplerOptions drawing(std::uint64_t seed) {
    anomaly::SamplerOptions options;
    options.seed = seed;
    return options;
  }
};

// Again in the order of times, where the requests are not.
Result<std::unique_ptr<FirstPass>> read_first(LogPasses& passes, std::uint64_t seed) {
  auto pass = std::make_unique<FirstPass>(seed);
  auto report = passes.each("reading", [&](const traffic::Request& request) {
    pass->survey.add(request);
    pass->sampler.add(request);
    if (!traffic::meets_limits(request)) return;
    pass->routes.add(request.path);
    ++pass->requests;
    pass->knows_users = pass->knows_users || !request.user_id.empty();
    pass->knows_methods = pass->knows_methods || !request.method.empty();
  });
  if (!report) return tl::unexpected(report.error());
  if (report->out_of_order > 0 && !passes.sorts()) {
    passes.sort();
    return read_first(passes, seed);
  }
  print(reading_notes(*report), stderr);
  if (pass->requests == 0)
    return fail(Code::failed_precondition,
                "no readable request in the input: `tidelimit inspect` says why");
  pass->report = *std::move(report);
  return pass;
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

// Whose a request is, and where it goes.
struct Place {
  std::uint64_t principal = 0;  // a hash
  std::uint16_t endpoint = 0;
  std::uint8_t tier = 0;
};

class Places {
 public:
  explicit Places(const policy::PolicySettings& settings) : routes_(settings, {}, 0) {}

  Place of(const traffic::Request& request) {
    const engine::Identity identity = routes_.identify(request, buffer_);
    return {request.user_id.empty() ? hash_client(request.client, kUserSeed)
                                    : hash_bytes(request.user_id, kUserSeed),
            static_cast<std::uint16_t>(limiter::index(identity.endpoint)),
            static_cast<std::uint8_t>(limiter::index(identity.tier))};
  }

 private:
  const engine::Routes routes_;
  std::string buffer_;
};

// What the second pass finds.
struct SecondPass {
  PeakBook peaks;
  Clients odd;
};

Result<SecondPass> read_second(LogPasses& passes, const policy::PolicySettings& settings,
                               std::shared_ptr<const anomaly::Detector> detector,
                               Proposal& proposal) {
  SecondPass pass;
  Places places(settings);
  ClientTrial trial(std::move(detector), settings, true);
  const auto reading = passes.each("measuring", [&](const traffic::Request& request) {
    trial.add(request);
    if (!traffic::meets_limits(request)) return;
    const Place place = places.of(request);
    EndpointProposal& endpoint = proposal.endpoints[place.endpoint];
    ++endpoint.requests;
    endpoint.writes += writes(request.method) ? 1 : 0;
    pass.peaks.add(place.principal, request.client, place.endpoint, place.tier, request.time);
  });
  if (!reading) return tl::unexpected(reading.error());
  trial.finish();
  for (const auto& [client, outcome] : trial.outcomes())
    if (outcome.worst != limiter::VerdictKind::normal) pass.odd.insert(client);
  return pass;
}

std::string name_of(const traffic::Request& request) {
  return request.user_id.empty() ? engine::client_text(request)
                                 : printable(request.user_id, kLongestName);
}

// What the limits would refuse, and what those are called that are to be named.
Result<void> read_third(LogPasses& passes, const policy::PolicySettings& settings,
                        const std::vector<Peak>& peaks, const Clients& odd, Proposal& proposal) {
  RefusalTrial trial(limits_per_minute(proposal), proposal.tiers.size());
  for (const Peak& peak : peaks) trial.watch(peak);
  Names names = to_be_named(proposal);
  if (trial.watches_any() || !names.empty()) {
    Places places(settings);
    const auto reading = passes.each("trying", [&](const traffic::Request& request) {
      if (!traffic::meets_limits(request)) return;
      const Place place = places.of(request);
      trial.add(place.principal, place.endpoint, place.tier, request.time);
      const auto named = names.find(place.principal);
      if (named != names.end() && named->second.empty()) named->second = name_of(request);
    });
    if (!reading) return tl::unexpected(reading.error());
  }
  give_names(proposal, names);
  judge_limits(proposal, trial.refusals(), odd);
  return {};
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

// What the first pass says of the log.
Proposal begun(const Input& input, const SuggestOptions& options, const FirstPass& first,
               const policy::PolicySettings& settings) {
  Proposal proposal;
  proposal.options = options;
  for (const auto& source : input.sources()) proposal.inputs.push_back(source.name);
  proposal.requests = first.requests;
  proposal.first = first.survey.first();
  proposal.last = first.survey.last();
  proposal.knows_users = first.knows_users;
  proposal.knows_methods = first.knows_methods;
  proposal.out_of_order = first.report.out_of_order;
  proposal.out_of_order_worst = first.report.out_of_order_worst;
  const std::size_t nameable = nameable_tiers(first.survey).size();
  proposal.knows_tiers = nameable != 0;
  proposal.strange_tiers = first.survey.tiers().size() - nameable;
  proposal.tiers = settings.tiers;
  for (const auto& endpoint : settings.endpoints) {
    EndpointProposal& made = proposal.endpoints.emplace_back();
    made.name = endpoint.name;
    if (!endpoint.match.empty()) made.match = endpoint.match.front();
  }
  return proposal;
}

}  // namespace

Result<Proposal> propose(const Input& input, const SuggestOptions& options) {
  LogPasses passes(input);
  auto first = read_first(passes, options.seed);
  if (!first) return tl::unexpected(first.error());
  const policy::PolicySettings settings = settings_of((*first)->routes, (*first)->survey);
  Proposal proposal = begun(input, options, **first, settings);
  proposal.late = passes.late();

  auto detector = anomaly::train((*first)->sampler.rows(), (*first)->sampler.days(),
                                 {.setting = anomaly::Setting::best, .seed = options.seed});
  if (!detector) proposal.detector_note = detector.error().message;
  const auto second = read_second(passes, settings, detector ? *detector : nullptr, proposal);
  if (!second) return tl::unexpected(second.error());
  proposal.odd_clients = second->odd.size();
  proposal.one_in = second->peaks.one_in();
  for (EndpointProposal& endpoint : proposal.endpoints) {
    endpoint.share =
        static_cast<double>(endpoint.requests) / static_cast<double>(proposal.requests);
    if (endpoint.requests != 0) endpoint.writes /= static_cast<double>(endpoint.requests);
  }
  const std::vector<Peak> peaks = second->peaks.peaks();
  draw_limits(proposal, peaks, second->odd);
  if (auto done = read_third(passes, settings, peaks, second->odd, proposal); !done)
    return tl::unexpected(done.error());
  set_priorities(proposal);
  return proposal;
}

}  // namespace tidelimit::cli
