#include "policy/plan_change.hpp"

#include <cmath>
#include <fmt/format.h>

#include "policy/words.hpp"

namespace tidelimit::policy {

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
