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

constexpr std::size_t kSmallPage = 4096;

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

/// Why a client that harms may not be blocked; empty: it may.
///   A rate within what the limits grant is what the operator allows: worth a report, so that the
/// limit or a label can be set, and no more. Nor is anybody blocked for nothing but what the
/// service broke over: an endpoint that one client alone calls may have broken down.
std::string doubt_of(const anomaly::Detector& model, const traffic::ClientFeatures& features,
                     double granted) {
  switch (anomaly::harm(model, features, granted)) {
    case anomaly::Harm::failing:
    case anomaly::Harm::pressing:
      return {};
    case anomaly::Harm::breaking:
      return "its errors are the service's own (500, 501)";
    case anomaly::Harm::none:
      break;
  }
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
  std::vector<ClientWatch::Touched> failing;
  const auto look = [&](std::uint32_t slot, const ClientId& client,
                        const traffic::Arrivals& arrivals) {
    if (arrivals.client_errors && clients.profiles().failing_with(slot, now.mono))
      failing.push_back({slot, true});
    // Rules are the operator's own word: what protects a client from the model holds off none.
    if (clients.profiles().requests(slot, now.mono) < from) return;
    verdicts.figures(client, clients.profiles().figures(slot, now.mono), arrivals, now);
  };
  clients.fold(now.mono, table.get(), look);
  // Who moves on to a neighbour's address every few seconds is gone by the next scan.
  judge(failing, now);
  use_huge_pages_where_crowded();
}

/// What was counted under another pattern, up to now, is no evidence for the rule that these
/// classes are for from now on.
void Engine::Control::forget_agents(std::uint8_t classes, Now now) {
  if (classes == 0) return;
  const auto table = data.limiter.verdicts.current();
  clients.fold(now.mono, table.get(), [](std::uint32_t, const ClientId&, traffic::Arrivals) {});
  clients.forget_classes(classes);
}

/// With a client for each small page the table has little memory left that was never touched, and
/// most of what a decision costs then is the translation of addresses that no cache holds.
void Engine::Control::use_huge_pages_where_crowded() {
  const limiter::ClientTable& table = data.limiter.clients();
  const std::size_t pages = table.capacity() * limiter::ClientTable::kSlotBytes / kSmallPage;
  if (huge_pages || table.size() < pages) return;
  huge_pages = true;
  data.limiter.use_huge_pages();
  data.crowd.use_huge_pages();
  clients.use_huge_pages();
}

/// Looks at the clients that came since the last scan. One that stays away gives no fresh evidence.
void Engine::Control::scan(Now now) {
  last_success.scan = now.wall;
  scanned.clear();
  if (!clients.any_touched()) return;
  scanned = clients.take_touched();
  judge(scanned, now);
}

void Engine::Control::judge(std::vector<ClientWatch::Touched>& touched, Now now) {
  const anomaly::Detector* model = detector();
  if (model == nullptr || policy.anomaly.mode.mode == limiter::Mode::off) return;
  for (auto& [slot, errors, evidence] : touched) {
    const ClientId client = clients.profiles().client(slot);
    traffic::ClientFeatures features = clients.features(slot, now.mono);
    // Old errors are no fresh evidence: who is blocked gets no answers, and its ratios stand still.
    features.fresh_errors = errors;
    const anomaly::Finding found = anomaly::examine(*model, features);
    evidence = found.evidence;
    std::string reason;
    if (evidence) {
      const auto held = verdicts.find(client);
      const bool enforced = held && held->mode == limiter::Mode::enforce;
      reason = clients.protected_reason(client, found.harm == anomaly::Harm::failing, now.mono);
      // What it sends in spite of its verdict makes nobody a fifth of all traffic.
      if (reason.empty() && !enforced) reason = clients.share_reason(slot);
      const std::string doubt =
          doubt_of(*model, features, granted_per_minute(policy, features.tier));
      if (!doubt.empty()) {
        // One that is blocked is not let in for slowing down, nor kept out for longer.
        evidence = !enforced;
        if (reason.empty()) reason = doubt;
      }
    }
    verdicts.scanned(
        client, found.score, evidence, reason,
        [&] {
          auto parts = anomaly::explain(*model, features, tier_of(features));
          auto words =
              anomaly::reasons(*model, features, parts, clients.profiles().figures(slot, now.mono));
          return policy::Grounds{std::move(words), std::move(parts),
                                 anomaly::presses(*model, features)};
        },
        now, features.neighbourhood);
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
    if (raised.renewed) continue;
    ++verdicts_total[{raised.kind, raised.rule}];
    recent_verdicts.push_back(raised);
  }
  while (recent_verdicts.size() > kRecentVerdicts) recent_verdicts.pop_front();
  keeper.verdicts(news, now.wall);
  changed = true;
}

