#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "policy/divider.hpp"
#include "policy/plan_cells.hpp"
#include "policy/plan_change.hpp"
#include "policy/plan_inputs.hpp"
#include "policy/rule_memory.hpp"
#include "policy/rule_state.hpp"
#include "policy/shedder.hpp"

namespace tidelimit::policy {

/// The rules on plans that are not off: what each remembers, and what they ask for together. One
/// thread.
class RuleSet {
 public:
  explicit RuleSet(const PolicySettings& settings);

  /// Takes over what an older configuration's rules of the same names remember.
  void inherit(const RuleSet& older, const Renumbering& renumbering);
  /// Takes over how far a rule had moved a cell before a restart. `in_force`: the change was of
  /// what is in force, and says nothing of rules that are only watched.
  void restore(std::size_t cell, const PlanChange& change, bool in_force, Now now);
  /// Moves all from `before` (the last step) to the inputs' time.
  void update(const PlanInputs& inputs, const PolicySettings& settings, Instant before);

  /// Without new inputs nothing moves, until a planned time starts or ends.
  [[nodiscard]] bool at_rest() const;
  /// Whether a rule looks at the endpoints' load.
  [[nodiscard]] bool wants_load() const { return !shedders_.empty() || !dividers_.empty(); }
  /// Where a cell stands for those whom it takes `share` of the principals to reach.
  [[nodiscard]] CellSettings settings(std::size_t cell, double share) const;
  /// Why a cell stands where a rule set it, or, after `now` is none, where `before` had; "" where
  /// no rule of these has.
  [[nodiscard]] std::string cause(std::size_t cell, limiter::RuleId now,
                                  limiter::RuleId before) const;

  /// Shares of the principals, below 1, for whom some of the rules are enforced; ascending.
  [[nodiscard]] const std::vector<double>& stages() const { return stages_; }
  /// By index of the configuration's rules.
  [[nodiscard]] const std::vector<RuleState>& states() const { return states_; }
  /// When a planned time next starts or ends, as of the last update.
  [[nodiscard]] std::optional<WallTime> next_planned() const { return planned_; }
  [[nodiscard]] std::vector<CapacityState> capacities() const;

 private:
  void find_stages(const PolicySettings& settings);
  void end_raises();
  [[nodiscard]] std::optional<WallTime> next_edge(WallTime now) const;

  std::size_t tiers_;
  std::vector<RuleMemory> memories_;
  std::vector<Divider> dividers_;  ///< of the rules that divide capacities
  std::vector<Shedder> shedders_;  ///< of the rules on queueing
  std::vector<RuleState> states_;  ///< of all rules
  std::vector<double> stages_;
  std::optional<WallTime> planned_;
};

}  // namespace tidelimit::policy
