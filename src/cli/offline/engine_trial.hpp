#pragma once

#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/hash.hpp"
#include "engine/virtual_time.hpp"
#include "model/bundle.hpp"
#include "traffic/request.hpp"

namespace tidelimit::cli {

/// The clients of a log before the engine that serves, in virtual time and shadow mode: which
/// verdicts would a gate have passed on them. Feed requests in order of time; those out of order
/// count at the latest time seen. One thread.
class EngineTrial {
 public:
  /// Of the bundle only the detector is used; forecasts judge nobody.
  EngineTrial(engine::Settings settings, const model::Bundle& bundle);

  /// True when new malicious clients are in raised().
  bool add(const traffic::Request& request);
  /// Lets the last verdicts come.
  bool finish();

  [[nodiscard]] bool malicious(const ClientId& client) const {
    return !malicious_.empty() && malicious_.contains(client);
  }
  /// Clients whose verdict malicious began at the last add().
  [[nodiscard]] const std::vector<ClientId>& raised() const { return raised_; }
  using Worst = std::unordered_map<ClientId, limiter::VerdictKind, ClientIdHash>;
  /// The worst verdict on each client that ever had one.
  [[nodiscard]] const Worst& worst() const { return worst_; }

 private:
  void advance(WallTime time);
  void look();

  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<engine::EngineWorker> worker_;
  engine::VirtualTime time_;
  std::unordered_set<ClientId, ClientIdHash> malicious_;
  std::vector<ClientId> raised_;
  Worst worst_;
};

}  // namespace tidelimit::cli
