#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "forecast/forecaster.hpp"
#include "policy/settings.hpp"

namespace tidelimit::engine {

/// All that the engine knows of the configuration; the rest (listeners, files) is the service's.
struct Settings {
  policy::PolicySettings policy;
  forecast::Shape shape;
  std::vector<Prefix> trusted_proxies;  ///< protected from model verdicts
  std::size_t bucket_bytes = 64u << 20;
  std::size_t client_bytes = 64u << 20;
  /// How many times as fast as time itself the wall clock runs: 1 but in rehearsals. Windows,
  /// forecasts and planned times go by the wall clock; limits, holds, signals and queues by the
  /// other.
  int calendar_pace = 1;
  std::size_t lease_bytes = 4u << 20;  ///< of who has how many requests in flight
};

/// How long a history keeps what it is handed.
struct Retention {
  Nanos windows{std::chrono::hours{24 * 400}};
  Nanos verdicts{std::chrono::hours{24 * 90}};
  Nanos decisions{std::chrono::hours{24}};
};

}  // namespace tidelimit::engine
