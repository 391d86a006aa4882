#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "limiter/bucket_keys.hpp"
#include "limiter/limiter.hpp"

namespace tidelimit::limiter {

/// One limit that a call must meet.
struct LimitLine {
  std::uint64_t key;
  Use use;
  const Limit* limit;  // unlimited: it is only watched
  const Limit* base =
      nullptr;  // what is denied for less than this is reduced_capacity; may be null
  const Limit* watched = nullptr;  // what shadow rules would make of the limit; may be null
  Reason reason;
  RuleId rule;
  RuleId watched_rule = kNoRule;
  Tat before{0};  // the TAT that the call met
  Tat after{0};   // the TAT that it left; set for calls that are decided together
};

/// A limit that no plan sets: by hand, by verdict, by the caller.
[[nodiscard]] inline LimitLine apart(std::uint64_t key, Use use, const Limit& limit, Reason reason,
                                     RuleId rule) {
  return {.key = key, .use = use, .limit = &limit, .reason = reason, .rule = rule};
}

/// One call before one plan: collects the limits it must meet, checks them all, then charges all or
/// none. Lives on the stack for one decision.
class Judge {
 public:
  Judge(Limiter& limiter, const Plan& plan, const VerdictTable* verdicts,
        const OverrideTable* overrides, const Call& call, Instant now) noexcept;

  /// The whole decision of a call that stands alone.
  [[nodiscard]] Decision decide() noexcept;
  /// See Worker::demand_of.
  [[nodiscard]] Hits demand() noexcept;
  /// See Worker::verdict_on.
  [[nodiscard]] VerdictKind verdict() const noexcept;

  // The steps of a decision, for calls that are decided together (see Panel).

  /// Everything that needs no bucket. False: that was all; else `lines` are to be met.
  [[nodiscard]] bool gather() noexcept;
  [[nodiscard]] std::span<LimitLine> lines() noexcept { return {lines_.data(), line_count_}; }
  /// Whether all lines have room, and nothing is shed; charges nothing. False: denied.
  [[nodiscard]] bool check() noexcept;
  [[nodiscard]] Charge charge(LimitLine& line) noexcept { return ask(line, *line.limit, true); }
  [[nodiscard]] bool charge_all() noexcept;
  void deny_by(const LimitLine& line, const Conformance& conformance) noexcept;
  void deny(Reason reason, RuleId rule, Nanos retry_after) noexcept;
  /// Says of a call that was not denied what its lines leave it, by their `before` or `after`.
  void report(Tat LimitLine::*tat) noexcept;
  /// What shadow verdicts and rules would have denied of a call that passes.
  void watch() noexcept;
  [[nodiscard]] Decision said() const noexcept;

  [[nodiscard]] const Call& call() const noexcept { return call_; }
  /// A denial is a denial, and not only counted.
  [[nodiscard]] bool enforces() const noexcept { return mode_ == Mode::enforce; }

  // For a limit on requests in flight (see LeaseClaim).

  [[nodiscard]] EndpointId endpoint() const noexcept { return endpoint_id_; }
  [[nodiscard]] TierId tier() const noexcept { return tier_id_; }
  [[nodiscard]] const BucketKeys& keys() const noexcept { return keys_; }
  [[nodiscard]] Mode mode() const noexcept { return mode_; }
  [[nodiscard]] bool by_hand() const noexcept { return by_hand_; }
  /// A limit says no, whatever comes of it.
  [[nodiscard]] bool denies() const noexcept { return !decision_.allowed; }
  /// The request goes on, whatever a limit says.
  [[nodiscard]] bool passes() const noexcept { return !denies() || mode_ == Mode::shadow; }
  void note_in_flight(std::uint32_t count, std::uint32_t limit, bool overflow) noexcept;

  // Verdict or override, principal, client, total, total of the stage.
  static constexpr std::size_t kLinesMax = 5;

 private:
  // Which limits are enforced, and which are only watched.
  struct Views {
    View enforced = View::base;
    View watched = View::base;  // the same: nothing to watch
  };
  [[nodiscard]] Views views() const noexcept;
  [[nodiscard]] Mode mode_of(const Verdict& verdict) const noexcept;
  // What is said of the caller: what is set by hand stands in place of any verdict.
  struct Standing {
    const Override* override_ = nullptr;
    const Verdict* verdict = nullptr;
  };
  [[nodiscard]] Standing standing() const noexcept;
  [[nodiscard]] const Verdict* find_verdict() const noexcept;
  [[nodiscard]] const CellLimits& in(View view) const noexcept { return cell_.in(view); }
  [[nodiscard]] bool sheds(const CellLimits& limits) const noexcept {
    return limits.shed != 0 &&
           (limits.shed == kShedAll || keys_.lot(plan_.shed_round) < limits.shed);
  }

  [[nodiscard]] bool pass_override(const Override& by_hand) noexcept;
  [[nodiscard]] bool pass_verdict(const Verdict& verdict) noexcept;
  void add_plan_lines(bool by_hand) noexcept;
  void add_principal_line(const CellLimits& limits, const CellLimits& base,
                          const CellLimits* watched) noexcept;
  void add_total_lines() noexcept;
  void add(const LimitLine& line) noexcept;
  /// Lines that no enforced limit makes.
  [[nodiscard]] std::span<LimitLine> watched_only() noexcept {
    return std::span(lines_).last(watched_count_);
  }
  void watch(LimitLine line) noexcept;

  [[nodiscard]] Charge ask(const LimitLine& line, const Limit& limit, bool charge,
                           Tat floor = Tat{0}, std::optional<Hits> hits = {}) noexcept;
  /// See BucketCall::longest.
  [[nodiscard]] Nanos longest_tolerance(const LimitLine& line) const noexcept;
  void report_pass(const LimitLine& line, const Conformance& conformance) noexcept;
  void would_deny(const WatchedDenial& denial) noexcept;
  void would_deny(Reason reason, RuleId rule) noexcept;
  /// Of a denial by `limit`, the line's own or the watched one, that met this TAT.
  [[nodiscard]] Reason reason_of(const LimitLine& line, const Limit& limit, Tat tat) const noexcept;

  Limiter& limiter_;
  const Plan& plan_;
  const VerdictTable* verdicts_;
  const OverrideTable* overrides_;
  const Call& call_;
  const Instant now_;
  const EndpointId endpoint_id_;
  const TierId tier_id_;
  const PlanEndpoint& endpoint_;
  const RolloutStage* stage_;  // may be null
  const Cell& cell_;
  const BucketKeys keys_;
  const Mode mode_;

  // Set by gather.
  bool by_hand_ = false;
  const Verdict* shadow_verdict_ = nullptr;
  Views views_;
  bool sheds_ = false;

  std::size_t line_count_ = 0;
  std::size_t watched_count_ = 0;
  std::array<LimitLine, kLinesMax> lines_;  // the first line_count_ and last watched_count_ are set
  Decision decision_;
};

}  // namespace tidelimit::limiter
