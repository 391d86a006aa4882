#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "policy/cell_scale.hpp"
#include "policy/readings.hpp"
#include "policy/renumbering.hpp"
#include "policy/rule_state.hpp"
#include "policy/settings.hpp"
#include "policy/trigger.hpp"

namespace tidelimit::policy {

/// One rule on plans and all that it remembers: whether it holds, and how far it has moved each
/// cell ([endpoint][tier], row-major) from its base limit. A forecast rule whose condition is no
/// longer met takes no further step, and holds what it has until it ends.
class RuleMemory {
 public:
  RuleMemory(const PolicySettings& settings, std::size_t rule);

  /// Takes over what an older configuration's rule of the same name remembers.
  void inherit(const RuleMemory& older, const Renumbering& renumbering);

  /// See RuleSet::restore.
  void restore(std::size_t cell, double scale, std::optional<Instant> stepped,
               const std::string& cause);
  void keep_above(std::size_t cell, double scale) { cells_[cell].scale.keep_above(scale); }

  /// Moves triggers and scales from `before` (the last step) to `now`.
  void update(const StepReadings& readings, Now now, Instant before);

  [[nodiscard]] std::size_t rule() const { return rule_; }
  [[nodiscard]] Mode mode() const { return state_.mode.mode; }
  [[nodiscard]] bool on_forecast() const { return condition_.on_forecast(); }
  [[nodiscard]] double scale(std::size_t cell) const { return cells_[cell].scale.value(); }
  /// Whether the cell is still on its way to where the rule wants it.
  [[nodiscard]] bool moving(std::size_t cell) const { return cells_[cell].scale.moving(); }
  [[nodiscard]] std::size_t cells() const { return cells_.size(); }
  /// See CellScale::end_raise.
  void end_raise(std::size_t cell) { cells_[cell].scale.end_raise(); }
  /// Nothing holds and nothing is left to relax.
  [[nodiscard]] bool at_rest() const { return at_rest_; }
  /// When a planned time that it looks at next starts or ends; empty: never.
  [[nodiscard]] std::optional<WallTime> next_edge(WallTime now) const;
  [[nodiscard]] const RuleState& state() const { return state_; }
  /// Why the rule moves the cells of this endpoint.
  [[nodiscard]] const std::string& cause(std::size_t endpoint) const;

 private:
  struct Watch {
    std::optional<std::size_t> endpoint;  ///< empty: looks at signals alone
    Trigger trigger;
  };
  struct Cell {
    CellScale scale;
    double held = 1.0;  ///< the goal while the rule holds: its scale, or the floor above it
    double floor = 0;
  };

  void watch(const PolicySettings& settings);
  bool update_triggers(const StepReadings& readings);
  void update_state(WallTime now);
  /// Whether some trigger is as `is` says (Trigger::active, Trigger::met) for this endpoint.
  [[nodiscard]] bool any_on(std::size_t endpoint, bool (Trigger::*is)() const) const;

  std::size_t rule_;
  Condition condition_;
  bool same_endpoints_;
  Adapt adapt_;
  std::size_t tiers_;
  std::vector<Watch> watches_;
  std::vector<Cell> cells_;
  bool at_rest_ = true;
  std::string ended_;  ///< why the trigger that ended last did
  RuleState state_;
};

}  // namespace tidelimit::policy
