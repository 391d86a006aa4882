#pragma once

#include <optional>
#include <vector>

#include "base/time.hpp"

namespace tidelimit::ingest {

/// The grid that a series of ready windows lies on: a window begins at `origin` and at each `step`
/// before and after it.
struct WindowStep {
  Nanos step{};
  WallTime origin{};

  /// The beginning of the window that `time`, a little early or late perhaps, stands for.
  [[nodiscard]] WallTime nearest(WallTime time) const {
    return floor_to(WallTime{time - origin + step / 2}, step).time_since_epoch() + origin;
  }
  /// A row so far off a beginning stands for none.
  [[nodiscard]] Nanos tolerance() const { return step / 20; }
  [[nodiscard]] bool holds(WallTime time) const {
    const Nanos off = time - nearest(time);
    return off <= tolerance() && -off <= tolerance();
  }
};

/// The widest grid on which the rows lie, one to a window, all but one in twenty: rows may be
/// missing, and times be a little early or late. Where whole seconds, minutes, hours or days fit as
/// well, those. `times`: all, in order, at least one; `distances`: of neighbours within each
/// endpoint, in any order. nullopt: there is no such grid.
[[nodiscard]] std::optional<WindowStep> find_step(const std::vector<WallTime>& times,
                                                  std::vector<Nanos> distances, Nanos otherwise);

}  // namespace tidelimit::ingest
