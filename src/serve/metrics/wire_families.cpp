#include "serve/metrics/families.hpp"

namespace tidelimit::serve {

namespace {

/// Whether this front gives it: a series that can count stands at zero from the start.
bool gives(Wire wire, int status) {
  const bool grpc_gives = status == 405 || status == 415 || status == 431;
  const bool http_gives = status != 405 && status != 415 && status != 505;
  return wire == Wire::grpc ? grpc_gives : http_gives;
}

void add_refusals(Families& families, const MetricsInput& input) {
  families.counter(
      "tidelimit_http_refused_total",
      "Requests refused by HTTP itself, before any call was looked for: heads that are "
      "malformed, too large or too slow, bodies that are, and what is no gRPC call.");
  for (std::size_t w = 0; w < input.refusals.size(); ++w) {
    for (std::size_t i = 0; i < RefusalCounts::kStatuses.size(); ++i) {
      const int status = RefusalCounts::kStatuses[i];
      const std::uint64_t count = input.refusals[w][i];
      if (count == 0 && !gives(static_cast<Wire>(w), status)) continue;
      families.add({{"front", kWireNames[w]}, {"status", std::to_string(status)}},
                   static_cast<double>(count));
    }
  }
}

}  // namespace

void add_wire(Families& families, const MetricsInput& input) {
  families.gauge("tidelimit_connections", "Open connections.");
  for (std::size_t i = 0; i < input.connections.size(); ++i)
    families.add({{"front", kWireNames[i]}}, static_cast<double>(input.connections[i]));
  families.counter(
      "tidelimit_connections_refused_total",
      "Connections refused: full, untrusted (callers that are not trusted have three "
      "quarters of the places), address (its share is taken), descriptors (ulimit -n).");
  for (std::size_t i = 0; i < input.no_place.size(); ++i)
    families.add({{"reason", kNoPlaceNames[i]}}, static_cast<double>(input.no_place[i]));
  add_refusals(families, input);
  families.gauge("tidelimit_body_bytes",
                 "Bytes of request bodies that are kept until they are whole or handled.");
  families.add({}, static_cast<double>(input.body_bytes));
  families.gauge("tidelimit_unsent_bytes",
                 "Bytes of answers that callers who are not trusted have not read yet.");
  families.add({}, static_cast<double>(input.unsent_bytes));
  families.counter(
      "tidelimit_http2_calmed_total",
      "HTTP/2 connections that were ended with ENHANCE_YOUR_CALM, by what they brought "
      "too much of: header_bytes in one head, large_heads, resets, idle_frames.");
  for (std::size_t i = 0; i < kFloods; ++i)
    families.add({{"reason", to_string(static_cast<Flood>(i))}},
                 static_cast<double>(input.floods[i]));
}

}  // namespace tidelimit::serve
