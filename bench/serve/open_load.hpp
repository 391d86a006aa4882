#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tidelimit::bench {

/// Requests that come whether or not earlier ones were answered, at random moments (Poisson), over
/// kept connections. h2load's --rps does not do: it wakes each connection every 10 ms at most,
/// which then sends all that has gathered, so that half load comes as bursts of full load and the
/// tail is connections / rate, whatever the server.
struct OpenLoad {
  std::uint16_t port = 0;
  std::string request;  ///< its bytes, whole
  double rate = 0;      ///< requests a second
  double seconds = 4;
  double warm_up = 0.5;  ///< seconds before those, not counted
  int connections = 64;
  int core = 0;  ///< the CPU of the load, which it keeps busy
};

struct OpenLoadTimes {
  /// From the moment a request was due, so that waiting for a connection or for the load counts.
  std::vector<double> answer_ms;
  /// From that moment until the load saw it: how far the load itself fell behind. What waits for a
  /// connection after that waits for the server.
  std::vector<double> behind_ms;
};

/// Ends the benchmark with words at any answer other than 200.
[[nodiscard]] OpenLoadTimes run(const OpenLoad& load);

/// `part` in [0, 1); the values are not empty.
[[nodiscard]] double quantile(std::vector<double> values, double part);

}  // namespace tidelimit::bench
