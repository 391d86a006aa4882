#include "limiter/plan_slot.hpp"

#include <algorithm>

#include "limiter/lease_region.hpp"
#include "limiter/usual_call.hpp"

namespace tidelimit::limiter {
namespace {

// What the data plane looks at first to see whether any view has more than limits on principals.
void show_in(CellLimits& shadow, const Cell& cell) {
  for (const CellLimits& view : cell.views) {
    if (shadow.total.unlimited()) {
      shadow.total = view.total;
      shadow.total_rule = view.total_rule;
    }
    if (shadow.shed == 0) {
      shadow.shed = view.shed;
      shadow.shed_rule = view.shed_rule;
    }
  }
}

// A table that is too short limits nobody where it ends.
void resize(Plan& plan) {
  plan.tiers = std::max<std::size_t>(plan.tiers, 1);
  const std::size_t cells = plan.endpoints.size() * plan.tiers;
  plan.cells.resize(cells);
  for (RolloutStage& stage : plan.stages) stage.cells.resize(cells);
  if (!plan.in_flight.empty()) plan.in_flight.resize(cells);
}

void note_longest(Plan& plan, const std::vector<Cell>& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    Nanos& longest = plan.endpoints[i / plan.tiers].longest;
    for (const CellLimits& view : cells[i].views)
      longest = std::max(longest, view.principal.tolerance());
  }
}

}  // namespace

std::shared_ptr<const Plan> completed(const Plan& plan) {
  auto made = std::make_shared<Plan>(plan);
  resize(*made);
  for (PlanEndpoint& endpoint : made->endpoints) {
    endpoint.longest = Nanos{0};
    endpoint.lease_generation_ms = std::min(endpoint.lease_generation_ms, LeaseKey::kLongest);
  }
  for (std::uint16_t& limit : made->in_flight)
    limit = std::min(limit, std::uint16_t{LeaseCounts::kMost});
  for (Cell& cell : made->cells) show_in(cell.in(View::shadow), cell);
  for (RolloutStage& stage : made->stages) {
    for (std::size_t i = 0; i < stage.cells.size(); ++i) {
      show_in(stage.cells[i].in(View::shadow), stage.cells[i]);
      show_in(made->cells[i].in(View::shadow), stage.cells[i]);
    }
    note_longest(*made, stage.cells);
  }
  note_longest(*made, made->cells);
  made->usual = usual_limits(*made);
  return made;
}

void PlanSlot::publish(const std::shared_ptr<const Plan>& plan) {
  SnapshotSlot::publish(plan != nullptr ? completed(*plan) : nullptr);
}

}  // namespace tidelimit::limiter
