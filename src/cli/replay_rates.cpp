// The rates and shares of a report as people read them.
#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/figures.hpp"
#include "base/rate.hpp"
#include "cli/replay.hpp"
#include "cli/report/axis.hpp"
#include "policy/words.hpp"

namespace tidelimit::cli {
namespace {

using engine::BaseRate;
using engine::ReplayReport;
using Of = policy::PlanChange::Of;

std::string in_unit_of(const BaseRate& base, double per_minute) {
  if (per_minute <= 0) return "-";
  const Nanos period = base.period > Nanos{0} ? base.period : std::chrono::minutes{1};
  const double minutes = std::chrono::duration<double, std::ratio<60>>(period).count();
  return report::short_number(per_minute * minutes) + format_rate({1, period}).substr(1);
}

std::string rate_there(const ReplayReport& report, const std::string& endpoint,
                       const std::string& tier, bool of_total, double per_minute) {
  const auto cell = report.cell_named(endpoint, tier);
  const auto& bases = of_total ? report.base_total : report.base;
  return in_unit_of(cell ? bases[*cell] : BaseRate{}, per_minute);
}

}  // namespace

std::string base_there(const ReplayReport& report, std::size_t endpoint, std::size_t tier) {
  const std::size_t cell = endpoint * report.tiers.size() + tier;
  const BaseRate& limit = report.base[cell];
  const BaseRate& total = report.base_total[cell];
  const std::string one = in_unit_of(limit, limit.per_minute);
  if (total.per_minute <= 0) return one;
  const std::string all = in_unit_of(total, total.per_minute) + " in total";
  return limit.per_minute > 0 ? one + ", " + all : all;
}

std::string limit_met(const ReplayReport& report, const engine::HarmedPrincipal& principal) {
  const bool of_total = principal.limit_of == limiter::LimitOf::total;
  const std::string rate =
      rate_there(report, principal.endpoint, principal.tier, of_total, principal.limit_per_minute);
  return of_total ? rate + " in total" : rate;
}

EpisodeFigures figures_of(const ReplayReport& report, const engine::Episode& episode) {
  if (episode.of == Of::shed) return {"0 %", policy::percent_in_words(1 - episode.lowest_scale)};
  const auto rate = [&](double per_minute) {
    return rate_there(report, episode.endpoint, episode.tier, episode.of == Of::total, per_minute);
  };
  const bool no_base = episode.of == Of::total && episode.base_per_minute <= 0;
  return {no_base ? "none" : rate(episode.base_per_minute), rate(episode.farthest_per_minute())};
}

std::string what_moved(const ReplayReport& report) {
  std::array<std::size_t, policy::kPlanFigures> counts{};
  for (const engine::Episode& episode : report.episodes) ++counts[policy::index(episode.of)];
  return fmt::format("limits {}, totals {}, shed {}; {} steps",
                     grouped(counts[policy::index(Of::limit)]),
                     grouped(counts[policy::index(Of::total)]),
                     grouped(counts[policy::index(Of::shed)]), grouped(report.plan_steps));
}

}  // namespace tidelimit::cli
