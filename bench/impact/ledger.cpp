#include "impact/ledger.hpp"

#include <algorithm>

namespace tidelimit::impact {
namespace {

constexpr double kOtherDeadlineMs = 1000;

}  // namespace

Ledger::Ledger(Span span, const Flood& flood) : span_(span), flood_(flood) {
  outcome_.bins.resize(static_cast<std::size_t>((span.until - span.from) / kBin) + 1);
}

Bin& Ledger::bin_at(Nanos time) {
  const auto at = static_cast<std::size_t>(std::max(time - span_.from, Nanos{0}) / kBin);
  return outcome_.bins[std::min(at, outcome_.bins.size() - 1)];
}

template <class Do>
void Ledger::each_group(const Arrival& arrival, Do&& act) {
  const auto phase = static_cast<std::size_t>(phase_at(arrival.at, flood_));
  if (arrival.attack) {
    act(outcome_.attack[phase]);
    return;
  }
  act(outcome_.good[phase][arrival.offer][arrival.tier]);
  Bin& bin = bin_at(arrival.at);
  act(bin.all);
  if (arrival.tier == kStd) act(bin.std_all);
  if (arrival.offer == kPayment && arrival.tier == kPrm) act(bin.payment_prm);
}

void Ledger::asked(const Arrival& arrival) {
  each_group(arrival, [](Group& g) { ++g.asked; });
  if (!arrival.attack) return;
  Bin& bin = bin_at(arrival.at);
  ++bin.attack_asked;
  ++bin.attack_passed;
}

void Ledger::denied(const Arrival& arrival, limiter::Reason reason) {
  each_group(arrival, [reason](Group& g) {
    ++g.denied;
    ++g.by_reason[static_cast<std::size_t>(reason)];
  });
  if (arrival.attack) --bin_at(arrival.at).attack_passed;
}

void Ledger::refused(const Arrival& arrival) {
  each_group(arrival, [](Group& g) { ++g.refused; });
}

void Ledger::answered(const Arrival& arrival, double latency_ms) {
  const double deadline =
      arrival.offer < kOffers.size() ? kOffers[arrival.offer].deadline_ms : kOtherDeadlineMs;
  each_group(arrival, [&](Group& g) {
    ++g.answered;
    g.in_time += latency_ms <= deadline ? 1 : 0;
    g.latency.add(latency_ms);
  });
}

}  // namespace tidelimit::impact
