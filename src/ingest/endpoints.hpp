#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/top_counter.hpp"

namespace tidelimit::ingest {

/// An endpoint drawn from traffic.
struct DiscoveredEndpoint {
  std::string name;   ///< the first path segment; "root" for "/"
  std::string match;  ///< the route pattern, as a configuration has it: "/payment/**", "/"
  RequestSums tally;
};

/// The rule for endpoints where no configuration names them: the first path segments (normalised)
/// with at least 0.5 % of the requests, most requests first; all other requests are `other`.
/// Bounded memory. One thread.
class EndpointDiscovery {
 public:
  static constexpr double kShare = 0.005;

  EndpointDiscovery();

  /// `target` is the raw path of a request; empty (garbage) counts as `other`.
  void add(std::string_view target, const RequestSums& tally = {.requests = 1});

  struct Found {
    std::vector<DiscoveredEndpoint> endpoints;
    RequestSums other;
  };
  /// No endpoint has the name of a tier.
  [[nodiscard]] Found found(const std::vector<std::string>& tiers) const;

 private:
  TopCounter segments_;
  RequestSums total_;
  std::string scratch_;
};

}  // namespace tidelimit::ingest
