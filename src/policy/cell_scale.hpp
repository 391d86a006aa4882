#pragma once

#include <optional>

#include "base/time.hpp"
#include "policy/settings.hpp"

namespace tidelimit::policy {

/// How one rule moves one limit ([endpoint][tier]) from its base: by steps, with holds, and back
/// slowly. Deterministic; one thread.
class CellScale {
 public:
  enum class Pace {
    at_once,   ///< tightens at once, and relaxes from the moment that its cause is gone
    by_steps,  ///< tightens by `adapt.tighten` a step, holds between steps and before it relaxes
  };

  /// Moves towards `goal` (of the base limit; above 1 only for planned times) from `before`, the
  /// last step, to `now`. Room that was planned for is there at once; everything else relaxes by
  /// `adapt.relax`.
  void move(double goal, Pace pace, const Adapt& adapt, Instant now, Instant before);

  [[nodiscard]] double value() const { return value_; }
  /// Stands where it stood before a restart; where it got there by a step down, that was `stepped`.
  void restore(double value, std::optional<Instant> stepped);
  /// Obeys at once a floor that a new configuration has raised.
  void keep_above(double floor);
  /// A raise whose time is over, and that another rule has tightened meanwhile, does not come back.
  void end_raise();
  /// Still on its way to its goal.
  [[nodiscard]] bool moving() const { return value_ != goal_; }

 private:
  void tighten(Pace pace, const Adapt& adapt, Instant now);
  void relax(Pace pace, const Adapt& adapt, Instant now, Instant before);

  double value_ = 1.0;  ///< of the base limit
  double goal_ = 1.0;
  std::optional<Instant> stepped_at_;  ///< the last step down
};

}  // namespace tidelimit::policy
