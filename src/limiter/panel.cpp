#include "limiter/panel.hpp"

#include <algorithm>
#include <tuple>

namespace tidelimit::limiter {

bool Panel::decide(std::span<const Call> calls, std::span<Decision> decisions) noexcept {
  for (const Call& call : calls) seat(call);
  const bool passed = check_all() && take_leases() && charge_all();
  if (!passed) {
    for (Seat& seat : seats_) seat.claim.give_back();
  }
  report_all(passed);
  for (std::size_t i = 0; i < calls.size(); ++i) decisions[i] = seats_[i].judge.said();
  return passed;
}

void Panel::seat(const Call& call) noexcept {
  Seat& seat = seats_.emplace(limiter_, plan_, verdicts_, overrides_, call, now_);
  seat.open = seat.judge.gather();
}

// Every call is checked, though one was denied: each says how it stands.
bool Panel::check_all() noexcept {
  bool passed = true;
  for (Seat& seat : seats_) {
    seat.open = seat.open && seat.judge.check();
    passed = passed && seat.judge.said().allowed;
  }
  return passed;
}

// Every call asks, though one was refused.
bool Panel::take_leases() noexcept {
  bool passed = true;
  for (Seat& seat : seats_) {
    take_lease(seat);
    seat.open = seat.open && !seat.judge.denies();
    passed = passed && seat.judge.passes();
  }
  return passed;
}

// Questions about one request take one lease.
void Panel::take_lease(Seat& seat) noexcept {
  const auto taken = std::find_if(seats_.begin(), &seat, [&](const Seat& other) {
    return other.claim.held() && other.claim.same_as(seat.claim);
  });
  if (taken != &seat) {
    seat.claim.share(taken->claim);
  } else {
    seat.claim.take();
  }
}

bool Panel::charge_all() noexcept {
  FixedVector<Charge, Worker::kTogetherMax * Judge::kLinesMax> made;
  for (Seat& seat : seats_) {
    if (!seat.open || seat.judge.call().hits == 0) continue;
    for (LimitLine& line : seat.judge.lines()) {
      if (!leads(seat, line)) continue;
      const Charge& charge = made.emplace(seat.judge.charge(line));
      if (charge.conformance.conforms) {
        note_charge(line.key, charge.conformance.tat);
        continue;
      }
      // Another thread took what was seen free. In shadow that holds back nobody, and what was
      // charged so far stands, since it may stand for other calls too.
      seat.judge.deny_by(line, charge.conformance);
      seat.open = false;
      if (!seat.judge.enforces()) break;
      for (const Charge& done : made) BucketTable::undo(done);
      return false;
    }
  }
  return true;
}

bool Panel::leads(const Seat& seat, const LimitLine& line) noexcept {
  const auto rank = [](const Seat& of, const LimitLine& its) {
    return std::tuple(of.judge.enforces(),
                      its.limit->emission_interval * Nanos::rep{of.judge.call().hits});
  };
  for (Seat& other : seats_) {
    if (&other == &seat || !other.open || other.judge.call().hits == 0) continue;
    for (const LimitLine& its : other.judge.lines()) {
      if (its.key != line.key) continue;
      if (rank(other, its) > rank(seat, line)) return false;
      if (rank(other, its) == rank(seat, line) && &other < &seat) return false;
    }
  }
  return true;
}

void Panel::note_charge(std::uint64_t key, Tat after) noexcept {
  for (Seat& seat : seats_)
    for (LimitLine& line : seat.judge.lines())
      if (line.key == key) line.after = after;
}

void Panel::report_all(bool passed) noexcept {
  for (Seat& seat : seats_) {
    if (!seat.open) continue;
    seat.judge.report(passed ? &LimitLine::after : &LimitLine::before);
    if (passed && is_first_of_request(seat)) seat.judge.watch();
  }
}

bool Panel::is_first_of_request(const Seat& seat) noexcept {
  return std::none_of(seats_.begin(), seats_.end(), [&](const Seat& other) {
    return &other < &seat && other.open && other.judge.call().hits != 0 &&
           same_request(other.judge.call(), seat.judge.call());
  });
}

}  // namespace tidelimit::limiter
