#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "engine/engine.hpp"
#include "serve/domains/rule_counts.hpp"
#include "serve/grpc/call_counts.hpp"
#include "serve/http/quota.hpp"
#include "serve/http/refusal_counts.hpp"
#include "serve/http2/exchange.hpp"
#include "serve/metrics/latency_histogram.hpp"

namespace tidelimit::serve {

/// Of the buckets that outlive the process.
struct KeptBuckets {
  bool restored_well = true;  ///< what the gate before left, if anything, could be used
  std::size_t restored = 0;   ///< at the start
  std::size_t saved = 0;      ///< at the last save
  std::int64_t saved_at = 0;  ///< in Unix seconds; 0: not yet
};

/// All that the metrics tell, taken at one moment.
struct MetricsInput {
  Now now;
  engine::CountersView counters;
  std::shared_ptr<const engine::Status> status;  ///< null before the first tick
  engine::TableUse tables;
  std::optional<KeptBuckets> kept_buckets;  ///< empty: they are not kept
  engine::SwitchModes modes;
  std::vector<engine::PartMode> parts;
  LatencyHistogram::Counts latency;
  bool reload_successful = true;
  std::int64_t reload_success_unix_seconds = 0;
  std::size_t notes = 0;              ///< what the service finds degraded, beside the engine's own
  std::uint64_t unnamed_clients = 0;  ///< calls of auth that name none
  std::uint64_t unnamed_routes = 0;
  std::uint64_t unmatched_domains = 0;  ///< rate limit calls in a domain that is unknown
  std::uint64_t unmatched_fields = 0;   ///< calls of check with a field that is not read
  std::vector<RuleTally> descriptors;   ///< of `ratelimit.domains`, those that calls met
  std::vector<grpc::EndedCalls> grpc_calls;
  std::array<std::size_t, kWireNames.size()> connections{};         ///< open now, by Wire
  std::array<std::uint64_t, kNoPlaceNames.size()> no_place{};       ///< refused, by NoPlace
  std::array<RefusalCounts::Counts, kWireNames.size()> refusals{};  ///< by Wire
  std::size_t body_bytes = 0;                                       ///< of bodies that are kept
  std::size_t unsent_bytes = 0;  ///< of answers that callers who are not trusted have not read
  std::array<std::uint64_t, kFloods> floods{};  ///< HTTP/2 connections that ended for each
  /// Of the forecast, by how they ended.
  std::vector<std::pair<std::string, std::uint64_t>> retrainings;
  std::uint64_t syslog_lines = 0;
  std::uint64_t syslog_unreadable = 0;
  std::uint64_t syslog_untrusted = 0;
};

/// The engine's part of the input. Never waits, so that a hung control plane can still be seen.
[[nodiscard]] MetricsInput metrics_of(const engine::Engine& engine, const Now& now);

/// The text of /metrics (Prometheus exposition format 0.0.4). Every label value comes from the
/// configuration or from a fixed set of words, never from a request. Pure.
[[nodiscard]] std::string render(const MetricsInput& input);

}  // namespace tidelimit::serve
