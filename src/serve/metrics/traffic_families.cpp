#include <map>
#include <tuple>

#include "limiter/decision.hpp"
#include "serve/metrics/families.hpp"

namespace tidelimit::serve {
namespace {

using limiter::Outcome;
using limiter::Reason;

/// Visits (endpoint, tier, index of the pair) of the counters' rows.
template <class Visit>
void for_each_pair(const engine::CountersView& counters, Visit visit) {
  for (std::size_t e = 0; e < counters.endpoints.size(); ++e) {
    for (std::size_t t = 0; t < counters.tiers.size(); ++t) {
      visit(counters.endpoints[e], counters.tiers[t], e * counters.tiers.size() + t);
    }
  }
}

/// A pass has no reason but an override's; a denial, real or shadow, always has one.
bool can_be(Outcome outcome, Reason reason) {
  if (outcome == Outcome::allow) return reason == Reason::ok || reason == Reason::override_;
  return reason != Reason::ok;
}

void add_decisions(Families& families, const engine::CountersView& counters) {
  families.counter("tidelimit_decisions_total",
                   "Requests decided. outcome: allow, deny, or shadow_deny (passed, and would have "
                   "been denied if enforced).");
  for_each_pair(counters, [&](const auto& endpoint, const auto& tier, std::size_t pair) {
    for (std::size_t o = 0; o < limiter::kOutcomes; ++o) {
      for (std::size_t r = 0; r < limiter::kReasons; ++r) {
        const auto outcome = static_cast<Outcome>(o);
        const auto reason = static_cast<Reason>(r);
        const auto count = counters.decisions[engine::CountersView::index(pair, outcome, reason)];
        // Series that can count stand at zero from the start, so that a first denial is a change.
        if (count == 0 && !can_be(outcome, reason)) continue;
        families.add({{"endpoint", endpoint},
                      {"tier", tier},
                      {"outcome", limiter::to_string(outcome)},
                      {"reason", limiter::to_string(reason)}},
                     static_cast<double>(count));
      }
    }
  });
  families.counter("tidelimit_near_limit_total",
                   "Requests that passed with less than a fifth of the burst left.");
  for_each_pair(counters, [&](const auto& endpoint, const auto& tier, std::size_t pair) {
    families.add({{"endpoint", endpoint}, {"tier", tier}},
                 static_cast<double>(counters.near_limit[pair]));
  });
  families.counter(
      "tidelimit_in_flight_denials_total",
      "Requests denied, or in shadow counted as such, because as many of the principal "
      "as may be were in flight at the endpoint; part of reason over_limit.");
  for_each_pair(counters, [&](const auto& endpoint, const auto& tier, std::size_t pair) {
    families.add({{"endpoint", endpoint}, {"tier", tier}},
                 static_cast<double>(counters.in_flight_denials[pair]));
  });
}

void add_demand(Families& families, const engine::CountersView& counters) {
  families.counter("tidelimit_requests_total",
                   "Requests that came, decided here or told by access logs and reports alone. "
                   "kind: demand, which windows count and forecasts go by, or malicious, those of "
                   "malicious clients, counted apart.");
  for (std::size_t e = 0; e < counters.endpoints.size(); ++e) {
    const auto& endpoint = counters.endpoints[e];
    families.add({{"endpoint", endpoint}, {"kind", "demand"}},
                 static_cast<double>(counters.demand[e]));
    families.add({{"endpoint", endpoint}, {"kind", "malicious"}},
                 static_cast<double>(counters.malicious[e]));
  }
}

void add_observed(Families& families, const engine::CountersView& counters) {
  static constexpr const char* kClasses[] = {"unknown", "1xx", "2xx", "3xx", "4xx", "5xx"};
  families.counter("tidelimit_requests_observed_total",
                   "Responses reported by gateways and access logs, by class of their status.");
  for_each_pair(counters, [&](const auto& endpoint, const auto& tier, std::size_t pair) {
    for (std::size_t c = 0; c < std::size(kClasses); ++c) {
      families.add({{"endpoint", endpoint}, {"tier", tier}, {"status_class", kClasses[c]}},
                   static_cast<double>(counters.observed[pair * std::size(kClasses) + c]));
    }
  });
}

void add_descriptors(Families& families, const MetricsInput& input) {
  if (input.descriptors.empty()) return;
  families.counter("tidelimit_descriptor_decisions_total",
                   "Calls that met a descriptor of ratelimit.domains, by what it said; those that "
                   "only asked are not counted.");
  for (const RuleTally& tally : input.descriptors) {
    for (std::size_t i = 0; i < limiter::kOutcomes; ++i)
      families.add({{"domain", tally.domain},
                    {"descriptor", tally.descriptor},
                    {"outcome", limiter::to_string(static_cast<limiter::Outcome>(i))}},
                   static_cast<double>(tally.outcomes[i]));
  }
  families.counter("tidelimit_descriptor_near_limit_total",
                   "Calls that passed a descriptor with less than a fifth of its limit left.");
  for (const RuleTally& tally : input.descriptors)
    families.add({{"domain", tally.domain}, {"descriptor", tally.descriptor}},
                 static_cast<double>(tally.near_limit));
}

void add_oddities(Families& families, const MetricsInput& input) {
  const auto& counters = input.counters;
  families.counter("tidelimit_unmatched_total",
                   "What the configuration or the call does not know: a path that matches no "
                   "endpoint (counted as `other`), a tier that is unknown (counted as the default "
                   "tier), a rate limit call in a domain that is not configured (let pass), a call "
                   "of /v1/check with a field that is not read.");
  families.add({{"kind", "path"}}, static_cast<double>(counters.unmatched_paths));
  families.add({{"kind", "tier"}}, static_cast<double>(counters.unmatched_tiers));
  families.add({{"kind", "domain"}}, static_cast<double>(input.unmatched_domains));
  families.add({{"kind", "field"}}, static_cast<double>(input.unmatched_fields));
  families.counter("tidelimit_unnamed_total",
                   "Calls of /v1/auth whose gateway names no client (its own address is taken: all "
                   "that it asks for share one limit) or no route (`/` is taken).");
  families.add({{"what", "client"}}, static_cast<double>(input.unnamed_clients));
  families.add({{"what", "route"}}, static_cast<double>(input.unnamed_routes));
  families.counter("tidelimit_late_total",
                   "Requests reported after their window was closed; forecasts miss them.");
  families.add({}, static_cast<double>(counters.late));
  families.counter(
      "tidelimit_overflow_decisions_total",
      "Decisions by a bucket that a neighbourhood shares, because the table was full.");
  families.add({}, static_cast<double>(counters.overflow_decisions));
  families.counter("tidelimit_decision_records_dropped_total",
                   "Decisions that were made but not kept for `why`, because they came too fast.");
  families.add({}, static_cast<double>(counters.decision_records_dropped));
  families.counter(
      "tidelimit_syslog_messages_total",
      "Access-log lines received by syslog: taken, unreadable, or from a sender that is "
      "no trusted proxy.");
  families.add({{"result", "taken"}}, static_cast<double>(input.syslog_lines));
  families.add({{"result", "unreadable"}}, static_cast<double>(input.syslog_unreadable));
  families.add({{"result", "untrusted"}}, static_cast<double>(input.syslog_untrusted));
}

/// Those of several loops are added up.
void add_grpc_calls(Families& families, const std::vector<grpc::EndedCalls>& calls) {
  std::map<std::tuple<std::string_view, std::string_view, grpc::StatusCode>, std::uint64_t> sums;
  for (const auto& call : calls) sums[{call.service, call.method, call.code}] += call.count;
  families.counter(
      "tidelimit_grpc_calls_total",
      "gRPC calls that ended, by method and code; `none` is what there is no such of.");
  for (const auto& [of, count] : sums) {
    const auto& [service, method, code] = of;
    families.add({{"service", service}, {"method", method}, {"code", grpc::name_of(code)}},
                 static_cast<double>(count));
  }
}

}  // namespace

void add_traffic(Families& families, const MetricsInput& input) {
  add_decisions(families, input.counters);
  families.histogram("tidelimit_decision_seconds",
                     "Time from a request that was read to its answer in the send buffer.",
                     input.latency);
  add_demand(families, input.counters);
  add_observed(families, input.counters);
  add_descriptors(families, input);
  add_oddities(families, input);
  add_grpc_calls(families, input.grpc_calls);
}

}  // namespace tidelimit::serve
