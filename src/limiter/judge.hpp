#pragma once

#include <array>
#include <cstdint>

#include "limiter/limiter.hpp"

namespace tidelimit::limiter {

/// One call before one plan: collects the limits it must meet, checks them all, then charges all or
/// none. Lives on the stack for one decision.
class Judge {
 public:
  Judge(Limiter& limiter, const Plan& plan, const VerdictTable* verdicts,
        const OverrideTable* overrides, const Call& call, Instant now) noexcept;

  [[nodiscard]] Decision decide() noexcept;
  /// See Worker::counts_as_demand.
  [[nodiscard]] bool counts_as_demand() noexcept;
  /// The key of the bucket that a usual decision touches.
  [[nodiscard]] static std::uint64_t principal_key(const Limiter& limiter,
                                                   const Call& call) noexcept;

 private:
  // What a bucket is for; part of its key.
  enum class Use : std::uint8_t { principal, client, total, verdict, hand, demand };

  struct Line {
    std::uint64_t key;
    Use use;
    const Limit* limit;
    const Limit* base;     // a denial that this would have passed is reduced_capacity; may be null
    const Limit* watched;  // what shadow rules would make of the limit; may be null
    Reason reason;
    RuleId rule;
    RuleId watched_rule;
    Tat before;  // the TAT that the call met
  };

  // Which limits are enforced, and which are only watched.
  struct Views {
    View enforced;
    View watched;  // the same: nothing to watch
  };
  [[nodiscard]] Views views() const noexcept;
  [[nodiscard]] Mode mode_of(const Verdict& verdict) const noexcept;
  [[nodiscard]] const Verdict* find_verdict() const noexcept;

  void attempt(Mode mode) noexcept;
  [[nodiscard]] bool pass_override(const Override& hand) noexcept;
  [[nodiscard]] bool pass_verdict(const Verdict& verdict) noexcept;
  void add_plan_lines(const Views& views, bool by_hand) noexcept;
  void add(const Line& line) noexcept;

  [[nodiscard]] bool check_all() noexcept;
  [[nodiscard]] bool charge_all() noexcept;
  void watch(const Verdict* shadow_verdict, const Views& views) noexcept;

  [[nodiscard]] Charge ask(const Line& line, const Limit& limit, bool charge,
                           Tat floor = Tat{0}) noexcept;
  void report_pass(const Line& line, const Conformance& conformance) noexcept;
  void deny(Reason reason, RuleId rule, Nanos retry_after) noexcept;
  void deny_by(const Line& line, const Conformance& conformance) noexcept;
  void would_deny(Reason reason, RuleId rule, const Limit* limit) noexcept;
  [[nodiscard]] Reason reason_of(const Line& line, Tat tat) const noexcept;

  [[nodiscard]] std::uint64_t key_of(std::uint64_t whose, Use use) const noexcept;
  [[nodiscard]] std::uint64_t key_of(std::uint64_t whose, Use use,
                                     const Limit& limit) const noexcept;
  [[nodiscard]] std::uint64_t client_hash() const noexcept;
  [[nodiscard]] std::uint64_t overflow_key(const Line& line) const noexcept;

  static constexpr std::size_t kLinesMax = 4;  // verdict or override, principal, client, total

  Limiter& limiter_;
  const Plan& plan_;
  const VerdictTable* verdicts_;
  const OverrideTable* overrides_;
  const Call& call_;
  const Instant now_;
  const EndpointId endpoint_id_;
  const TierId tier_id_;
  const PlanEndpoint& endpoint_;
  std::size_t line_count_ = 0;
  std::array<Line, kLinesMax> lines_;  // the first line_count_ are set
  Decision decision_;
};

}  // namespace tidelimit::limiter
