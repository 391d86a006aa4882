#include "engine/replay/harm_ledger.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "limiter/nominal.hpp"

namespace tidelimit::engine {
namespace {

constexpr std::size_t kNameMax = 64;

bool harmed_more(const HarmedPrincipal& a, const HarmedPrincipal& b) {
  if (a.adapted() != b.adapted()) return a.adapted() > b.adapted();
  if (a.denied() != b.denied()) return a.denied() > b.denied();
  return a.first != b.first ? a.first < b.first : a.name < b.name;
}

}  // namespace

std::string client_text(const traffic::Request& request) {
  if (request.client.is_host_name() && !request.client_name.empty()) {
    return printable(request.client_name, kNameMax);
  }
  return format_client(request.client);
}

HarmLedger::HarmLedger(std::uint64_t seed) : seed_(seed), recent_(kRecent) {}

void HarmLedger::refused(const traffic::Request& request, const Answer& answer, WallTime time) {
  const limiter::Decision& decision = answer.decision;
  if (decision.verdict != limiter::VerdictKind::normal) return;
  if (decision.reason == limiter::Reason::override_) return;
  const std::uint64_t hash = hash_principal(request, seed_);
  auto found = entries_.find(hash);
  if (found == entries_.end()) {
    if (entries_.size() >= kPrincipalsMax) {
      ++untracked_;
      return;
    }
    Entry entry;
    entry.client = request.client;
    HarmedPrincipal& p = entry.principal;
    p.is_user = !request.user_id.empty();
    p.client = client_text(request);
    p.name = p.is_user ? printable(request.user_id, kNameMax) : p.client;
    p.endpoint = *answer.endpoint;
    p.tier = *answer.tier;
    p.first = time;
    p.limit_per_minute = limiter::nominal_per_minute(decision.limit);
    p.limit_of = decision.limit_of;
    if (answer.rule != nullptr) p.rule = *answer.rule;
    found = entries_.emplace(hash, std::move(entry)).first;
  }
  HarmedPrincipal& p = found->second.principal;
  ++p.denied_by[static_cast<std::size_t>(decision.reason)];
  p.last = time;
}

Harm HarmLedger::settle(const std::unordered_set<ClientId, ClientIdHash>& judged,
                        std::size_t examples) const {
  Harm harm;
  harm.principals = principals_.count();
  harm.untracked = untracked_;
  std::vector<const HarmedPrincipal*> all;
  for (const auto& [hash, entry] : entries_) {
    if (judged.contains(entry.client)) continue;
    const HarmedPrincipal& p = entry.principal;
    all.push_back(&p);
    const std::uint64_t adapted = p.adapted();
    if (adapted > 0) ++harm.adapted;
    if (p.denied() > adapted) ++harm.over_limit;
    harm.requests += p.denied();
    harm.requests_adapted += adapted;
  }
  const std::size_t n = std::min(examples, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(n), all.end(),
                    [](const auto* a, const auto* b) { return harmed_more(*a, *b); });
  for (std::size_t i = 0; i < n; ++i) harm.examples.push_back(*all[i]);
  return harm;
}

}  // namespace tidelimit::engine
