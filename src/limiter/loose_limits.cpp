#include "limiter/loose_limits.hpp"

#include <algorithm>
#include <array>
#include <exception>

#include "limiter/limit_key.hpp"

namespace tidelimit::limiter {
namespace {

BucketCall call_of(const LooseLimit& one, std::uint64_t epoch, Instant now) {
  BucketCall call;
  call.key = one.key;
  call.hits = one.hits;
  call.limit = one.limit;
  call.epoch = epoch;
  call.now = now;
  const bool fixed = one.window_left.count() != 0;
  const Nanos whole = one.limit.tolerance();
  call.longest = fixed ? whole : 2 * whole;  // with debts, whoever made them
  call.ahead = one.window_left;
  if (one.excess == Excess::rest) call.excess_to = whole;
  if (one.excess == Excess::debt) call.excess_to = call.longest;
  return call;
}

std::uint64_t at_most_one_a_nanosecond(std::uint64_t count, Nanos period) {
  return std::min<std::uint64_t>(count, static_cast<std::uint64_t>(period.count()));
}

/// A window is whole again at its end, and not before.
Conformance told(const LooseLimit& one, Conformance said) {
  if (one.window_left.count() == 0) return said;
  said.reset_after = one.window_left;
  if (!said.conforms && said.retry_after != Nanos::max()) said.retry_after = one.window_left;
  return said;
}

/// What is left, in a bucket that holds `tat`, to one that conformed: whether one more would is not
/// what it asked.
Conformance standing(const LooseLimit& one, Tat tat, Instant now) {
  Conformance left = conform(tat, 0, one.limit, now + one.window_left);
  left.conforms = true;
  left.retry_after = Nanos{0};
  return told(one, left);
}

/// As BucketTable asks for it.
auto overflow_of(const LooseLimit& one) {
  return [&one] { return limit_key(one.overflow_key, one.limit); };
}

/// The limits of one call, on their way through check and charge.
class Together {
 public:
  Together(BucketTable& buckets, std::span<const LooseLimit> limits, std::uint64_t epoch,
           Instant now, std::span<LooseAnswer> answers) noexcept
      : buckets_(buckets), limits_(limits), epoch_(epoch), now_(now), answers_(answers) {}

  [[nodiscard]] bool check() noexcept {
    bool passed = true;
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      note(i, buckets_.peek(call_of(limits_[i], epoch_, now_), overflow_of(limits_[i])));
      passed = passed && holds_nobody_back(i);
    }
    return passed;
  }

  [[nodiscard]] bool charge() noexcept {
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      if (limits_[i].hits == 0 || !answers_[i].conformance.conforms || !leads(i)) continue;
      note(i, buckets_.charge(call_of(limits_[i], epoch_, now_), overflow_of(limits_[i])));
      if (holds_nobody_back(i)) continue;
      for (std::size_t j = 0; j < i; ++j) BucketTable::undo(charges_[j]);
      return false;
    }
    return true;
  }

  /// What those take that were found to deny.
  void charge_denied() noexcept {
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      if (limits_[i].excess == Excess::nothing || limits_[i].hits == 0) continue;
      if (answers_[i].conformance.conforms) continue;
      const auto taken =
          buckets_.charge(call_of(limits_[i], epoch_, now_), overflow_of(limits_[i]));
      if (!taken.conformance.conforms) note(i, taken);
    }
  }

  /// All were asked with all their hits: what is left is told as it stands.
  void tell_uncharged() noexcept {
    for (std::size_t i = 0; i < limits_.size(); ++i)
      if (answers_[i].conformance.conforms)
        answers_[i].conformance = standing(limits_[i], charges_[i].before, now_);
  }

  /// Those whose bucket another one charged for them.
  void tell_led() noexcept {
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      if (!answers_[i].conformance.conforms || leads(i)) continue;
      for (std::size_t j = 0; j < limits_.size(); ++j)
        if (limits_[j].key == limits_[i].key && leads(j))
          answers_[i].conformance = standing(limits_[i], charges_[j].conformance.tat, now_);
    }
  }

 private:
  void note(std::size_t i, const Charge& charge) noexcept {
    charges_[i] = charge;
    answers_[i] = {told(limits_[i], charge.conformance), charge.overflow};
  }
  [[nodiscard]] bool holds_nobody_back(std::size_t i) const noexcept {
    return limits_[i].watched || answers_[i].conformance.conforms;
  }
  /// Of equal keys that conform, the first of those that take most charges for all of them.
  [[nodiscard]] bool leads(std::size_t at) const noexcept {
    const LooseLimit& own = limits_[at];
    for (std::size_t i = 0; i < limits_.size(); ++i) {
      const LooseLimit& other = limits_[i];
      if (other.key == own.key && answers_[i].conformance.conforms &&
          (other.hits > own.hits || (other.hits == own.hits && i < at)))
        return false;
    }
    return true;
  }

  BucketTable& buckets_;
  const std::span<const LooseLimit> limits_;
  const std::uint64_t epoch_;
  const Instant now_;
  const std::span<LooseAnswer> answers_;
  std::array<Charge, kLooseMax> charges_;
};

}  // namespace

Limit gcra_limit(std::uint64_t count, Nanos period) {
  const std::uint64_t most = at_most_one_a_nanosecond(count, period);
  return {most == 0 ? period : period / static_cast<Nanos::rep>(most), most};
}

Limit window_limit(std::uint64_t count, Nanos period) {
  return {Nanos{1}, at_most_one_a_nanosecond(count, period)};
}

Nanos window_left(Instant now, Nanos clock_offset, Nanos period) {
  const auto into = (now.since_start + clock_offset).count() % period.count();
  return period - Nanos{into < 0 ? into + period.count() : into};
}

bool charge_all(BucketTable& buckets, std::span<const LooseLimit> limits, std::uint64_t epoch,
                Instant now, std::span<LooseAnswer> answers) noexcept {
  if (limits.size() > kLooseMax) std::terminate();
  Together together(buckets, limits, epoch, now, answers);
  const bool alone = limits.size() == 1 && limits[0].hits != 0;  // its charge is its check
  if (alone) {
    answers[0].conformance.conforms = true;
    return together.charge();
  }
  const bool passed = together.check();
  together.charge_denied();
  if (!passed || !together.charge()) {
    together.tell_uncharged();
    return false;
  }
  together.tell_led();
  return true;
}

}  // namespace tidelimit::limiter
