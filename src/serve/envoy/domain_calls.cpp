#include "serve/envoy/domain_calls.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "base/hash.hpp"
#include "limiter/limit_key.hpp"
#include "limiter/rollout.hpp"
#include "serve/domains/domain_walk.hpp"
#include "serve/envoy/descriptors.hpp"
#include "serve/envoy/rate_limit_answer.hpp"
#include "serve/gate/denial.hpp"

namespace tidelimit::serve::envoy {
namespace {

using limiter::LooseAnswer;
using limiter::LooseLimit;
using limiter::Outcome;
using RateLimit = RateLimitResponse::RateLimit;

// When a table is full, newcomers of one rule share so many buckets.
constexpr std::uint64_t kNeighbourhoods = 256;
constexpr std::uint64_t kCallersOwn = 1;  // sets limits that calls bring apart from the files'

RateLimit::Unit unit_of(config::LimitUnit unit) {
  switch (unit) {
    case config::LimitUnit::second:
      return RateLimit::SECOND;
    case config::LimitUnit::minute:
      return RateLimit::MINUTE;
    case config::LimitUnit::hour:
      return RateLimit::HOUR;
    case config::LimitUnit::day:
      return RateLimit::DAY;
    case config::LimitUnit::week:
      return RateLimit::WEEK;
    case config::LimitUnit::month:
      return RateLimit::MONTH;
    case config::LimitUnit::year:
      return RateLimit::YEAR;
  }
  return RateLimit::UNKNOWN;
}

/// Whose limit a descriptor meets: the user, or the client where it names none, at the place that
/// they have everywhere; else whatever its count is of.
std::uint16_t place_of(const DescriptorMessage& descriptor, const config::DescriptorNames& names,
                       const DomainWalk& walk) {
  const std::string* address = nullptr;
  for (const auto& entry : descriptor.entries()) {
    if (entry.key() == names.user_id && !entry.value().empty())
      return limiter::rollout_place(std::string_view(entry.value()));
    if (entry.key() == names.remote_address) address = &entry.value();
  }
  const auto client = address == nullptr ? std::nullopt : address_in(*address);
  return client ? limiter::rollout_place(client_of(*client))
                : limiter::rollout_place(walk.unkeyed());
}

/// A window is used up by what asks for more than is left, as there. Where quota drips back that
/// would starve whoever asks for several at a time without waiting, so only costs are owed: hits of
/// the descriptor's own, which may be told when the response is done.
limiter::Excess excess_of(limiter::Counting counting, const DescriptorMessage& descriptor) {
  if (counting == limiter::Counting::fixed) return limiter::Excess::rest;
  return descriptor.has_hits_addend() ? limiter::Excess::debt : limiter::Excess::nothing;
}

/// As the other fronts tell of a decision.
limiter::Decision decision_of(const LooseLimit& limit, const LooseAnswer& answer) {
  limiter::Decision decision;
  decision.allowed = answer.conformance.conforms;
  decision.limit = limit.limit;
  decision.remaining = answer.conformance.remaining;
  decision.retry_after = answer.conformance.retry_after;
  decision.reset_after = answer.conformance.reset_after;
  return decision;
}

/// The answer to one call, as long as it is written.
class Writer {
 public:
  Writer(std::span<const MetLimit> met, const LooseLimit* limits, const LooseAnswer* answers,
         RateLimitResponse& out)
      : met_(met), limits_(limits), answers_(answers), out_(out) {}

  void write(bool passed) {
    out_.set_overall_code(passed ? RateLimitResponse::OK : RateLimitResponse::OVER_LIMIT);
    const MetLimit* nearest = nullptr;
    for (const MetLimit& met : met_) {
      write_status(met, *out_.add_statuses());
      const bool shown = met.at != MetLimit::kNoLimit && !limits_[met.at].watched;
      if (shown && (nearest == nullptr || is_nearer(met, *nearest))) nearest = &met;
    }
    if (nearest != nullptr) write_headers(*nearest, passed);
  }

 private:
  [[nodiscard]] limiter::Decision decision(const MetLimit& met) const {
    return decision_of(limits_[met.at], answers_[met.at]);
  }

