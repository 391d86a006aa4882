#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/time.hpp"

namespace tidelimit::policy {

/// One change of what is in force, for logs, API, metrics.
struct PlanChange {
  /// The limit on each principal, by its rate and its scale of the base limit; the total that a
  /// rule sets for all of them, by its rate (0: none); or what is shed, where the scale is the
  /// share of the requests that is let in.
  enum class Of : std::uint8_t { limit, total, shed };
  Of of = Of::limit;
  WallTime time{};
  std::string endpoint;
  std::string tier;
  double before_per_minute = 0;
  double after_per_minute = 0;
  double before_scale = 1;
  double after_scale = 1;
  std::string rule;   ///< the rule that now sets the limit; "" when it is back at base
  std::string cause;  ///< "forecast of payment: 1,690 requests in the next hour, 2.0 times the
                      ///< usual 840"
  bool shadow = false;

  /// From and to what `of` moved, as a rule gives it: a scale, requests a second (infinity: no
  /// total), or a share to shed.
  void set_figures(double before, double after, double base_per_minute);
  /// To what it moved, likewise.
  [[nodiscard]] double figure_after() const;
};
inline constexpr std::size_t kPlanFigures = 3;
[[nodiscard]] constexpr std::size_t index(PlanChange::Of of) {
  return static_cast<std::size_t>(of);
}
[[nodiscard]] inline const char* to_string(PlanChange::Of of) {
  switch (of) {
    case PlanChange::Of::limit:
      return "limit";
    case PlanChange::Of::total:
      return "total";
    case PlanChange::Of::shed:
      return "shed";
  }
  return "unknown";
}

/// "limit of browse STD 100/min -> 20/min by busy: cpu is at 95 %"; of what is shed the share.
[[nodiscard]] std::string in_words(const PlanChange& change);

}  // namespace tidelimit::policy
