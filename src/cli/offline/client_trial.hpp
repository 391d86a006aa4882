#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "anomaly/detector.hpp"
#include "base/hash.hpp"
#include "limiter/verdict.hpp"
#include "policy/verdict_book.hpp"
#include "traffic/client_replay.hpp"

namespace tidelimit::cli {

/// What came of one client.
struct ClientOutcome {
  limiter::VerdictKind worst = limiter::VerdictKind::normal;  ///< at any time
  /// For ranking: the largest score of the forest over the scans in which the client did harm,
  /// plus 1; of one that never did, the largest of all. In (0, 2).
  double rank = 0;
};
using ClientOutcomes = std::unordered_map<ClientId, ClientOutcome, ClientIdHash>;

/// Judges the clients of a log in virtual time, by the detector and the rules on figures, once a
/// minute: profiles, evidence and verdicts are those that serve live traffic. Feed requests in
/// order of time; those out of order count at the latest time seen. One thread.
class ClientTrial {
 public:
  /// Without a detector only rules speak. `keep_outcomes`: memory grows with the clients.
  ClientTrial(std::shared_ptr<const anomaly::Detector> detector,
              const policy::PolicySettings& settings, bool keep_outcomes);

  /// True when new malicious clients are in raised().
  bool add(const traffic::Request& request) {
    raised_.clear();
    replay_.add(request, [this](std::uint32_t slot, bool, const ClientId& client, WallTime wall) {
      scan(slot, client, wall);
    });
    if (scanned_) settle();
    return !raised_.empty();
  }
  /// Ends the running minute.
  bool finish();

  [[nodiscard]] bool malicious(const ClientId& client) const {
    return table_ && is_malicious(client);
  }
  /// Clients whose verdict malicious began at the last add().
  [[nodiscard]] const std::vector<ClientId>& raised() const { return raised_; }
  [[nodiscard]] const ClientOutcomes& outcomes() const { return outcomes_; }
  [[nodiscard]] std::uint64_t verdicts() const { return verdicts_; }

 private:
  void scan(std::uint32_t slot, const ClientId& client, WallTime wall);
  void settle();
  [[nodiscard]] bool is_malicious(const ClientId& client) const;

  std::shared_ptr<const anomaly::Detector> detector_;
  bool keep_outcomes_;
  policy::VerdictBook book_;
  traffic::ClientReplay replay_;
  std::shared_ptr<const limiter::VerdictTable> table_;
  bool scanned_ = false;
  Now now_{};
  std::vector<ClientId> raised_;
  ClientOutcomes outcomes_;
  std::uint64_t verdicts_ = 0;
};

}  // namespace tidelimit::cli
