#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "engine/engine.hpp"
#include "engine/replay/report.hpp"
#include "ingest/distinct_counter.hpp"

namespace tidelimit::engine {

/// By user, or by client where no user is named.
[[nodiscard]] inline std::uint64_t hash_principal(const traffic::Request& request,
                                                  std::uint64_t seed) {
  return request.user_id.empty() ? hash_client(request.client, seed)
                                 : hash_bytes(request.user_id, seed + 1);
}

/// Who was refused without being judged: the cost of the limits to those they are meant to serve.
/// Bounded memory. One thread.
class HarmLedger {
 public:
  static constexpr std::size_t kPrincipalsMax = 100'000;

  explicit HarmLedger(std::uint64_t seed);

  /// Every request, to count the principals.
  void saw(const traffic::Request& request) {
    const std::uint64_t hash = hash_principal(request, seed_);
    std::uint64_t& recent = recent_[hash & (kRecent - 1)];
    if (recent == hash) return;
    recent = hash;
    principals_.add(hash);
  }

  /// A refusal (enforced or in shadow) at `time`.
  void refused(const traffic::Request& request, const Answer& answer, WallTime time);

  /// `judged`: clients that had a verdict at any time; they are left out. At most `examples`.
  [[nodiscard]] Harm settle(const std::unordered_set<ClientId, ClientIdHash>& judged,
                            std::size_t examples) const;

 private:
  struct Entry {
    HarmedPrincipal principal;
    ClientId client;
  };
  static constexpr std::size_t kRecent = 1u << 15;

  std::uint64_t seed_;
  ingest::DistinctCounter principals_;
  std::vector<std::uint64_t> recent_;  // lately seen, so that most requests stop there
  std::unordered_map<std::uint64_t, Entry> entries_;
  std::uint64_t untracked_ = 0;
};

/// The client as people read it: the name that the log has where the address has no other.
[[nodiscard]] std::string client_text(const traffic::Request& request);

}  // namespace tidelimit::engine
