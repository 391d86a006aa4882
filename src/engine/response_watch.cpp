#include "engine/response_watch.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <vector>

#include "traffic/status_class.hpp"

namespace tidelimit::engine {
namespace {

constexpr double kKept = 0.8;    // of a minute's weight, a minute later: some five minutes count
constexpr double kFewest = 50;   // passed: fewer say nothing of a share
constexpr double kLarge = 0.5;   // a share that is named
constexpr double kSmall = 0.25;  // and is no more, so that none comes and goes every minute

struct Totals {
  std::uint64_t passed = 0;
  std::uint64_t told = 0;
};

/// Lines of refused requests are lines too, where a gateway logs them; where it does not, the
/// answers of the service alone are what was told. The one that finds more is right.
Totals totals_of(const CountersView& counters, std::size_t endpoint) {
  using limiter::Outcome;
  const std::size_t tiers = counters.tiers.size();
  std::uint64_t passed = 0, denied = 0, observed = 0;
  for (std::size_t pair = endpoint * tiers; pair < (endpoint + 1) * tiers; ++pair) {
    for (std::size_t reason = 0; reason < limiter::kReasons; ++reason) {
      const auto of = [&](Outcome outcome) {
        const auto why = static_cast<limiter::Reason>(reason);
        return counters.decisions[CountersView::index(pair, outcome, why)];
      };
      passed += of(Outcome::allow) + of(Outcome::shadow_deny);
      denied += of(Outcome::deny);
    }
    for (std::size_t c = 0; c < traffic::kStatusClasses; ++c)
      observed += counters.observed[pair * traffic::kStatusClasses + c];
  }
  return {passed, std::max(observed - std::min(observed, denied), counters.responses[endpoint])};
}

/// What came since; nothing where it is less than before: a log tells late of what was refused.
double fresh(std::uint64_t now, std::uint64_t before) {
  return static_cast<double>(now - std::min(now, before));
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
  for (std::size_t e = 0; e < counters.endpoints.size(); ++e) {
    const Totals totals = totals_of(counters, e);
    Endpoint& at = endpoints_[counters.endpoints[e]];
    at.passed = at.passed * kept + at.passing;
    at.told = at.told * kept + fresh(totals.told, at.told_before);
    at.passing = fresh(totals.passed, at.passed_before);
    at.passed_before = std::max(at.passed_before, totals.passed);
    at.told_before = std::max(at.told_before, totals.told);
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
