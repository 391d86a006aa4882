#pragma once

#include <cstdint>

namespace tidelimit::bench {

/// Envoy's rate limit service as gRPC C++'s callback server, which is its fastest: a count for each
/// key in a hash table behind a mutex, and an answer of the same fields as the gate's. Never
/// returns.
int run_grpc_reference(std::uint16_t port);

}  // namespace tidelimit::bench
