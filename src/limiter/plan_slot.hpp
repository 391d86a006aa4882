#pragma once

#include <memory>

#include "limiter/plan.hpp"
#include "limiter/snapshot.hpp"

namespace tidelimit::limiter {

/// Where plans are published. Workers get a copy in which all that Plan says of itself holds, even
/// of one that was built by hand:
///   - View::shadow has a total, and sheds, wherever any other view or stage of the cell does;
///   - limits on requests in flight are such as can be counted;
///   - PlanEndpoint::longest is set.
class PlanSlot : public SnapshotSlot<Plan> {
 public:
  void publish(const std::shared_ptr<const Plan>& plan);
};

}  // namespace tidelimit::limiter
