#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"

namespace tidelimit::policy {

/// What one endpoint was asked for and how it answered in a short while.
struct EndpointLoad {
  std::string endpoint;
  std::vector<double> asked;    ///< by tier: requests that passed every limit, shed ones included
  double answered = 0;          ///< responses of the service itself, with their latency known
  double failed = 0;            ///< of those, errors
  double latency_ms_sum = 0;    ///< of those answered
  std::vector<double> reduced;  ///< by tier: denied, though the base limit would have passed them
};

/// The load of all endpoints over a second or so.
struct LoadSample {
  Nanos span{0};
  std::vector<EndpointLoad> endpoints;

  /// Null: nothing is known of it.
  [[nodiscard]] const EndpointLoad* find(std::string_view endpoint) const {
    const auto found = std::find_if(endpoints.begin(), endpoints.end(),
                                    [&](const auto& one) { return one.endpoint == endpoint; });
    return found == endpoints.end() ? nullptr : &*found;
  }
};

}  // namespace tidelimit::policy
