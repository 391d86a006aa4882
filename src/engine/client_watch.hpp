#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "engine/crowd.hpp"
#include "limiter/client_table.hpp"
#include "limiter/prefix_index.hpp"
#include "limiter/verdict.hpp"
#include "limiter/zeroed_array.hpp"
#include "traffic/client_profile.hpp"

namespace tidelimit::engine {

/// The control plane's eye on clients: folds the raw counters into profiles, remembers who came
/// since the last scan, and knows whom no model may block. One thread.
class ClientWatch {
 public:
  ClientWatch(limiter::ClientTable& table, const CrowdTable& crowd);
  /// Of a full table of that capacity; `by_agent`: rules count requests by their user agents.
  [[nodiscard]] static std::size_t most_bytes(std::size_t capacity, bool by_agent) {
    return traffic::ClientProfiles::most_bytes(capacity, by_agent) +
           capacity * (sizeof(Note) + sizeof(std::uint32_t) + sizeof(Touched));
  }

  /// Folds what was counted since the last call; `visit(slot, client, arrivals)` for each
  /// client that came. Clients that `verdicts` calls malicious don't count as traffic.
  template <class Visit>
  void fold(Instant now, const limiter::VerdictTable* verdicts, Visit&& visit) {
    const double weight = begin_fold(now);
    const auto fold_one = [&](std::uint32_t slot, bool fresh, const ClientId& client,
                              const limiter::ClientCounters& counters) {
      const traffic::Arrivals arrivals = profiles_.update(slot, fresh, client, counters, now);
      const limiter::Verdict* verdict = verdicts == nullptr ? nullptr : verdicts->find(client, now);
      const bool malicious = verdict != nullptr && verdict->kind == limiter::VerdictKind::malicious;
      note(profiles_.seat(slot), slot, fresh, counters.requests, malicious ? 0.0 : weight);
      if (arrivals.client_errors) notes_[profiles_.seat(slot)].touched |= kWithErrors;
      visit(slot, client, arrivals);
    };
    using Soon = limiter::ClientTable::Soon;
    table_.collect(fold_one, [this](std::uint32_t slot, Soon soon) {
      if (soon == Soon::far) return profiles_.prefetch_seat(slot);
      if (soon == Soon::next) return profiles_.prefetch_neighbourhood(slot);
      profiles_.prefetch(slot);
      __builtin_prefetch(&notes_[profiles_.seat(slot)], 1);
    });
  }

  /// See ClientProfiles; for what was folded.
  void forget_classes(std::uint8_t classes) { profiles_.forget_classes(classes); }
  void use_huge_pages();

  struct Touched {
    std::uint32_t slot = 0;
    bool errors = false;    ///< some that are the client's own doing came
    bool evidence = false;  ///< what the scan that took it found
  };
  /// Slots that were touched since the last take, each once.
  [[nodiscard]] std::vector<Touched> take_touched();
  [[nodiscard]] bool any_touched() const { return !touched_.empty(); }

  [[nodiscard]] const traffic::ClientProfiles& profiles() const { return profiles_; }
  /// With the tier that the table knows.
  [[nodiscard]] traffic::ClientFeatures features(std::uint32_t slot, Instant now) const;
  [[nodiscard]] Instant folded_at() const { return folded_at_; }

  void set_trusted(const std::vector<Prefix>& trusted);
  /// Why a model may not block this client; empty: it may. Trusted proxies, and addresses behind
  /// which over 50 users stand: behind one that is `failing`, users that are served, and half of
  /// all that it names.
  [[nodiscard]] std::string protected_reason(const ClientId& client, bool failing,
                                             Instant now) const;
  /// Likewise, for whom no verdict holds yet: over 20 % of all traffic (fading over a day), once
  /// there was enough of it to say so.
  [[nodiscard]] std::string share_reason(std::uint32_t slot) const;

 private:
  struct Note {
    double weighted;  ///< requests, each weighed by begin_fold
    std::uint32_t requests;
    std::uint32_t touched;  ///< since the last take: bits of kTouched and kWithErrors
  };
  static constexpr std::uint32_t kTouched = 1;
  static constexpr std::uint32_t kWithErrors = 2;

  double begin_fold(Instant now);
  void note(std::uint32_t seat, std::uint32_t slot, bool fresh, std::uint32_t requests,
            double weight);

  limiter::ClientTable& table_;
  const CrowdTable& crowd_;
  traffic::ClientProfiles profiles_;
  limiter::ZeroedArray<Note> notes_;  // [seat]
  std::vector<std::uint32_t> touched_;
  limiter::PrefixIndex trusted_;
  double all_weighted_ = 0;
  double all_requests_ = 0;
  Instant watched_from_{};
  Instant weighed_from_{};
  Instant folded_at_{};
};

}  // namespace tidelimit::engine