  void write_status(const MetLimit& met, RateLimitResponse::DescriptorStatus& status) const {
    status.set_code(RateLimitResponse::OK);
    if (!met.enforced) return;
    if (met.at == MetLimit::kNoLimit) {
      // How an unlimited one is told from one that meets no limit.
      if (met.rule != nullptr && met.rule->kind == DomainRule::Kind::unlimited)
        status.set_limit_remaining(std::numeric_limits<std::uint32_t>::max());
      return;
    }
    const limiter::Decision said = decision(met);
    if (!said.allowed && !limits_[met.at].watched) status.set_code(RateLimitResponse::OVER_LIMIT);
    RateLimit& limit = *status.mutable_current_limit();
    limit.set_requests_per_unit(met.requests_per_unit);
    limit.set_unit(met.unit);
    if (met.rule != nullptr) limit.set_name(met.rule->name);
    constexpr std::uint64_t kMost = std::numeric_limits<std::uint32_t>::max();
    if (said.allowed)
      status.set_limit_remaining(static_cast<std::uint32_t>(std::min(said.remaining, kMost)));
    status.mutable_duration_until_reset()->set_seconds(
        static_cast<std::int64_t>(reset_seconds(said)));
  }

  /// A denial before a pass; of denials the longest, of passes the one with the least left.
  [[nodiscard]] bool is_nearer(const MetLimit& a, const MetLimit& b) const {
    const limiter::Decision of_a = decision(a);
    const limiter::Decision of_b = decision(b);
    if (of_a.allowed != of_b.allowed) return !of_a.allowed;
    return of_a.allowed ? of_a.remaining < of_b.remaining : of_a.retry_after > of_b.retry_after;
  }

  std::string& header(const char* name) {
    auto* added = out_.add_response_headers_to_add();
    added->set_key(name);
    return *added->mutable_value();
  }

  void write_headers(const MetLimit& nearest, bool passed) {
    const limiter::Decision said = decision(nearest);
    if (!passed) append_number(header("retry-after"), retry_after_seconds(said.retry_after));
    const std::string_view item =
        nearest.rule != nullptr ? std::string_view(nearest.rule->item) : "\"default\"";
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(nearest.period).count();
    append_quota(header("ratelimit-policy"), item,
                 {nearest.requests_per_unit, static_cast<std::uint64_t>(seconds)});
    append_left(header("ratelimit"), item, said);
  }

