#include "policy/fair_share.hpp"

#include <algorithm>

namespace tidelimit::policy {
namespace {

double share_at(const Claim& claim, double level) {
  return std::clamp(level * claim.weight, claim.minimum, claim.demand);
}

double total_at(std::span<const Claim> claims, double level) {
  double sum = 0;
  for (const Claim& claim : claims) sum += share_at(claim, level);
  return sum;
}

/// The level at which the shares add up to `capacity`: their sum grows with it, straight between
/// the levels at which some claim leaves its minimum or has all that it demands.
double level_for(double capacity, std::span<const Claim> claims) {
  std::vector<double> bends{0.0};
  for (const Claim& claim : claims) {
    bends.push_back(claim.minimum / claim.weight);
    bends.push_back(claim.demand / claim.weight);
  }
  std::sort(bends.begin(), bends.end());
  const auto above = std::partition_point(
      bends.begin(), bends.end(), [&](double level) { return total_at(claims, level) < capacity; });
  if (above == bends.end()) return bends.back();
  if (above == bends.begin()) return bends.front();
  const double low = *(above - 1);
  const double at_low = total_at(claims, low);
  const double rise = total_at(claims, *above) - at_low;
  return low + (*above - low) * (capacity - at_low) / rise;
}

}  // namespace

std::vector<double> max_min_shares(double capacity, std::span<const Claim> claims) {
  double minimums = 0;
  for (const Claim& claim : claims) minimums += claim.minimum;
  std::vector<double> shares;
  shares.reserve(claims.size());
  if (minimums >= capacity) {
    const double factor = minimums > 0 ? capacity / minimums : 0.0;
    for (const Claim& claim : claims) shares.push_back(claim.minimum * factor);
    return shares;
  }
  const double level = level_for(capacity, claims);
  for (const Claim& claim : claims) shares.push_back(share_at(claim, level));
  return shares;
}

}  // namespace tidelimit::policy
