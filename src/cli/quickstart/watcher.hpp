#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/quickstart/demo_clients.hpp"
#include "cli/quickstart/scenario.hpp"
#include "engine/engine.hpp"

namespace tidelimit::cli::quickstart {

/// One thing that the play is to show, and whether it was seen.
struct Sight {
  std::string what;
  bool seen = false;
  std::string how;  ///< the figures behind it
};

/// Looks at the running gate, tells what happens as it happens, and remembers whether everything
/// that was promised came true. One thread.
class Watcher {
 public:
  Watcher(const engine::Engine& engine, const DemoClients& clients, const Scenario& scenario);

  /// To be called a few times a second.
  void look();

  [[nodiscard]] std::vector<Sight> sights() const;
  [[nodiscard]] bool all_seen() const;

 private:
  void tell(WallTime time, std::string words) { story_.emplace_back(time, std::move(words)); }
  void print_story();
  void look_at_forecasts(const engine::Status& status);
  void look_at_plan(const engine::Status& status);
  void look_at_verdicts(const engine::Status& status);
  [[nodiscard]] std::string name_of(const ClientId& client) const;
  [[nodiscard]] std::vector<Sight> verdict_sights(
      const std::map<std::string, Account>& accounts) const;

  const engine::Engine& engine_;
  const DemoClients& clients_;
  const Scenario& scenario_;
  std::vector<std::pair<WallTime, std::string>> story_;  ///< of this look, in no order yet
  WallTime told_until_;
  WallTime last_forecast_{};
  WallTime last_change_{};
  double browse_std_least_ = 100;
  std::string browse_std_cause_;
  double payment_prm_least_ = 300;
  std::set<ClientId> verdicts_told_;
  std::set<ClientId> blocked_;
};

}  // namespace tidelimit::cli::quickstart
