#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "policy/plan_cells.hpp"
#include "policy/plan_change.hpp"

namespace tidelimit::policy {

/// A figure of a cell that rules set, and the rule that did.
struct Figure {
  double value;
  limiter::RuleId rule;
};
[[nodiscard]] Figure figure_of(const Setting& setting, PlanChange::Of of);

/// What of each cell ([endpoint][tier]) was last put on record, so that the record holds what has
/// changed since and not every step of the way there. One thread.
class PlanRecord {
 public:
  /// A figure that has left what is on record.
  struct Departure {
    PlanChange::Of of;
    limiter::View view;
    double before;
  };

  explicit PlanRecord(std::size_t cells);

  /// What of a cell belongs on record, and is there from now on. `enforced`: the view in force.
  /// The shadow view is on record only where it parts from that one. Totals and shares to shed
  /// follow what is asked for from second to second: of one cell at most every ten seconds.
  [[nodiscard]] std::vector<Departure> note(std::size_t cell, const CellSettings& settings,
                                            limiter::View enforced, Instant now);

  /// What a record of before says; of the view in force, too, where `in_force`.
  void restore(std::size_t cell, PlanChange::Of of, double value, bool in_force);
  /// The cell of another record, made under other settings.
  void inherit(std::size_t cell, const PlanRecord& older, std::size_t older_cell) {
    cells_[cell] = older.cells_[older_cell];
  }

 private:
  using Figures = std::array<double, kPlanFigures>;  // by PlanChange::Of
  struct Cell {
    Figures in_force;
    Figures shadow;
    std::optional<Instant> noted;  // when a total or a share to shed was, for the last time
  };
  std::vector<Cell> cells_;
};

}  // namespace tidelimit::policy
