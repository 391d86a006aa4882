#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <numeric>
#include <utility>

#include "anomaly/words.hpp"
#include "engine/control.hpp"

namespace tidelimit::engine {
namespace {

/// A customer's page calls several endpoints at once; nobody needs the whole of all of them.
constexpr std::size_t kEndpointsAtOnce = 4;

double per_minute(const policy::LimitSpec& limit) {
  return limit.rate ? limit.rate->per_minute() : 0;
}

/// What the limits grant a client of a tier (1 + its index; 0: not known): the sum over the most
/// generous endpoints, and no less than the largest rate that they grant anybody. A client within
/// it does what the operator allows, and its rate alone is no attack.
double granted_per_minute(const policy::PolicySettings& policy, std::uint8_t tier) {
  double largest = 0;
  std::vector<double> grants;
  for (const policy::EndpointSettings& endpoint : policy.endpoints) {
    for (const policy::LimitSpec& limit : endpoint.limits)
      largest = std::max(largest, per_minute(limit));
    const bool named = tier > 0 && tier <= endpoint.limits.size();
    grants.push_back(
        std::max(named ? per_minute(endpoint.limits[tier - 1U]) : 0, per_minute(endpoint.client)));
  }
  std::sort(grants.begin(), grants.end(), std::greater<>());
  grants.resize(std::min(grants.size(), kEndpointsAtOnce));
  return std::max(largest, std::accumulate(grants.begin(), grants.end(), 0.0));
}

/// Why a client that harms by nothing but a rate within what the limits grant may not be blocked;
/// empty where it harms otherwise. The operator grants that rate: it is worth a report, so that the
/// limit or a label can be set, and no more.
std::string grant_of(const anomaly::Detector& model, const traffic::ClientFeatures& features,
                     double granted) {
  if (anomaly::harm(model, features, granted) != anomaly::Harm::none) return {};
  return fmt::format("it asks no more often than the limits grant ({:.0f} a minute)", granted);
}

}  // namespace

const anomaly::Detector* Engine::Control::detector() const {
  return models ? models->anomaly.get() : nullptr;
}

std::string_view Engine::Control::tier_of(const traffic::ClientFeatures& features) const {
  if (features.tier == 0 || features.tier > policy.tiers.size()) return {};
  return policy.tiers[features.tier - 1U];
}

void Engine::Control::fold_clients(Now now) {
  const auto table = data.limiter.verdicts.current();
  const std::uint32_t from = verdicts.figures_from();
  const auto look = [&](std::uint32_t slot, const ClientId& client,
                        const traffic::Arrivals& arrivals) {
    // Rules are the operator's own word: what protects a client from the model holds off none.
    if (clients.profiles().requests(slot, now.mono) < from) return;
    verdicts.figures(client, clients.profiles().figures(slot, now.mono), arrivals, now);
  };
  clients.fold(now.mono, table.get(), look);
}

/// Scores the clients that came since the last scan. One that stays away gives no fresh evidence.
void Engine::Control::scan(Now now) {
  last_success.scan = now.wall;
  if (!clients.any_touched()) return;
  const std::vector<ClientWatch::Touched> touched = clients.take_touched();
  const anomaly::Detector* model = detector();
  if (model == nullptr || policy.anomaly.mode.mode == limiter::Mode::off) return;
  for (const auto& [slot, errors] : touched) {
    const ClientId client = clients.profiles().client(slot);
    traffic::ClientFeatures features = clients.features(slot, now.mono);
    // Old errors are no fresh evidence: who is blocked gets no answers, and its ratios stand still.
    features.fresh_errors = errors;
    const anomaly::Finding found = anomaly::examine(*model, features);
    bool evidence = found.evidence;
    std::string reason;
    if (evidence) {
      reason = clients.protected_reason(slot, client, now.mono);
      const std::string grant =
          grant_of(*model, features, granted_per_minute(policy, features.tier));
      if (!grant.empty()) {
        // One that is blocked is not let in for slowing down, nor kept out for longer.
        const auto held = verdicts.find(client);
        evidence = !held || held->mode != limiter::Mode::enforce;
        if (reason.empty()) reason = grant;
      }
    }
    verdicts.scanned(
        client, found.score, evidence, reason,
        [&] {
          auto parts = anomaly::explain(*model, features, tier_of(features));
          auto words =
              anomaly::reasons(*model, features, parts, clients.profiles().figures(slot, now.mono));
          return policy::Grounds{std::move(words), std::move(parts)};
        },
        now);
  }
}

void Engine::Control::publish_verdicts(Now now) {
  if (verdicts.expire(now)) {
    data.limiter.verdicts.publish(verdicts.table());
    changed = true;
  }
  const std::vector<policy::VerdictRecord> news = verdicts.take_news();
  if (news.empty()) return;
  for (const auto& raised : news) {
    if (!raised.renewed) ++verdicts_total[{raised.kind, raised.rule}];
  }
  keeper.verdicts(news, now.wall);
  changed = true;
}

Result<void> Engine::Control::put_label(const LabelRecord& record, Now now) {
  const auto client = parse_client(record.target);
  if (!client) return fail(Code::invalid_argument, "a label is on one IP address");
  if (const auto& history = keeper.history()) {
    if (auto stored = history->put_label(record); !stored) return stored;
  }
  labels.put(record, now);
  const auto ended = verdicts.find(*client);
  verdicts.label(LabelBook::as_label(record), now);
  publish_verdicts(now);
  changed = true;
  if (ended && !verdicts.find(*client)) store_as_over(*ended, now);
  return {};
}

Result<void> Engine::Control::delete_label(const std::string& target, Now now) {
  const LabelRecord* record = labels.find(target);
  if (record == nullptr) return fail(Code::not_found, "there is no label on " + target);
  if (const auto& history = keeper.history()) {
    auto deleted = history->delete_label(target);
    if (!deleted && deleted.error().code != Code::not_found) return deleted;
  }
  end_label(*record, now);
  labels.erase(target);
  publish_verdicts(now);
  changed = true;
  return {};
}

/// The verdict that a label stood for ends with it, in the store too.
void Engine::Control::end_label(const LabelRecord& record, Now now) {
  const ClientId client = LabelBook::as_label(record).client;
  const auto ended = verdicts.find(client);
  verdicts.unlabel(client);
  if (record.malicious && ended && !verdicts.find(client)) store_as_over(*ended, now);
}

/// So that it does not come back with a restart, or when what ended it is taken back.
void Engine::Control::store_as_over(policy::VerdictRecord ended, Now now) {
  ended.until = now.wall;
  keeper.verdicts({ended}, now.wall);
}

void Engine::Control::expire_labels(Now now) {
  // The history removes it a day later, and a start before that drops it: it has ended.
  for (const LabelRecord& record : labels.expire(now.mono)) {
    end_label(record, now);
    changed = true;
  }
}

std::optional<ClientView> Engine::Control::view_of(const ClientId& client, Now now) const {
  ClientView view;
  view.client = client;
  view.verdict = verdicts.find(client);
  if (const LabelRecord* label = labels.find(format_client(client))) view.label = *label;
  const Instant at = std::max(now.mono, clients.folded_at());
  const auto slot = data.limiter.clients().find(client);
  if (slot && clients.profiles().client(*slot) == client) {
    view.figures = clients.profiles().figures(*slot, at);
    view.protected_reason = clients.protected_reason(*slot, client, at);
    if (const anomaly::Detector* model = detector()) {
      const traffic::ClientFeatures features = clients.features(*slot, at);
      view.score = anomaly::score(*model, features);
      view.threshold = anomaly::threshold(*model);
      view.evidence = anomaly::examine(*model, features).evidence;
      if (view.evidence && view.protected_reason.empty())
        view.protected_reason =
            grant_of(*model, features, granted_per_minute(policy, features.tier));
      view.contributions = anomaly::explain(*model, features, tier_of(features));
    }
  } else {
    view.protected_reason = clients.protected_reason(client, at);
  }
  if (view.figures.requests == 0 && !view.verdict && !view.label) return std::nullopt;
  return view;
}

}  // namespace tidelimit::engine
