#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "impact/outcome.hpp"

namespace tidelimit::impact {

/// A mean over seeds, and half the width of its 95 % confidence interval (Student's t).
struct Estimate {
  double mean = 0;
  double half_width = 0;  ///< NaN with one seed alone
};
[[nodiscard]] Estimate estimate(const std::vector<double>& values);
/// "0.312 ± 0.004".
[[nodiscard]] std::string in_words(const Estimate& estimate, int digits);

/// What every arm made of every seed: outcomes[seed][arm].
using Outcomes = std::vector<std::array<Outcome, kArms>>;

/// The promises of the experiment, each measured within one seed and then averaged.
struct Promise {
  std::string_view name;
  Estimate value;
  std::string_view aim;      ///< "<=0.7"; empty: none
  std::string_view meaning;  ///< in a line
};
[[nodiscard]] std::vector<Promise> promises(const Outcomes& outcomes);

/// One figure of one arm over the seeds.
template <class Measure>
[[nodiscard]] Estimate over_seeds(const Outcomes& outcomes, Arm arm, Measure&& measure) {
  std::vector<double> values;
  for (const auto& seed : outcomes) values.push_back(measure(seed[static_cast<std::size_t>(arm)]));
  return estimate(values);
}

/// The same of the good calls to one offer by one tier, in the spike.
template <class Measure>
[[nodiscard]] Estimate in_spike(const Outcomes& outcomes, Arm arm, std::size_t offer,
                                std::size_t tier, Measure&& measure) {
  return over_seeds(outcomes, arm, [&](const Outcome& outcome) {
    return measure(outcome.sum(Phase::spike, offer, tier));
  });
}

/// Good customers' calls, all phases but the spike and the flood: the share that a limit denied.
[[nodiscard]] double denied_in_calm(const Outcome& outcome);
/// The share of a group that was answered within its deadline.
[[nodiscard]] double availability(const Group& group);
/// In the spike: of the calls to /payment by PRM, and of all by STD.
[[nodiscard]] double payment_prm_available(const Outcome& outcome);
[[nodiscard]] double std_available(const Outcome& outcome);
/// NaN of nothing.
[[nodiscard]] double percent(std::uint64_t part, std::uint64_t whole);

/// p95 over all good calls of the spike that were answered, ms.
[[nodiscard]] double p95_in_spike(const Outcome& outcome);
/// The share of the attackers' calls that no limit denied.
[[nodiscard]] double attack_passed(const Outcome& outcome);

/// Tables for people: one row an arm, then one an endpoint and tier.
[[nodiscard]] std::string tables(const Outcomes& outcomes, std::span<const Arm> arms);

}  // namespace tidelimit::impact
