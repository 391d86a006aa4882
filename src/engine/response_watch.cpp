#include "engine/response_watch.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>
#include <vector>

#include "engine/counters.hpp"
#include "traffic/status_class.hpp"

namespace tidelimit::engine {
namespace {

constexpr double kKept = 0.8;    // of a minute's weight, a minute later: some five minutes count
constexpr double kFewest = 50;   // passed: fewer say nothing of a share
constexpr double kLarge = 0.5;   // a share that is named
constexpr double kSmall = 0.25;  // and is no more, so that none comes and goes every minute

using limiter::Outcome;

// Of one endpoint, since start, over all its tiers.

std::uint64_t decided(const CountersView& counters, std::size_t endpoint, Outcome outcome) {
  const std::size_t tiers = counters.tiers.size();
  std::uint64_t sum = 0;
  for (std::size_t pair = endpoint * tiers; pair < (endpoint + 1) * tiers; ++pair) {
    for (std::size_t reason = 0; reason < limiter::kReasons; ++reason)
      sum +=
          counters
              .decisions[CountersView::index(pair, outcome, static_cast<limiter::Reason>(reason))];
  }
  return sum;
}

std::uint64_t passed(const CountersView& counters, std::size_t endpoint) {
  return decided(counters, endpoint, Outcome::allow) +
         decided(counters, endpoint, Outcome::shadow_deny);
}

/// Responses that were told, to refused requests too where a gateway logs them.
std::uint64_t observed(const CountersView& counters, std::size_t endpoint) {
  const std::size_t size = counters.tiers.size() * traffic::kStatusClasses;
  const auto first = counters.observed.begin() + static_cast<std::ptrdiff_t>(endpoint * size);
  return std::accumulate(first, first + static_cast<std::ptrdiff_t>(size), std::uint64_t{0});
}

/// Of those, the ones to requests that passed. Where a gateway does not log what was refused,
/// taking that off leaves too few, and so do the answers that the service is known to have given.
/// Neither is ever too many: the larger is right.
std::uint64_t told(const CountersView& counters, std::size_t endpoint) {
  const std::uint64_t lines = observed(counters, endpoint);
  const std::uint64_t denied = decided(counters, endpoint, Outcome::deny);
  return std::max(lines - std::min(lines, denied), counters.responses[endpoint]);
}

}  // namespace

std::optional<double> ResponseWatch::Endpoint::unanswered() const {
  if (told_before == 0 || passed < kFewest) return std::nullopt;
  return std::clamp(1 - told / passed, 0.0, 1.0);
}

void ResponseWatch::look(const CountersView& counters, Instant now) {
  if (!due(now)) return;
  const double kept = last_ ? std::pow(kKept, (now - *last_) / kStep) : 0;
  last_ = now;
  std::erase_if(endpoints_, [&](const auto& at) {  // of a configuration before
    return std::find(counters.endpoints.begin(), counters.endpoints.end(), at.first) ==
           counters.endpoints.end();
  });
  for (std::size_t e = 0; e < counters.endpoints.size(); ++e) {
    const std::uint64_t passed_now = passed(counters, e);
    const std::uint64_t told_now = told(counters, e);
    Endpoint& at = endpoints_[counters.endpoints[e]];
    at.passed = at.passed * kept + at.passing;
    at.told = at.told * kept + increase(told_now, at.told_before);
    at.passing = increase(passed_now, at.passed_before);
    at.passed_before = std::max(at.passed_before, passed_now);
    at.told_before = std::max(at.told_before, told_now);  // a log tells late of what was refused
    at.missing = at.unanswered().value_or(0) >= (at.missing ? kSmall : kLarge);
  }
}

std::optional<double> ResponseWatch::unanswered(const std::string& endpoint) const {
  const auto found = endpoints_.find(endpoint);
  return found == endpoints_.end() ? std::nullopt : found->second.unanswered();
}

std::optional<Degradation> ResponseWatch::trouble() const {
  std::vector<std::string> names, shares;
  for (const auto& [name, at] : endpoints_) {
    if (!at.missing) continue;
    names.push_back(name);
    shares.push_back(fmt::format("{:.0f} % at {}", *at.unanswered() * 100, name));
  }
  if (names.empty()) return std::nullopt;
  return Degradation{
      fmt::format("no response is told of many requests that passed, whose errors no rule sees: {}",
                  fmt::join(names, ", ")),
      fmt::format("{} in the last minutes: look at the gateway's log for lines that it could not "
                  "send",
                  fmt::join(shares, ", "))};
}

}  // namespace tidelimit::engine
