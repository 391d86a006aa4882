#pragma once

#include <optional>

#include "limiter/judge.hpp"
#include "limiter/lease_region.hpp"

namespace tidelimit::limiter {

/// One call's place among the requests of its principal that are in flight at its endpoint.
///   A lease is taken last, by a call that passes all else, and given back where it comes to
///   nothing: a denied request holds none.
///   Every request that passes holds one, whether a limit is enforced on it or not (shadow mode, an
///   override), since its response will release one; so the count stays true. Only mode `off`, and
///   a tier without a limit at that endpoint, count nothing.
///   A call is one request, whatever its hits.
/// Lives on the stack for one decision. Borrows the judge.
class LeaseClaim {
 public:
  LeaseClaim(Limiter& limiter, const Plan& plan, Judge& judge, Instant now) noexcept;

  /// Takes the lease of a call that passes so far (a peek only looks). Where too many are in flight
  /// the judge hears of the denial.
  void take() noexcept;
  /// The same for a second question about the same principal and endpoint: they share one lease.
  void share(const LeaseClaim& taken) noexcept;
  void give_back() noexcept;

  [[nodiscard]] bool held() const noexcept { return held_; }
  [[nodiscard]] bool same_as(const LeaseClaim& other) const noexcept {
    return key_.word() == other.key_.word() && key_.hash == other.key_.hash;
  }

 private:
  [[nodiscard]] bool enforced() const noexcept;
  void hear(const Leasing& said) noexcept;

  Limiter& limiter_;
  Judge& judge_;
  const Instant now_;
  LeaseKey key_;
  std::uint32_t limit_ = 0;  ///< 0: nothing is counted
  Leasing said_;
  bool held_ = false;
};

/// Whether the call's endpoint limits how many may be in flight.
[[nodiscard]] bool limits_in_flight(const Plan& plan, EndpointId endpoint) noexcept;

/// The whole decision of a call that stands alone at such an endpoint.
[[nodiscard]] Decision decide_in_flight(Limiter& limiter, const Plan& plan,
                                        const VerdictTable* verdicts,
                                        const OverrideTable* overrides, const Call& call,
                                        Instant now) noexcept;

/// A request of this call ended. See Worker::release.
bool release_lease(Limiter& limiter, const Plan& plan, const Call& call,
                   std::optional<Instant> began, Instant now) noexcept;

}  // namespace tidelimit::limiter
