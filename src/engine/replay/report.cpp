#include "engine/replay/report.hpp"

#include <algorithm>
#include <numeric>

namespace tidelimit::engine {
namespace {

std::uint64_t sum(const ReasonCounts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

}  // namespace

std::uint64_t Outcomes::denied() const {
  return sum(denied_by);
}
std::uint64_t Outcomes::would_deny() const {
  return sum(would_deny_by);
}

std::uint64_t HarmedPrincipal::denied() const {
  return sum(denied_by);
}

std::uint64_t HarmedPrincipal::adapted() const {
  std::uint64_t adapted = 0;
  for (std::size_t i = 0; i < limiter::kReasons; ++i)
    if (is_adapted(static_cast<limiter::Reason>(i))) adapted += denied_by[i];
  return adapted;
}

void Outcomes::operator+=(const Outcomes& other) {
  allowed += other.allowed;
  for (std::size_t i = 0; i < limiter::kReasons; ++i) {
    denied_by[i] += other.denied_by[i];
    would_deny_by[i] += other.would_deny_by[i];
  }
}

Outcomes ReplayReport::total() const {
  Outcomes all;
  for (const Outcomes& cell : cells) all += cell;
  return all;
}

std::optional<std::size_t> ReplayReport::cell_named(const std::string& endpoint,
                                                    const std::string& tier) const {
  const auto e = std::find(endpoints.begin(), endpoints.end(), endpoint);
  const auto t = std::find(tiers.begin(), tiers.end(), tier);
  if (e == endpoints.end() || t == tiers.end()) return std::nullopt;
  return static_cast<std::size_t>(e - endpoints.begin()) * tiers.size() +
         static_cast<std::size_t>(t - tiers.begin());
}

}  // namespace tidelimit::engine
