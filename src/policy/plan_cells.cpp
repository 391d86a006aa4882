#include "policy/plan_cells.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/hash.hpp"

namespace tidelimit::policy {
namespace {

constexpr double kPublishedStep = 0.01;       // of the base limit, while a limit relaxes
constexpr double kPublishedShedStep = 0.01;   // a share that moves by less is left as it is
constexpr double kPublishedTotalStep = 0.02;  // the same for a total, of itself

constexpr std::uint64_t kMarkSeed = 0x656e64706f696e74;  // keys of buckets are hashed with another

// Of a total: calls that come in step must not be rounded away.
constexpr std::uint64_t kLeastBurst = 10;

/// So many requests a second, and one second's worth at once, or ten.
limiter::Limit total_of(double per_second) {
  const auto count = [](double x) { return static_cast<std::uint64_t>(std::max(1.0, x)); };
  return limiter::make_limit({count(per_second * 3600), std::chrono::hours{1}},
                             std::max(count(per_second), kLeastBurst));
}

struct Total {
  limiter::Limit limit;
  limiter::RuleId rule = limiter::kNoRule;
};

Total total_in(const BaseLimits& base, const Setting& setting) {
  const limiter::Limit own = limiter::scaled(base.total, setting.scale);
  const limiter::RuleId its = own == base.total ? limiter::kNoRule : setting.rule;
  if (std::isinf(setting.total)) return {own, its};
  const limiter::Limit given = total_of(setting.total);
  return limiter::tighter(given, own) ? Total{given, setting.total_rule} : Total{own, its};
}

/// What is for all principals together is so for a share of them in proportion.
limiter::Limit part_of(const limiter::Limit& total, double share) {
  limiter::Limit part = limiter::scaled(total, share);
  part.burst = std::max(part.burst, std::min(total.burst, kLeastBurst));
  return part;
}

limiter::Cell cell_of(const BaseLimits& base, const CellSettings& from) {
  limiter::Cell cell;
  for (std::size_t view = 0; view < limiter::kViews; ++view) {
    const Setting& setting = from[view];
    const Total total = total_in(base, setting);
    cell.views[view] = {limiter::scaled(base.principal, setting.scale),
                        total.limit,
                        setting.scale,
                        setting.rule,
                        static_cast<std::uint16_t>(setting.shed * limiter::kShedAll),
                        setting.shed_rule,
                        total.rule};
  }
  return cell;
}

/// `share`: of the principals who are in the stage; `all`: the cell of those in none.
limiter::Cell staged_cell_of(const BaseLimits& base, const CellSettings& from,
                             const limiter::Cell& all, double share) {
  limiter::Cell cell = cell_of(base, from);
  for (std::size_t view = 0; view < limiter::kViews; ++view) {
    limiter::Limit& total = cell.views[view].total;
    if (limiter::tighter(total, all.views[view].total)) total = part_of(total, share);
  }
  return cell;
}

}  // namespace

void Setting::offer_scale(double other, limiter::RuleId by, bool still_moving) {
  const bool counts = other < 1.0 ? other < scale : scale >= 1.0 && other > scale;
  if (!counts) return;
  scale = other;
  rule = by;
  moving = still_moving;
}

void Setting::offer_total(double other, limiter::RuleId by) {
  if (other >= total) return;
  total = other;
  total_rule = by;
}

void Setting::offer_shed(double other, limiter::RuleId by) {
  if (other <= shed) return;
  shed = other;
  shed_rule = by;
}

bool total_differs(double before, double after, double step) {
  if (std::isinf(before) || std::isinf(after)) return before != after;
  return std::abs(after - before) >= step * before;
}

bool worth_publishing(const Setting& before, const Setting& after) {
  if ((after.shed == 0) != (before.shed == 0)) return true;
  if (std::abs(after.shed - before.shed) >= kPublishedShedStep) return true;
  if (total_differs(before.total, after.total, kPublishedTotalStep) ||
      before.total_rule != after.total_rule)
    return true;
  if (after.scale < before.scale) return true;
  if (after.scale == before.scale) return after.rule != before.rule;
  return !after.moving || after.scale - before.scale >= kPublishedStep - kRounding;
}

std::uint16_t part_of_everyone(double share) {
  return static_cast<std::uint16_t>(std::ceil(share * limiter::kEveryone));
}

void fill_plan(limiter::Plan& plan, const PolicySettings& settings,
               const std::vector<BaseLimits>& bases, const std::vector<CellSettings>& rows,
               const std::vector<double>& stages) {
  plan.tiers = settings.tiers.size();
  plan.enforced = part_of_everyone(settings.mode.share);
  for (const auto& endpoint : settings.endpoints) {
    auto& out = plan.endpoints.emplace_back();
    out.mark = hash_bytes(endpoint.name, kMarkSeed);
    out.mode = endpoint.mode.mode;
    out.enforced = part_of_everyone(std::min(settings.mode.share, endpoint.mode.share));
    out.priority = endpoint.priority;
    out.client = to_limit(endpoint.client);
    out.lease_generation_ms = lease_generation_ms(endpoint);
  }
  plan.in_flight = in_flight_limits(settings);
  for (std::size_t cell = 0; cell < bases.size(); ++cell)
    plan.cells.push_back(cell_of(bases[cell], rows[cell]));
  for (std::size_t i = 0; i < stages.size(); ++i) {
    auto& stage = plan.stages.emplace_back();
    stage.below = part_of_everyone(stages[i]);
    const double share = stages[i] - (i == 0 ? 0.0 : stages[i - 1]);
    for (std::size_t cell = 0; cell < bases.size(); ++cell)
      stage.cells.push_back(staged_cell_of(bases[cell], rows[(1 + i) * bases.size() + cell],
                                           plan.cells[cell], share));
  }
}

}  // namespace tidelimit::policy
