#include "policy/cell_scale.hpp"

#include <algorithm>

namespace tidelimit::policy {
namespace {

/// By how much a scale returns to 1 in so long.
double relaxed(const Adapt& adapt, Nanos span) {
  return adapt.relax_per_minute * static_cast<double>(span.count()) / 60e9;
}

}  // namespace

void CellScale::move(double goal, Pace pace, const Adapt& adapt, Instant now, Instant before) {
  goal_ = goal;
  if (goal_ > 1.0) {
    value_ = goal_;
  } else if (value_ > 1.0) {
    value_ = std::max(1.0, value_ - relaxed(adapt, now - before));
  } else if (value_ > goal_) {
    tighten(pace, adapt, now);
  } else if (value_ < goal_) {
    relax(pace, adapt, now, before);
  }
}

void CellScale::restore(double value, std::optional<Instant> stepped) {
  value_ = value;
  if (stepped) stepped_at_ = stepped;
}

void CellScale::keep_above(double floor) {
  value_ = std::max(value_, floor);
}

void CellScale::end_raise() {
  if (value_ > 1.0 && goal_ <= 1.0) value_ = 1.0;
}

void CellScale::tighten(Pace pace, const Adapt& adapt, Instant now) {
  if (pace == Pace::at_once) {
    value_ = goal_;
  } else if (!stepped_at_ || now - *stepped_at_ >= adapt.hold) {
    value_ = std::max(goal_, value_ * adapt.tighten);
    stepped_at_ = now;
  }
}

void CellScale::relax(Pace pace, const Adapt& adapt, Instant now, Instant before) {
  Instant from = before;
  if (pace == Pace::by_steps && stepped_at_) from = std::max(from, *stepped_at_ + adapt.hold);
  if (now > from) value_ = std::min(goal_, value_ + relaxed(adapt, now - from));
}

}  // namespace tidelimit::policy
