#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"
#include "policy/settings.hpp"

namespace tidelimit::policy {

/// Whether a rule holds now, and why (for one that has ended: why it ended).
struct RuleState {
  std::string rule;
  bool active = false;
  ModeFor mode;
  std::string cause;
  WallTime since{};

  /// Goes on as an older configuration's rule of the same name stood.
  void inherit(const RuleState& older) {
    active = older.active;
    cause = older.cause;
    since = older.since;
  }
};

/// What an endpoint or an upstream can take, in work a second (requests of cost 1), as the rule
/// that divides it knows it.
struct CapacityState {
  std::string name;
  bool learned = false;              ///< else as configured
  std::optional<double> per_second;  ///< empty: learned, and nothing known yet
  double at_least = 0;               ///< the most that was served lately without waiting, or not
  std::optional<double> ceiling;     ///< of one that is learned
  double latency_ratio = 0;          ///< latency lately, over the usual; 0: not known
};

}  // namespace tidelimit::policy
