#include "limiter/gcra.hpp"

#include <cmath>

namespace tidelimit::limiter {
namespace {

Limit within_bounds(std::int64_t interval_ns, std::uint64_t burst) {
  const auto interval = std::clamp<std::int64_t>(interval_ns, 1, kMaxTolerance.count());
  const auto longest = static_cast<std::uint64_t>(kMaxTolerance.count() / interval);
  return {Nanos{interval}, std::clamp<std::uint64_t>(burst, 1, longest)};
}

}  // namespace

Limit make_limit(const Rate& rate, std::uint64_t burst) {
  const auto period = static_cast<std::uint64_t>(rate.period.count());
  const std::uint64_t rest = period % rate.count;
  const std::uint64_t rounded_up = rest >= rate.count - rest ? 1 : 0;
  return within_bounds(static_cast<std::int64_t>(period / rate.count + rounded_up), burst);
}

Limit scaled(const Limit& limit, double scale) {
  if (limit.unlimited() || scale == 1.0) return limit;
  const double factor = std::max(scale, 1e-6);
  // 100 * 0.29 is 28.999999999999996: a hair is added before cutting, never a hit.
  const auto burst = static_cast<std::uint64_t>(static_cast<double>(limit.burst) * factor + 1e-6);
  const double interval = static_cast<double>(limit.emission_interval.count()) / factor;
  return within_bounds(std::llround(std::min(interval, 1e17)), burst);
}

}  // namespace tidelimit::limiter