  std::span<const MetLimit> met_;
  const LooseLimit* limits_;
  const LooseAnswer* answers_;
  RateLimitResponse& out_;
};

}  // namespace

Result<void> DomainCalls::answer(const RateLimitRequest& call, const DomainLevel& domain,
                                 const FrontSettings& settings, const Now& now,
                                 RateLimitResponse& out) {
  if (auto found = find_limits(call, domain, settings, now.mono); !found) return found;
  const auto descriptors = static_cast<std::size_t>(call.descriptors_size());
  if (gate_.mode() == limiter::Mode::off) {
    write_unlimited(call, out);
    return {};
  }
  const bool passed =
      gate_.charge_all({limits_.data(), limit_count_}, settings.epoch, now.mono, answers_);
  count(descriptors, passed);
  if (std::any_of(answers_.begin(), answers_.begin() + static_cast<std::ptrdiff_t>(limit_count_),
                  [](const LooseAnswer& answer) { return answer.overflow; }))
    overflows_.fetch_add(1, std::memory_order_relaxed);
  Writer({met_.data(), descriptors}, limits_.data(), answers_.data(), out).write(passed);
  return {};
}

/// Which limits the descriptors meet, each to be charged with its hits.
Result<void> DomainCalls::find_limits(const RateLimitRequest& call, const DomainLevel& domain,
                                      const FrontSettings& settings, Instant now) {
  const DomainTable& table = settings.domains;
  const std::uint16_t below = gate_.enforced_below();
  const auto descriptors = static_cast<std::size_t>(call.descriptors_size());
  if (descriptors > met_.size()) return too_many_descriptors(descriptors, met_.size());
  limit_count_ = 0;
  std::array<std::uint64_t, limiter::kLooseMax> keys;
  for (std::size_t i = 0; i < descriptors; ++i) {
    const auto& descriptor = call.descriptors(static_cast<int>(i));
    DomainWalk walk(domain, call.domain(), gate_.limiter());
    for (const auto& entry : descriptor.entries()) walk.step(entry.key(), entry.value());
    keys[i] = walk.key();
    met_[i] = {};
    met_[i].enforced = below == limiter::kEveryone ||
                       place_of(descriptor, settings.config.descriptors, walk) < below;
    if (!descriptor.has_limit()) {
      met_[i].rule = walk.rule();
      continue;
    }
    const auto period = period_of(descriptor.limit().unit());
    if (!period) return wrong_descriptor(i, kNoUnit);
    met_[i].requests_per_unit = descriptor.limit().requests_per_unit();
    met_[i].unit = static_cast<RateLimit::Unit>(descriptor.limit().unit());
    LooseLimit limit;
    limit.key = mix(keys[i], kCallersOwn);
    limit.overflow_key = keys[i] % kNeighbourhoods;  // rules are numbered from 1
    limit.limit = table.limit_of(met_[i].requests_per_unit, *period);
    limit.hits = hits_of(call, descriptor);
    limit.excess = excess_of(table.counting(), descriptor);
    add_limit(met_[i], *period, limit, table, now);
  }
  drop_replaced(descriptors);
  for (std::size_t i = 0; i < descriptors; ++i) {
    const DomainRule* rule = met_[i].rule;
    if (rule == nullptr || rule->kind != DomainRule::Kind::limited) continue;
    met_[i].requests_per_unit = rule->requests_per_unit;
    met_[i].unit = unit_of(rule->unit);
    const auto& descriptor = call.descriptors(static_cast<int>(i));
    LooseLimit limit;
    limit.key = keys[i];
    limit.overflow_key = rule->number * kNeighbourhoods + keys[i] % kNeighbourhoods;
    limit.limit = rule->limit;
    limit.watched = rule->watched;
    limit.hits = hits_of(call, descriptor);
    limit.excess = excess_of(table.counting(), descriptor);
    add_limit(met_[i], config::period_of(rule->unit), limit, table, now);
  }
  return {};
}

/// A bucket holds what was counted in one unit, in one way: under another it would mean nothing.
void DomainCalls::add_limit(MetLimit& met, Nanos period, const LooseLimit& limit,
                            const DomainTable& table, Instant now) {
  const bool fixed = table.counting() == limiter::Counting::fixed;
  const auto kind = static_cast<std::uint64_t>(period.count()) + (fixed ? 1 : 0);
  met.at = limit_count_++;
  met.period = period;
  LooseLimit& added = limits_[met.at];
  added = limit;
  added.key = limiter::nonzero_key(mix(limit.key, kind));
  added.overflow_key = limiter::nonzero_key(
      mix(mix(gate_.limiter().hash_key("overflow", 0), limit.overflow_key), kind));
  added.watched = limit.watched || !met.enforced;
  if (fixed) added.window_left = limiter::window_left(now, clock_offset_, period);
}

/// A limit in whose stead the call meets another; that one may itself be replaced.
void DomainCalls::drop_replaced(std::size_t descriptors) {
  const std::span<MetLimit> met(met_.data(), descriptors);
  std::array<bool, limiter::kLooseMax> dropped{};
  for (const MetLimit& other : met) {
    if (other.rule == nullptr) continue;
    for (const std::string& name : other.rule->replaces)
      for (std::size_t i = 0; i < descriptors; ++i)
        dropped[i] = dropped[i] || (met[i].rule != nullptr && met[i].rule->name == name);
  }
  for (std::size_t i = 0; i < descriptors; ++i)
    if (dropped[i]) met[i].rule = nullptr;
}

void DomainCalls::count(std::size_t descriptors, bool passed) {
  for (std::size_t i = 0; i < descriptors; ++i) {
    const MetLimit& met = met_[i];
    if (met.rule == nullptr || met.rule->counts == nullptr) continue;
    Outcome outcome = Outcome::allow;
    bool near_limit = false;
    if (met.at != MetLimit::kNoLimit) {
      const LooseLimit& limit = limits_[met.at];
      const limiter::Conformance& said = answers_[met.at].conformance;
      if (limit.hits == 0) continue;  // it only asked
      if (!said.conforms) outcome = limit.watched ? Outcome::shadow_deny : Outcome::deny;
      near_limit = said.conforms && passed && said.remaining * 5 < limit.limit.burst;
    }
    met.rule->counts->add(loop_, outcome, near_limit);
  }
}

}  // namespace tidelimit::serve::envoy
