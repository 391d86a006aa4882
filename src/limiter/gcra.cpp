#include "limiter/gcra.hpp"

#include <cmath>

namespace tidelimit::limiter {
namespace {

Limit within_bounds(double interval_ns, std::uint64_t burst) {
  const auto interval = std::clamp(std::llround(std::min(interval_ns, 1e17)), 1LL,
                                   static_cast<long long>(kMaxTolerance.count()));
  const auto longest = static_cast<std::uint64_t>(kMaxTolerance.count() / interval);
  return {Nanos{interval}, std::clamp<std::uint64_t>(burst, 1, longest)};
}

}  // namespace

Limit make_limit(const Rate& rate, std::uint64_t burst) {
  return within_bounds(static_cast<double>(rate.period.count()) / static_cast<double>(rate.count),
                       burst);
}

Limit scaled(const Limit& limit, double scale) {
  if (limit.unlimited() || scale == 1.0) return limit;
  const double factor = std::max(scale, 1e-6);
  // 100 * 0.29 is 28.999999999999996: a hair is added before cutting, never a hit.
  const auto burst = static_cast<std::uint64_t>(static_cast<double>(limit.burst) * factor + 1e-6);
  return within_bounds(static_cast<double>(limit.emission_interval.count()) / factor, burst);
}

}  // namespace tidelimit::limiter
