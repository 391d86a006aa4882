#pragma once

#include <span>
#include <vector>

namespace tidelimit::policy {

/// What one class of requests asks of a shared capacity. All in the same unit, none negative.
struct Claim {
  double demand = 0;
  double weight = 1;   ///< positive
  double minimum = 0;  ///< served before anything is divided; at most `demand`
};

/// Weighted max-min fair shares (Bertsekas and Gallager, Data Networks, 2nd ed. 1992,
/// section 6.5.2) with minimum rates: one level L for all, and every claim gets L times its weight,
/// but no less than its minimum and no more than it demands; what one leaves goes to the others.
/// Shares add up to `capacity`, or to all that is demanded if that is less. Minimums that exceed
/// the capacity together are all cut by the same factor. Pure.
[[nodiscard]] std::vector<double> max_min_shares(double capacity, std::span<const Claim> claims);

}  // namespace tidelimit::policy
