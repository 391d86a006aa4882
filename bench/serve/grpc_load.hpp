#pragma once

#include <cstdint>
#include <string>

#include "serve/open_load.hpp"

namespace tidelimit::bench {

/// Unary gRPC calls over HTTP/2 without TLS, whose bodies differ: h2load sends one body over and
/// over, and a limiter with one key is all cache hits. The frames are written and read by hand,
/// which costs a third of a library's work, so that it is the server that is at its limit.
struct GrpcLoad {
  std::uint16_t port = 0;
  std::string path;     ///< "/package.Service/Method"
  std::string message;  ///< the request's bytes
  /// Where in it four groups "1dd" joined by dots stand, whose digits are the key.
  std::size_t key_at = 0;
  std::size_t keys = 1;  ///< up to 100^4, taken in an order that no cache knows
  std::uint64_t first_key = 0;
  std::string answer;  ///< what each answer's message must begin with
  int connections = 8;
  int streams = 32;  ///< calls under way on each connection, at most
  double rate = 0;   ///< calls a second at random moments (Poisson); 0: as many as are answered
  double seconds = 4;
  double warm_up = 0.5;  ///< seconds before those, not counted
  int core = 0;          ///< the CPU of the load
};

struct GrpcLoadTimes {
  double rate = 0;          ///< answers a second
  std::uint64_t calls = 0;  ///< all that were answered, those of the warm-up too
  OpenLoadTimes times;      ///< see there; with rate 0 a call is due when it is made
};

/// Ends the benchmark with words at any answer other than the one asked for.
[[nodiscard]] GrpcLoadTimes run(const GrpcLoad& load);

}  // namespace tidelimit::bench
