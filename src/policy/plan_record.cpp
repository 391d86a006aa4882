#include "policy/plan_record.hpp"

#include <cmath>

namespace tidelimit::policy {
namespace {

using limiter::View;
using Of = PlanChange::Of;

constexpr Of kFigures[kPlanFigures] = {Of::limit, Of::total, Of::shed};
constexpr double kNotedStep = 0.1;       // of a scale or a share to shed, while it moves
constexpr double kNotedTotalStep = 0.2;  // the same for a total, of itself
constexpr Nanos kNoteEvery = std::chrono::seconds{10};

bool scale_differs(double before, const Setting& after) {
  if (after.scale == before) return false;
  const bool tightens = after.scale < before && after.scale < 1.0;
  return tightens || !after.moving || std::abs(after.scale - before) >= kNotedStep - kRounding;
}

bool shed_differs(double before, double after) {
  if ((before == 0) != (after == 0)) return true;
  return std::abs(after - before) >= kNotedStep - kRounding;
}

bool belongs_on_record(Of of, double before, const Setting& after) {
  switch (of) {
    case Of::limit:
      return scale_differs(before, after);
    case Of::total:
      return total_differs(before, after.total, kNotedTotalStep);
    case Of::shed:
      return shed_differs(before, after.shed);
  }
  return false;
}

}  // namespace

Figure figure_of(const Setting& setting, Of of) {
  switch (of) {
    case Of::limit:
      break;
    case Of::total:
      return {setting.total, setting.total_rule};
    case Of::shed:
      return {setting.shed, setting.shed_rule};
  }
  return {setting.scale, setting.rule};
}

PlanRecord::PlanRecord(std::size_t cells) {
  Cell at_base{};
  for (const Of of : kFigures)
    at_base.in_force[index(of)] = at_base.shadow[index(of)] = figure_of({}, of).value;
  cells_.assign(cells, at_base);
}

std::vector<PlanRecord::Departure> PlanRecord::note(std::size_t cell, const CellSettings& settings,
                                                    View enforced, Instant now) {
  Cell& known = cells_[cell];
  std::vector<Departure> departures;
  const bool due = !known.noted || now - *known.noted >= kNoteEvery;
  for (const Of of : kFigures) {
    if (of != Of::limit && !due) continue;
    const auto put = [&](View view, double& last) {
      const Setting& setting = settings[index(view)];
      if (!belongs_on_record(of, last, setting)) return;
      departures.push_back({of, view, last});
      last = figure_of(setting, of).value;
      if (of != Of::limit) known.noted = now;
    };
    const auto value_in = [&](View view) { return figure_of(settings[index(view)], of).value; };
    double& in_force = known.in_force[index(of)];
    double& shadow = known.shadow[index(of)];
    const bool apart = shadow != in_force || value_in(View::shadow) != value_in(enforced);
    put(enforced, in_force);
    if (apart) {
      put(View::shadow, shadow);
    } else {
      shadow = in_force;
    }
  }
  return departures;
}

void PlanRecord::restore(std::size_t cell, Of of, double value, bool in_force) {
  Cell& known = cells_[cell];
  if (in_force) known.in_force[index(of)] = value;
  known.shadow[index(of)] = value;
}

}  // namespace tidelimit::policy
