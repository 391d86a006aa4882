#include <algorithm>
#include <tuple>
#include <utility>

#include "policy/plan_cells.hpp"
#include "policy/verdict_book.hpp"

// What the book says: which verdicts are in force, for how long, what is new, and who makes room.
namespace tidelimit::policy {
namespace {

using limiter::VerdictKind;

constexpr Nanos kEvidenceSwept = std::chrono::minutes{1};  // so often, of what is forgotten

/// Severer is larger: enforced before shadow, for more of the principals, block before limit, the
/// lower limit, the worse kind.
auto severity(const VerdictRecord& record) {
  const double rate = record.limit ? record.limit->per_second() : 0.0;
  return std::tuple(record.mode, record.enforced, record.action, -rate, record.kind);
}

}  // namespace

bool VerdictBook::less_severe(const VerdictRecord& a, const VerdictRecord& b) {
  return severity(a) < severity(b);
}

VerdictBook::Judged& VerdictBook::entry(const ClientId& client) {
  const auto found = judged_.find(client);
  if (found != judged_.end()) return found->second;
  if (judged_.size() >= kMaxVerdicts) {
    const auto [worth, serial] = *by_worth_.begin();
    if (worth != Worth::labelled) erase(by_age_.at(serial));
  }
  Judged& judged = judged_[client];
  judged.serial = next_serial_++;
  by_age_.emplace(judged.serial, client);
  by_worth_.emplace(judged.worth, judged.serial);
  return judged;
}

void VerdictBook::weigh_anew(Judged& judged) {
  const auto enforced = [](const std::optional<Held>& held) {
    return held && held->record.is_enforced();
  };
  Worth worth = Worth::reported;
  if (enforced(judged.model) || enforced(judged.rule)) worth = Worth::enforced;
  if (judged.label) worth = Worth::labelled;
  if (worth == judged.worth) return;
  by_worth_.erase({judged.worth, judged.serial});
  judged.worth = worth;
  by_worth_.emplace(worth, judged.serial);
}

void VerdictBook::erase(const ClientId& given) {
  const ClientId client = given;  // the caller's may live in what is erased
  const auto found = judged_.find(client);
  if (found == judged_.end()) return;
  by_age_.erase(found->second.serial);
  by_worth_.erase({found->second.worth, found->second.serial});
  judged_.erase(found);
  dirty_ = true;
}

bool VerdictBook::expire(Now now) {
  if (now.mono >= next_expiry_) sweep(now);
  if (now.mono >= next_sweep_) {
    next_sweep_ = now.mono + kEvidenceSwept;
    std::erase_if(evidence_, [&](const auto& suspect) {
      return now.mono - suspect.second.last > kEvidenceMemory;
    });
  }
  return dirty_;
}

void VerdictBook::sweep(Now now) {
  std::vector<ClientId> ended;
  next_expiry_ = Instant{Nanos::max()};
  for (auto& [client, judged] : judged_) {
    for (auto* held : {&judged.model, &judged.rule, &judged.label}) {
      if (!*held) continue;
      if ((*held)->expires <= now.mono) {
        if (held == &judged.model) budget_.ended(client, now.mono);
        // Renewals are told once a minute at most: the last of them now, so that the end is known.
        const bool is_news = held != &judged.label && (*held)->record.until != (*held)->told_until;
        if (is_news) tell(**held, now, true);
        held->reset();
        dirty_ = true;
      } else {
        next_expiry_ = std::min(next_expiry_, (*held)->expires);
      }
    }
    weigh_anew(judged);
    if (judged.empty()) ended.push_back(client);
  }
  for (const auto& client : ended) erase(client);
}

const VerdictBook::Held& VerdictBook::severer(const Judged& judged) {
  const Held* severest = nullptr;
  for (const auto* held : {&judged.label, &judged.model, &judged.rule}) {
    if (!*held) continue;
    if (severest == nullptr || less_severe(severest->record, (*held)->record)) severest = &**held;
  }
  return *severest;
}

std::shared_ptr<const limiter::VerdictTable> VerdictBook::table() {
  if (!dirty_ && table_) return table_;
  std::vector<limiter::Verdict> verdicts;
  verdicts.reserve(judged_.size());
  for (const auto& [serial, client] : by_age_) {
    const Held& held = severer(judged_.at(client));
    limiter::Verdict verdict;
    verdict.client = client;
    // One on a protected client is a suspicion to the data plane: its requests stay demand, or an
    // office taken for an attacker would vanish from the forecasts. One beyond the budget counts in
    // full: a swarm that is too many to block is not to become tomorrow's forecast.
    verdict.kind =
        held.shielded() ? std::min(held.record.kind, VerdictKind::suspicious) : held.record.kind;
    verdict.action = held.record.action;
    if (held.record.limit) {
      verdict.limit = limiter::make_limit(*held.record.limit, default_burst(*held.record.limit));
    }
    for (std::size_t i = 0; i < settings_.rules.size(); ++i) {
      if (settings_.rules[i].name != held.record.rule) continue;
      verdict.rule = limiter::RuleId{static_cast<std::uint16_t>(i)};
    }
    verdict.part = held.record.part;
    verdict.mode = held.record.mode;
    verdict.enforced = part_of_everyone(held.record.enforced);
    verdict.expires_at = held.expires;
    verdicts.push_back(verdict);
  }
  table_ = std::make_shared<const limiter::VerdictTable>(std::move(verdicts));
  dirty_ = false;
  return table_;
}

std::vector<VerdictRecord> VerdictBook::all() const {
  std::vector<VerdictRecord> records;
  records.reserve(by_age_.size());
  for (const auto& [serial, client] : by_age_) {
    records.push_back(severer(judged_.at(client)).record);
  }
  return records;
}

std::optional<VerdictRecord> VerdictBook::find(const ClientId& client) const {
  const auto found = judged_.find(client);
  if (found == judged_.end()) return std::nullopt;
  return severer(found->second).record;
}

std::vector<VerdictRecord> VerdictBook::all_on(const ClientId& client) const {
  std::vector<VerdictRecord> records;
  const auto found = judged_.find(client);
  if (found == judged_.end()) return records;
  const Judged& judged = found->second;
  for (const auto* held : {&judged.label, &judged.model, &judged.rule})
    if (*held) records.push_back((*held)->record);
  return records;
}

std::vector<VerdictRecord> VerdictBook::take_news() {
  return std::exchange(news_, {});
}

}  // namespace tidelimit::policy
