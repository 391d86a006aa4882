#include <cmath>
#include <fmt/format.h>
#include <numeric>

#include "policy/divider.hpp"
#include "policy/words.hpp"

namespace tidelimit::policy {
namespace {

std::string rate_in_words(double per_second) {
  return per_second < 10 ? fmt::format("{:.1f}/s", per_second) : count_in_words(per_second) + "/s";
}

}  // namespace

std::string Divider::claims_in_words(const Pool& pool) {
  const std::string claims = rate_in_words(pool.claimed);
  if (std::isinf(pool.usable))
    return fmt::format("what {} can take is not known yet, claims are {}", pool.name, claims);
  return fmt::format("{} can take {}{}{}, claims are {}", pool.name, rate_in_words(pool.usable),
                     pool.in_work ? " of work" : "", pool.estimate ? " (learned)" : "", claims);
}

/// "core can take 450/s, claims are 620/s; payment gets 41 % of it (forecast 1.9 times the usual);
/// browse STD gets 64 % of the 120/s it claims". `i` is the class's place in the pool.
std::string Divider::describe(const Pool& pool, std::size_t i, const std::vector<double>& shares,
                              const StepReadings& readings) const {
  const std::size_t tiers = tiers_.size();
  const std::size_t own = pool.endpoints[i / tiers];
  std::string text = claims_in_words(pool);
  std::optional<std::size_t> first;  // the other endpoint that gets most
  double most = 0;
  for (std::size_t e = 0; e < pool.endpoints.size(); ++e) {
    const auto from = shares.begin() + static_cast<std::ptrdiff_t>(e * tiers);
    const double taken = std::accumulate(from, from + static_cast<std::ptrdiff_t>(tiers), 0.0);
    if (pool.endpoints[e] == own || taken <= most) continue;
    first = pool.endpoints[e];
    most = taken;
  }
  if (first) {
    text +=
        fmt::format("; {} gets {} of it", endpoints_[*first], percent_in_words(most / pool.usable));
    const auto* forecast = readings.endpoints[*first].forecast;
    if (const auto spike = forecast != nullptr ? forecast->spike() : std::nullopt)
      text += fmt::format(" (forecast {} times the usual)", ratio_in_words(*spike));
  }
  const double claim = classes_[own * tiers + i % tiers].claim;
  return text + fmt::format("; {} {} gets {} of the {} it claims", endpoints_[own],
                            tiers_[i % tiers], percent_in_words(shares[i] / claim),
                            rate_in_words(claim) + (pool.in_work ? " of work" : ""));
}

}  // namespace tidelimit::policy
