#pragma once

#include "impact/outcome.hpp"
#include "limiter/decision.hpp"

namespace tidelimit::impact {

/// Books what becomes of each call into an Outcome: by phase, offer and tier, and by moment.
class Ledger {
 public:
  Ledger(Span span, const Flood& flood);

  void asked(const Arrival& arrival);
  void denied(const Arrival& arrival, limiter::Reason reason);
  /// Allowed, but the upstream's queue was full.
  void refused(const Arrival& arrival);
  /// By the upstream, so long after the call; judged by the offer's deadline.
  void answered(const Arrival& arrival, double latency_ms);

  [[nodiscard]] Bin& bin_at(Nanos since_midnight);
  [[nodiscard]] Outcome& outcome() { return outcome_; }

 private:
  template <class Do>
  void each_group(const Arrival& arrival, Do&& act);

  Span span_;
  Flood flood_;
  Outcome outcome_;
};

}  // namespace tidelimit::impact
