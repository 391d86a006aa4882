#include "policy/figure_match.hpp"

#include <algorithm>
#include <fmt/format.h>

#include "policy/words.hpp"

namespace tidelimit::policy {
namespace {

/// What a condition looks at: the whole client, or its requests with one kind of user agent.
struct Counted {
  double requests = 0;
  double requests_per_minute = 0;
  double error_ratio = 0;
};

/// Which class counts the condition's user agents; kAgentClasses: none does.
std::size_t class_of(const Condition& condition, const std::vector<std::string>& patterns) {
  const auto pattern = std::find(patterns.begin(), patterns.end(), *condition.user_agent);
  return std::min<std::size_t>(static_cast<std::size_t>(pattern - patterns.begin()),
                               limiter::kAgentClasses);
}

Counted counted(const Condition& condition, const traffic::ClientFigures& figures,
                const std::vector<std::string>& patterns) {
  Counted all{static_cast<double>(figures.requests), figures.requests_per_minute,
              figures.error_ratio};
  if (!condition.user_agent || figures.requests == 0) return all;
  const std::size_t i = class_of(condition, patterns);
  if (i == limiter::kAgentClasses) return {};
  const double requests = figures.class_requests[i];
  const double share = requests / all.requests;
  // Responses are not kept by class: the class has its share of them. Denied requests have none, so
  // that a client held to its limit does not look better for it.
  const double responses = share * figures.responses;
  const double errors = figures.class_errors[i];
  return {requests, share * all.requests_per_minute,
          responses > 0 ? std::min(errors / responses, 1.0) : 0.0};
}

}  // namespace

void place_patterns(const std::vector<Rule>& rules, std::vector<std::string>& patterns) {
  std::vector<std::string> wanted;
  for (const Rule& rule : rules) {
    const auto& pattern = rule.when.user_agent;
    if (pattern && std::find(wanted.begin(), wanted.end(), *pattern) == wanted.end())
      wanted.push_back(*pattern);
  }
  patterns.resize(limiter::kAgentClasses);
  for (std::string& place : patterns) {
    const auto its = std::find(wanted.begin(), wanted.end(), place);
    if (its == wanted.end()) {
      place.clear();
    } else {
      wanted.erase(its);
    }
  }
  for (std::string& pattern : wanted) {
    const auto free = std::find(patterns.begin(), patterns.end(), "");
    if (free != patterns.end()) *free = std::move(pattern);
  }
  while (!patterns.empty() && patterns.back().empty()) patterns.pop_back();
}

std::uint8_t renamed_classes(const std::vector<std::string>& before,
                             const std::vector<std::string>& after) {
  std::uint8_t renamed = 0;
  for (std::size_t i = 0; i < after.size(); ++i)
    if (i >= before.size() || before[i] != after[i])
      renamed = static_cast<std::uint8_t>(renamed | 1u << i);
  return renamed;
}

std::uint32_t least_requests(const Condition& condition) {
  return condition.requests.value_or(condition.error_rate ? kLeastRequestsForRatio : 1);
}

bool matches(const Condition& condition, const traffic::ClientFigures& figures,
             const std::vector<std::string>& patterns) {
  const std::uint32_t least = least_requests(condition);
  if (figures.requests < least) return false;
  const Counted seen = counted(condition, figures, patterns);
  if (seen.requests < least) return false;
  if (condition.error_rate && seen.error_ratio < *condition.error_rate) return false;
  return !condition.requests_per_minute ||
         seen.requests_per_minute >= *condition.requests_per_minute;
}

bool counts_any(const Condition& condition, const traffic::Arrivals& arrivals,
                const std::vector<std::string>& patterns) {
  const bool errors_count = condition.error_rate.has_value();
  if (!condition.user_agent) return arrivals.requests || (errors_count && arrivals.errors);
  const std::uint8_t came = static_cast<std::uint8_t>(arrivals.class_requests |
                                                      (errors_count ? arrivals.class_errors : 0));
  return (came >> class_of(condition, patterns) & 1) != 0;
}

std::vector<std::string> match_in_words(const Condition& condition,
                                        const traffic::ClientFigures& figures,
                                        const std::vector<std::string>& patterns) {
  const Counted seen = counted(condition, figures, patterns);
  std::vector<std::string> reasons;
  if (condition.user_agent) reasons.push_back("user agent matches " + *condition.user_agent);
  reasons.push_back(fmt::format("{} requests in five minutes (at least {})",
                                count_in_words(seen.requests), least_requests(condition)));
  if (condition.error_rate) {
    reasons.push_back(fmt::format("{} errors (at least {})", percent_in_words(seen.error_ratio),
                                  percent_in_words(*condition.error_rate)));
  }
  if (condition.requests_per_minute) {
    reasons.push_back(fmt::format("{} requests a minute (at least {})",
                                  count_in_words(seen.requests_per_minute),
                                  count_in_words(*condition.requests_per_minute)));
  }
  return reasons;
}

}  // namespace tidelimit::policy