Result<void> Engine::Control::put_label(const LabelRecord& record, Now now) {
  const auto client = parse_client(record.target);
  if (!client) return fail(Code::invalid_argument, "a label is on one IP address");
  if (client->empty())
    return fail(Code::invalid_argument,
                ":: stands for all requests that name no client: it can't be labelled");
  if (const auto& history = keeper.history()) {
    if (auto stored = history->put_label(record); !stored) return stored;
  }
  labels.put(record, now);
  const auto before = verdicts.all_on(*client);
  verdicts.label(LabelBook::as_label(record), now);
  publish_verdicts(now);
  store_ended(*client, before, now);
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
  const auto before = verdicts.all_on(client);
  verdicts.unlabel(client);
  store_ended(client, before, now);
}

/// What was ended by hand, of those there were on a client: so that it does not come back with a
/// restart, or when what ended it is taken back.
void Engine::Control::store_ended(const ClientId& client,
                                  const std::vector<policy::VerdictRecord>& before, Now now) {
  changed = true;
  const auto after = verdicts.all_on(client);
  for (policy::VerdictRecord ended : before) {
    if (std::any_of(after.begin(), after.end(), [&](const policy::VerdictRecord& one) {
          return one.part == ended.part && one.from == ended.from;
        }))
      continue;
    ended.until = now.wall;
    keeper.verdicts({std::move(ended)}, now.wall);
  }
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
    // Decisions of this moment are told beside it: what the next fold will count, counts here.
    const auto counters = data.limiter.clients().counters(*slot);
    view.figures = counters ? clients.profiles().figures(*slot, *counters, at)
                            : clients.profiles().figures(*slot, at);
    bool failing = false;
    if (const anomaly::Detector* model = detector()) {
      const traffic::ClientFeatures features = clients.features(*slot, at);
      view.score = anomaly::score(*model, features);
      view.threshold = anomaly::threshold(*model);
      failing = anomaly::harm(*model, features) == anomaly::Harm::failing;
      const auto seen =
          std::find_if(scanned.begin(), scanned.end(),
                       [&](const ClientWatch::Touched& touched) { return touched.slot == *slot; });
      if (seen != scanned.end()) {
        view.scanned = last_success.scan;
        view.evidence = seen->evidence;
      }
      if (view.evidence)
        view.protected_reason =
            doubt_of(*model, features, granted_per_minute(policy, features.tier));
      view.contributions = anomaly::explain(*model, features, tier_of(features));
    }
    const bool enforced = view.verdict && view.verdict->mode == limiter::Mode::enforce;
    std::string reason = clients.protected_reason(client, failing, at);
    if (reason.empty() && !enforced) reason = clients.share_reason(*slot);
    if (!reason.empty()) view.protected_reason = std::move(reason);
  } else {
    view.protected_reason = clients.protected_reason(client, false, at);
  }
  if (view.figures.requests == 0 && !view.verdict && !view.label) return std::nullopt;
  return view;
}

}  // namespace tidelimit::engine
