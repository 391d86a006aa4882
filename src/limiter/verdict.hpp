#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "limiter/plan.hpp"
#include "limiter/prefix_index.hpp"

namespace tidelimit::limiter {

enum class VerdictKind : std::uint8_t { normal, suspicious, malicious };
[[nodiscard]] const char* to_string(VerdictKind kind);

enum class Action : std::uint8_t { none, allow, limit, block };
[[nodiscard]] const char* to_string(Action action);

/// Which mode switch governs an entry.
enum class Part : std::uint8_t { anomaly, rules };

/// What the data plane must know of one judged client.
struct Verdict {
  ClientId client;
  VerdictKind kind = VerdictKind::normal;
  Action action = Action::none;  ///< none, limit or block
  Limit limit;                   ///< for Action::limit: over all endpoints together
  RuleId rule = kNoRule;
  Part part = Part::anomaly;  ///< raised by the model (anomaly) or by a rule on figures (rules)
  Mode mode = Mode::enforce;
  /// `enforce` holds for principals whose place is below this; for the others it is `shadow`.
  std::uint16_t enforced = kEveryone;
  Instant expires_at;
};

/// An immutable set of verdicts, looked up by client: open addressing, one probe in the usual case.
class VerdictTable {
 public:
  VerdictTable() = default;
  /// Of two verdicts on one client the later counts.
  explicit VerdictTable(std::vector<Verdict> verdicts);
  /// nullptr when there is none or it is past its expiry.
  [[nodiscard]] const Verdict* find(const ClientId& client, Instant now) const noexcept {
    if (slots_.empty()) return nullptr;
    const std::size_t slot = slot_of(client);
    return slots_[slot] == 0 ? nullptr : probe(client, slot, now);
  }
  [[nodiscard]] const std::vector<Verdict>& all() const noexcept { return verdicts_; }

 private:
  // Multiply-shift (Dietzfelbinger et al. 1997): every decision looks here, nearly always in vain.
  [[nodiscard]] std::size_t slot_of(const ClientId& client) const noexcept {
    return ((client.lo ^ std::rotl(client.hi * seed_, 32)) * seed_) >> shift_;
  }
  [[nodiscard]] const Verdict* probe(const ClientId& client, std::size_t slot,
                                     Instant now) const noexcept;

  std::vector<Verdict> verdicts_;
  std::vector<std::uint32_t> slots_;  ///< index + 1 into verdicts_, 0 empty; size a power of two
  std::uint64_t seed_ = 0;  ///< drawn from the verdicts, so that nobody aims for long probes
  unsigned shift_ = 63;     ///< 64 less the bits of a slot's number
};

/// A client, a prefix or a user handled by hand.
struct Override {
  Prefix prefix;           ///< for clients and prefixes; unused when `user` is set
  std::uint64_t user = 0;  ///< Limiter::hash_user of the user id; 0: this is a prefix
  Action action = Action::allow;
  Limit limit;         ///< for Action::limit
  Instant expires_at;  ///< Instant max when permanent
};

/// Addresses that a model's verdict never touches (`anomaly.allow`), and the operator's overrides.
/// Immutable.
class OverrideTable {
 public:
  OverrideTable() = default;
  OverrideTable(std::vector<Override> overrides, const std::vector<Prefix>& allow_list);
  /// The override that applies: the user's first, else the longest prefix. nullptr when none.
  [[nodiscard]] const Override* find(const ClientId& client, std::uint64_t user,
                                     Instant now) const noexcept;
  [[nodiscard]] bool allow_listed(const ClientId& client) const noexcept;
  /// No override by hand (the allow-list may still hold some).
  [[nodiscard]] bool empty() const noexcept { return prefixes_.empty() && users_.empty(); }

 private:
  std::vector<Override> prefixes_;
  PrefixIndex prefix_index_;     ///< positions in prefixes_
  std::vector<Override> users_;  ///< sorted by user
  PrefixIndex allow_list_;
};

}  // namespace tidelimit::limiter
