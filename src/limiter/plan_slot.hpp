#pragma once

#include <memory>

#include "limiter/plan.hpp"
#include "limiter/snapshot.hpp"

namespace tidelimit::limiter {

/// A copy in which all that Plan says of itself holds, even of one that was built by hand:
///   - View::shadow has a total, and sheds, wherever any other view or stage of the cell does;
///   - limits on requests in flight are such as can be counted;
///   - PlanEndpoint::longest and Plan::usual are set.
/// Workers go by such plans alone.
[[nodiscard]] std::shared_ptr<const Plan> completed(const Plan& plan);

/// Where plans are published: workers get them completed.
class PlanSlot : public SnapshotSlot<Plan> {
 public:
  void publish(const std::shared_ptr<const Plan>& plan);
};

}  // namespace tidelimit::limiter
