#include "engine/tally.hpp"

namespace tidelimit::engine {
namespace {

using limiter::kOutcomes;
using limiter::kReasons;

[[nodiscard]] std::size_t pairs_of(const Routes& routes) {
  return routes.endpoints().size() * routes.tiers().size();
}

}  // namespace

Tally::Tally(std::shared_ptr<const Routes> routes)
    : routes_(std::move(routes)),
      decisions_(pairs_of(*routes_) * kOutcomes * kReasons),
      near_limit_(pairs_of(*routes_)),
      in_flight_denials_(pairs_of(*routes_)),
      observed_(pairs_of(*routes_) * kStatusClasses),
      windows_(routes_->endpoints().size() * kOpenWindows),
      answers_(routes_->endpoints().size()) {}

void Tally::decided(const Identity& who, const limiter::Decision& decision) noexcept {
  const auto outcome = static_cast<std::size_t>(decision.outcome);
  const bool watched = decision.watched.reason != limiter::Reason::ok;
  const auto reason = static_cast<std::size_t>(watched ? decision.watched.reason : decision.reason);
  bump(decisions_[(pair(who) * kOutcomes + outcome) * kReasons + reason], 1);
  if (decision.near_limit) bump(near_limit_[pair(who)], 1);
  if (decision.rule == limiter::kConcurrencyRule) bump(in_flight_denials_[pair(who)], 1);
  if (decision.overflow) bump(single_[kOverflows], 1);
  if (!who.known_path) bump(single_[kUnmatchedPaths], 1);
  if (!who.known_tier) bump(single_[kUnmatchedTiers], 1);
}

void Tally::observed(const Identity& who, std::uint16_t status) noexcept {
  bump(observed_[pair(who) * kStatusClasses + traffic::status_class(status)], 1);
}

void Tally::late(limiter::EndpointId endpoint, WindowIndex window) noexcept {
  bump(single_[kLate], 1);
  bump(windows_[cell(limiter::index(endpoint), window)].late, 1);
}

void Tally::add(limiter::EndpointId endpoint, WindowIndex window,
                const WindowCounts& counts) noexcept {
  WindowCell& to = windows_[cell(limiter::index(endpoint), window)];
  const auto add_to = [](Counter& counter, std::uint64_t by) {
    if (by != 0) bump(counter, by);
  };
  add_to(to.requests, counts.requests);
  add_to(to.premium, counts.premium);
  add_to(to.errors, counts.errors);
  add_to(to.responses, counts.responses);
  add_to(to.latency_us, counts.latency_us);
  add_to(to.malicious, counts.malicious);
}

WindowCounts Tally::window(std::size_t endpoint, WindowIndex window) const noexcept {
  const WindowCell& from = windows_[cell(endpoint, window)];
  const auto get = [](const Counter& counter) { return counter.load(std::memory_order_relaxed); };
  return {get(from.requests),   get(from.premium),   get(from.errors), get(from.responses),
          get(from.latency_us), get(from.malicious), get(from.late)};
}

void Tally::answered(limiter::EndpointId endpoint, traffic::AnswerKind kind,
                     std::uint64_t latency_us) noexcept {
  AnswerCell& to = answers_[limiter::index(endpoint)];
  bump(to.count[static_cast<std::size_t>(kind)], 1);
  bump(to.latency_us[static_cast<std::size_t>(kind)], latency_us);
}

AnswerCounts Tally::answers(std::size_t endpoint, traffic::AnswerKind kind) const noexcept {
  const AnswerCell& from = answers_[endpoint];
  const auto k = static_cast<std::size_t>(kind);
  return {from.count[k].load(std::memory_order_relaxed),
          from.latency_us[k].load(std::memory_order_relaxed)};
}

WindowCounts Tally::all_windows(std::size_t endpoint) const noexcept {
  WindowCounts all;
  for (std::size_t place = 0; place < kOpenWindows; ++place)
    all += window(endpoint, static_cast<WindowIndex>(place));
  return all;
}

std::uint64_t Tally::decisions(std::size_t endpoint, std::size_t tier, std::size_t outcome,
                               std::size_t reason) const noexcept {
  return decisions_[(pair(endpoint, tier) * kOutcomes + outcome) * kReasons + reason].load(
      std::memory_order_relaxed);
}

std::uint64_t Tally::decisions(std::size_t endpoint, std::size_t tier,
                               std::size_t outcome) const noexcept {
  std::uint64_t sum = 0;
  for (std::size_t reason = 0; reason < kReasons; ++reason)
    sum += decisions(endpoint, tier, outcome, reason);
  return sum;
}

std::uint64_t Tally::near_limit(std::size_t endpoint, std::size_t tier) const noexcept {
  return near_limit_[pair(endpoint, tier)].load(std::memory_order_relaxed);
}

std::uint64_t Tally::in_flight_denials(std::size_t endpoint, std::size_t tier) const noexcept {
  return in_flight_denials_[pair(endpoint, tier)].load(std::memory_order_relaxed);
}

std::uint64_t Tally::observed(std::size_t endpoint, std::size_t tier,
                              std::size_t status_class) const noexcept {
  return observed_[pair(endpoint, tier) * kStatusClasses + status_class].load(
      std::memory_order_relaxed);
}

}  // namespace tidelimit::engine
