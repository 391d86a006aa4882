#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "limiter/client_table.hpp"

namespace tidelimit::traffic {

/// The features of the mission per client and minute, in the order models know them (the manifest
/// stores the names). More may be added at the end.
enum class Feature : std::uint8_t {
  requests_per_minute,     ///< over the last five minutes
  error_ratio,             ///< share of known responses with status >= 400
  endpoint_concentration,  ///< share of the most called path bucket, 0..1
  agent_diversity,         ///< estimated number of distinct user agents in the last five minutes
  count_,
};
inline constexpr std::size_t kFeatures = static_cast<std::size_t>(Feature::count_);
[[nodiscard]] const char* to_string(Feature feature);

struct ClientFeatures {
  std::array<float, kFeatures> values{};
  [[nodiscard]] float operator[](Feature f) const { return values[static_cast<std::size_t>(f)]; }
};

/// Plain sums over the last five minutes, for rules on a client's own figures and for people.
struct ClientFigures {
  std::uint32_t requests = 0;
  std::uint32_t denied = 0;
  std::uint32_t responses = 0;
  std::uint32_t errors = 0;
  std::array<std::uint32_t, limiter::kAgentClasses> class_requests{};
  std::array<std::uint32_t, limiter::kAgentClasses> class_errors{};
  double requests_per_minute = 0;
  double error_ratio = 0;
  double endpoint_concentration = 0;
  double agent_diversity = 0;
};

/// Five-minute memories of the clients of one ClientTable, indexed by slot: the control plane's
/// side of it. One thread. Bounded by the table's capacity.
class ClientProfiles {
 public:
  explicit ClientProfiles(std::size_t capacity);

  /// Folds what was collected from the table at `now`. `fresh` resets the slot.
  void update(std::uint32_t slot, bool fresh, const ClientId& client,
              const limiter::ClientCounters& counters, Instant now);

  [[nodiscard]] ClientId client(std::uint32_t slot) const;
  [[nodiscard]] ClientFigures figures(std::uint32_t slot, Instant now) const;
  [[nodiscard]] ClientFeatures features(std::uint32_t slot, Instant now) const;
};

}  // namespace tidelimit::traffic
