#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "limiter/plan.hpp"
#include "policy/base_limits.hpp"
#include "policy/settings.hpp"

namespace tidelimit::policy {

/// Where a view of a cell stands.
struct Setting {
  double scale = 1.0;  ///< of the base limit
  limiter::RuleId rule = limiter::kNoRule;
  bool moving = false;
  double total = std::numeric_limits<double>::infinity();  ///< requests a second, beside the base's
  limiter::RuleId total_rule = limiter::kNoRule;           ///< the rule that set it
  double shed = 0;                                         ///< share of the requests to refuse
  limiter::RuleId shed_rule = limiter::kNoRule;

  /// Takes another rule's scale if that counts: the smallest wins; one above 1 (a planned time)
  /// only where no rule tightens, then the largest.
  void offer_scale(double other, limiter::RuleId by, bool still_moving);
  /// Takes another rule's total, or share to shed, if it is the stricter.
  void offer_total(double other, limiter::RuleId by);
  void offer_shed(double other, limiter::RuleId by);
};
using CellSettings = std::array<Setting, limiter::kViews>;  ///< by index() of the view
[[nodiscard]] constexpr std::size_t index(limiter::View view) {
  return static_cast<std::size_t>(view);
}

/// Sums of many small steps may be so far off.
inline constexpr double kRounding = 1e-9;

/// Whether a total moved by `step` of itself, or came or went.
[[nodiscard]] bool total_differs(double before, double after, double step);
/// Whether a plan with this change is worth its publication.
[[nodiscard]] bool worth_publishing(const Setting& before, const Setting& after);

/// In how many of limiter::kEveryone places a share of the principals is.
[[nodiscard]] std::uint16_t part_of_everyone(double share);

/// Fills endpoints, cells and stages of a plan: base limits as the settings scale them. `rows`: by
/// cell, then by cell of each stage; `stages`: shares of the principals, ascending.
void fill_plan(limiter::Plan& plan, const PolicySettings& settings,
               const std::vector<BaseLimits>& bases, const std::vector<CellSettings>& rows,
               const std::vector<double>& stages);

}  // namespace tidelimit::policy
