#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <unordered_map>

#include "base/address.hpp"
#include "base/hash.hpp"
#include "base/rate.hpp"
#include "base/time.hpp"

namespace tidelimit::policy {

/// How many verdicts of the model may be newly enforced within a sliding period
/// (`max_new_verdicts`). Neighbours who fail together cost one. A client that comes back within the
/// period costs nothing, as long as there are no more such clients than the budget allows: beyond
/// that it may be good customers with a broken application. The last quarter is kept for the loud,
/// which harm all others: a swarm of quiet ones, who are seen first, does not spend it. Bounded:
/// who comes when kMostKnown asked within the period is not remembered. One thread.
class VerdictBudget {
 public:
  static constexpr std::size_t kMostKnown = 50'000;

  void set(const Rate& budget) { budget_ = budget; }

  /// Whether a verdict on this client may be enforced; from then on it has cost what it costs.
  /// `neighbourhood`: with which it fails, if it does.
  [[nodiscard]] bool admits(const ClientId& client, const std::optional<ClientId>& neighbourhood,
                            bool loud, Instant now);
  /// The verdict on a client is over: from now on it may come back.
  void ended(const ClientId& client, Instant now);
  /// After a restart: of a verdict in force since `from`. Whom neighbours told is not known any
  /// more: those of one neighbourhood count as one.
  void restore(const ClientId& client, Instant from, Instant now);

 private:
  struct Admitted {
    Instant last;  // when it last asked, or its verdict ended
    bool enforced = false;
  };
  using Known = std::unordered_map<ClientId, Admitted, ClientIdHash>;
  /// What is known of one, who asks now; null: of too many others already.
  [[nodiscard]] Admitted* find(Known& known, const ClientId& who, Instant now) const;
  void forget(Instant now);

  Rate budget_{};
  // Within the period, and those known for up to a minute beyond it:
  std::deque<Instant> spent_;  // when
  Known clients_;
  Known neighbourhoods_;
  Instant swept_;
};

}  // namespace tidelimit::policy
