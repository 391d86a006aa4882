#pragma once

#include <span>

#include "limiter/fixed_vector.hpp"
#include "limiter/judge.hpp"
#include "limiter/lease_claim.hpp"

namespace tidelimit::limiter {

/// Several judges over the calls of one request (see Worker::decide_all). Lives on the stack for
/// one decision; room for seats that stay empty costs nothing.
class Panel {
 public:
  Panel(Limiter& limiter, const Plan& plan, const VerdictTable* verdicts,
        const OverrideTable* overrides, Instant now) noexcept
      : limiter_(limiter), plan_(plan), verdicts_(verdicts), overrides_(overrides), now_(now) {}

  [[nodiscard]] bool decide(std::span<const Call> calls, std::span<Decision> decisions) noexcept;

 private:
  struct Seat {
    Seat(Limiter& limiter, const Plan& plan, const VerdictTable* verdicts,
         const OverrideTable* overrides, const Call& call, Instant now) noexcept
        : judge(limiter, plan, verdicts, overrides, call, now), claim(limiter, plan, judge, now) {}
    Judge judge;
    bool open = false;  // neither denied nor settled without a bucket
    LeaseClaim claim;
  };

  void seat(const Call& call) noexcept;
  [[nodiscard]] bool check_all() noexcept;
  [[nodiscard]] bool take_leases() noexcept;
  void take_lease(Seat& seat) noexcept;
  [[nodiscard]] bool charge_all() noexcept;
  /// Of equal buckets, whether this one's charge stands for all.
  [[nodiscard]] bool leads(const Seat& seat, const LimitLine& line) noexcept;
  void note_charge(std::uint64_t key, Tat after) noexcept;
  void report_all(bool passed) noexcept;
  [[nodiscard]] bool is_first_of_request(const Seat& seat) noexcept;

  Limiter& limiter_;
  const Plan& plan_;
  const VerdictTable* verdicts_;
  const OverrideTable* overrides_;
  const Instant now_;
  FixedVector<Seat, Worker::kTogetherMax> seats_;
};

}  // namespace tidelimit::limiter
