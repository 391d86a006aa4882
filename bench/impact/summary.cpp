#include "impact/summary.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <numeric>

namespace tidelimit::impact {
namespace {

/// Student's t for a two-sided 95 % interval, by degrees of freedom from 1 on.
constexpr std::array kStudent{12.706, 4.303, 3.182, 2.776, 2.571,
                              2.447,  2.365, 2.306, 2.262, 2.228};
constexpr double kNormal = 1.96;

double std_in_time(const Outcome& outcome) {
  return static_cast<double>(outcome.sum(Phase::spike, Outcome::kAll, kStd).in_time);
}
double std_answered(const Outcome& outcome) {
  return static_cast<double>(outcome.sum(Phase::spike, Outcome::kAll, kStd).answered);
}

template <class Measure>
Estimate over_static(const Outcomes& outcomes, Arm arm, Measure&& measure) {
  std::vector<double> values;
  for (const auto& arms : outcomes) {
    values.push_back(measure(arms[static_cast<std::size_t>(arm)]) /
                     measure(arms[static_cast<std::size_t>(Arm::fixed)]));
  }
  return estimate(values);
}

/// What the forecast adds to the reactive arm's gain in p95, of the whole arm's.
Estimate forecast_share(const Outcomes& outcomes, Arm reactive, Arm whole) {
  std::vector<double> shares;
  for (const auto& arms : outcomes) {
    const auto p95 = [&](Arm arm) { return p95_in_spike(arms[static_cast<std::size_t>(arm)]); };
    shares.push_back((p95(reactive) - p95(whole)) / (p95(Arm::fixed) - p95(whole)));
  }
  return estimate(shares);
}

}  // namespace

Estimate estimate(const std::vector<double>& values) {
  const auto n = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  if (values.size() < 2) return {mean, std::numeric_limits<double>::quiet_NaN()};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  const std::size_t freedom = values.size() - 1;
  const double t = freedom <= kStudent.size() ? kStudent[freedom - 1] : kNormal;
  return {mean, t * std::sqrt(squares / (n - 1) / n)};
}

std::string in_words(const Estimate& e, int digits) {
  if (std::isnan(e.half_width)) return fmt::format("{:.{}f}", e.mean, digits);
  return fmt::format("{:.{}f} ± {:.{}f}", e.mean, digits, e.half_width, digits);
}

double p95_in_spike(const Outcome& outcome) {
  return outcome.sum(Phase::spike).latency.quantile(0.95);
}

double attack_passed(const Outcome& outcome) {
  std::uint64_t asked = 0, denied = 0;
  for (const Group& group : outcome.attack) {
    asked += group.asked;
    denied += group.denied;
  }
  return 1 - static_cast<double>(denied) / static_cast<double>(std::max<std::uint64_t>(asked, 1));
}

double denied_in_calm(const Outcome& outcome) {
  const Group calm = outcome.sum(Phase::calm);
  return static_cast<double>(calm.denied) / static_cast<double>(calm.asked);
}

double availability(const Group& group) {
  return static_cast<double>(group.in_time) / static_cast<double>(group.asked);
}

double payment_prm_available(const Outcome& outcome) {
  return availability(outcome.sum(Phase::spike, kPayment, kPrm));
}

double std_available(const Outcome& outcome) {
  return availability(outcome.sum(Phase::spike, Outcome::kAll, kStd));
}

double percent(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return std::numeric_limits<double>::quiet_NaN();
  return 100 * static_cast<double>(part) / static_cast<double>(whole);
}

std::vector<Promise> promises(const Outcomes& outcomes) {
  const auto whole_to_static = [&](auto&& measure) {
    return over_static(outcomes, Arm::whole, measure);
  };
  std::vector<Promise> all{
      {"p95_spike_over_static", whole_to_static(p95_in_spike), "<=0.7",
       "p95 latency of good calls in the spike, over that under static limits"},
      {"payment_prm_available", over_seeds(outcomes, Arm::whole, payment_prm_available), ">=0.99",
       "PRM calls to /payment in the spike that got a good answer within the deadline"},
      {"good_denied", over_seeds(outcomes, Arm::whole, denied_in_calm), "<0.01",
       "good customers' calls denied outside the spike and the flood"},
      {"useful_work_over_static", whole_to_static([](const Outcome& o) { return o.useful_work(); }),
       ">=1", "worker time spent on answers in time, all day, over that under static limits"},
      {"std_served_over_static", whole_to_static(std_in_time), ">=0.9",
       "good STD calls in the spike answered in time, over those under static limits"},
      {"std_answered_over_static", whole_to_static(std_answered), ">=0.9",
       "the same, answers that came too late counted too"},
      {"forecast_share", forecast_share(outcomes, Arm::reactive, Arm::whole), "",
       "share of the gain in p95 that the forecast adds to the reactive arm"},
  };
  const auto& untold = outcomes.front()[static_cast<std::size_t>(Arm::whole_untold)];
  if (untold.sum(Phase::spike).asked == 0) return all;  // not played
  all.push_back({"p95_spike_over_static_untold",
                 over_static(outcomes, Arm::whole_untold, p95_in_spike), "<=0.7",
                 "p95 over that under static limits where the gate is told of no latency"});
  all.push_back({"forecast_share_untold",
                 forecast_share(outcomes, Arm::reactive_untold, Arm::whole_untold), "",
                 "the forecast's share of the gain in p95 there"});
  return all;
}

std::string tables(const Outcomes& outcomes, std::span<const Arm> arms) {
  std::string out =
      fmt::format("{:<17} {:>18} {:>18} {:>18} {:>16} {:>16} {:>17} {:>17}\n", "arm",
                  "p95 in spike, ms", "/payment PRM, %", "STD in time, %", "denied calm, %",
                  "attack passed, %", "work in spike, h", "work all day, h");
  for (const Arm arm : arms) {
    const auto figure = [&](double scale, int digits, auto&& measure) {
      return in_words(
          over_seeds(outcomes, arm, [&](const Outcome& o) { return scale * measure(o); }), digits);
    };
    // ± has two bytes and one column.
    out += fmt::format(
        "{:<17} {:>19} {:>19} {:>19} {:>17} {:>17} {:>18} {:>18}\n", name_of(arm),
        figure(1, 0, p95_in_spike), figure(100, 2, payment_prm_available),
        figure(100, 2, std_available), figure(100, 2, denied_in_calm),
        figure(100, 2, attack_passed),
        figure(1 / 3600.0, 2, [](const Outcome& o) { return o.useful_work(Phase::spike); }),
        figure(1 / 3600.0, 2, [](const Outcome& o) { return o.useful_work(); }));
  }
  out += fmt::format("\n{:<14} {:<17} {:>16} {:>16} {:>16} {:>17} {:>15} {:>15} {:>15}\n",
                     "in the spike", "arm", "p50, ms", "p95, ms", "p99, ms", "in time, %",
                     "denied, %", "refused, %", "late, %");
  for (std::size_t offer = 0; offer < kOffers.size(); ++offer) {
    for (std::size_t tier = 0; tier < kTiers; ++tier) {
      for (const Arm arm : arms) {
        const auto figure = [&](int digits, auto&& measure) {
          return in_words(in_spike(outcomes, arm, offer, tier, measure), digits);
        };
        out += fmt::format(
            "{:<14} {:<17} {:>17} {:>17} {:>17} {:>18} {:>16} {:>16} {:>16}\n",
            fmt::format("{} {}", kOffers[offer].endpoint, kTierNames[tier]), name_of(arm),
            figure(0, [](const Group& g) { return g.latency.quantile(0.5); }),
            figure(0, [](const Group& g) { return g.latency.quantile(0.95); }),
            figure(0, [](const Group& g) { return g.latency.quantile(0.99); }),
            figure(2, [](const Group& g) { return percent(g.in_time, g.asked); }),
            figure(2, [](const Group& g) { return percent(g.denied, g.asked); }),
            figure(2, [](const Group& g) { return percent(g.refused, g.asked); }),
            figure(2, [](const Group& g) { return percent(g.answered - g.in_time, g.asked); }));
      }
    }
  }
  return out;
}

}  // namespace tidelimit::impact
