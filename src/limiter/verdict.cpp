#include "limiter/verdict.hpp"

#include <algorithm>
#include <bit>

#include "base/hash.hpp"

namespace tidelimit::limiter {

const char* to_string(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::normal:
      return "normal";
    case VerdictKind::suspicious:
      return "suspicious";
    case VerdictKind::malicious:
      return "malicious";
  }
  return "unknown";
}

const char* to_string(Action action) {
  switch (action) {
    case Action::none:
      return "none";
    case Action::allow:
      return "allow";
    case Action::limit:
      return "limit";
    case Action::block:
      return "block";
  }
  return "unknown";
}

VerdictTable::VerdictTable(std::vector<Verdict> verdicts) : verdicts_(std::move(verdicts)) {
  if (verdicts_.empty()) return;
  for (const Verdict& verdict : verdicts_)
    seed_ = mix(hash_client(verdict.client, seed_),
                static_cast<std::uint64_t>(verdict.expires_at.since_start.count()));
  seed_ |= 1;
  slots_.resize(std::bit_ceil(verdicts_.size() * 2));
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(slots_.size()));
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t i = 0; i < verdicts_.size(); ++i) {
    std::size_t slot = slot_of(verdicts_[i].client);
    while (slots_[slot] != 0 && verdicts_[slots_[slot] - 1].client != verdicts_[i].client)
      slot = (slot + 1) & mask;
    slots_[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

const Verdict* VerdictTable::probe(const ClientId& client, std::size_t slot,
                                   Instant now) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  for (; slots_[slot] != 0; slot = (slot + 1) & mask) {
    const Verdict& verdict = verdicts_[slots_[slot] - 1];
    if (verdict.client == client) return verdict.expires_at > now ? &verdict : nullptr;
  }
  return nullptr;
}

OverrideTable::OverrideTable(std::vector<Override> overrides, const std::vector<Prefix>& allow_list)
    : allow_list_(allow_list) {
  std::vector<Prefix> prefixes;
  for (Override& entry : overrides) {
    if (entry.user == 0) prefixes.push_back(entry.prefix);
    (entry.user == 0 ? prefixes_ : users_).push_back(std::move(entry));
  }
  prefix_index_ = PrefixIndex(prefixes);
  std::stable_sort(users_.begin(), users_.end(),
                   [](const Override& a, const Override& b) { return a.user < b.user; });
}

const Override* OverrideTable::find(const ClientId& client, std::uint64_t user,
                                    Instant now) const noexcept {
  if (user != 0 && !users_.empty()) {
    const auto at_least = [](const Override& entry, std::uint64_t wanted) {
      return entry.user < wanted;
    };
    for (auto it = std::lower_bound(users_.begin(), users_.end(), user, at_least);
         it != users_.end() && it->user == user; ++it)
      if (it->expires_at > now) return &*it;
  }
  const auto found =
      prefix_index_.find(client, [&](std::size_t i) { return prefixes_[i].expires_at > now; });
  return found ? &prefixes_[*found] : nullptr;
}

bool OverrideTable::allow_listed(const ClientId& client) const noexcept {
  return !allow_list_.empty() &&
         allow_list_.find(client, [](std::size_t) { return true; }).has_value();
}

}  // namespace tidelimit::limiter
