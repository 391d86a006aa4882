#include "policy/plan_change.hpp"

#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "policy/words.hpp"

namespace tidelimit::policy {

void PlanChange::set_figures(double before, double after, double base_per_minute) {
  switch (of) {
    case Of::limit:
      before_scale = before;
      after_scale = after;
      before_per_minute = base_per_minute * before;
      after_per_minute = base_per_minute * after;
      break;
    case Of::total:
      before_per_minute = std::isinf(before) ? 0 : before * 60;
      after_per_minute = std::isinf(after) ? 0 : after * 60;
      break;
    case Of::shed:
      before_scale = 1 - before;
      after_scale = 1 - after;
      break;
  }
}

double PlanChange::figure_after() const {
  switch (of) {
    case Of::limit:
      break;
    case Of::total:
      return after_per_minute > 0 ? after_per_minute / 60 : std::numeric_limits<double>::infinity();
    case Of::shed:
      return 1 - after_scale;
  }
  return after_scale;
}

std::string in_words(const PlanChange& change) {
  const auto value = [&](double per_minute, double scale) -> std::string {
    if (change.of == PlanChange::Of::shed) return percent_in_words(1 - scale);
    if (change.of == PlanChange::Of::total && per_minute == 0) return "none";
    return fmt::format("{:g}/min", std::round(per_minute * 10) / 10);
  };
  return fmt::format("{} of {} {} {} -> {}{}{}{}", to_string(change.of), change.endpoint,
                     change.tier, value(change.before_per_minute, change.before_scale),
                     value(change.after_per_minute, change.after_scale),
                     change.rule.empty() ? "" : " by " + change.rule,
                     change.shadow ? ", in shadow" : "",
                     change.cause.empty() ? "" : ": " + change.cause);
}

}  // namespace tidelimit::policy
