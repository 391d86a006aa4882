#include "cli/suggest/refusal_trial.hpp"

#include <algorithm>

namespace tidelimit::cli {
namespace {

/// Whether the limit may refuse any of it. A peak P bounds every 55 s, so L seconds hold at most
/// ceil(L / 55) * P requests; N a minute with a burst of N lets N + N * L / 60 pass, which is no
/// less for every L as long as P <= N * 55 / 60.
bool may_refuse(const limiter::Limit& limit, const Peak& peak) {
  return !limit.unlimited() && std::uint64_t{peak.peak} * 60 > limit.burst * 55;
}

}  // namespace

RefusalTrial::RefusalTrial(const std::vector<std::uint64_t>& per_minute, std::size_t tiers)
    : tiers_(tiers) {
  for (const std::uint64_t n : per_minute) {
    const Rate rate{n, std::chrono::minutes{1}};
    limits_.push_back(n == 0 ? limiter::Limit{} : limiter::make_limit(rate, default_burst(rate)));
  }
}

void RefusalTrial::watch(const Peak& peak) {
  for (std::size_t tier = 0; tier < tiers_; ++tier)
    if (peak.came_in(tier) && may_refuse(limit(peak.endpoint, tier), peak))
      watched_[place_of(peak.principal, peak.endpoint)].found.peak = peak;
}

void RefusalTrial::add(std::uint64_t principal, std::uint16_t endpoint, std::uint8_t tier,
                       WallTime time) {
  if (!begun_) first_ = time;
  begun_ = true;
  now_.since_start = std::max<Nanos>(now_.since_start, time - first_);
  const auto found = watched_.find(place_of(principal, endpoint));
  if (found == watched_.end()) return;
  Watched& watched = found->second;
  const auto answer = limiter::conform(watched.tat, 1, limit(endpoint, tier), now_);
  watched.tat = answer.tat;
  if (!answer.conforms) ++watched.found.by_tier[tier];
}

std::vector<Refusals> RefusalTrial::refusals() const {
  std::vector<Refusals> all;
  for (const auto& [place, watched] : watched_)
    if (!watched.found.by_tier.empty()) all.push_back(watched.found);
  return all;
}

}  // namespace tidelimit::cli
