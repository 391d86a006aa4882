#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace tidelimit::limiter {

inline constexpr std::size_t kPathBuckets = 8;   ///< paths are hashed into so many counters
inline constexpr std::size_t kAgentClasses = 4;  ///< user-agent patterns that rules may count

/// Raw counters of one client, as read by the control plane. Counters grow for ever (mod 2^32): the
/// reader takes differences.
struct ClientCounters {
  std::uint32_t requests = 0;
  std::uint32_t denied = 0;     ///< by tidelimit itself; never errors
  std::uint32_t responses = 0;  ///< responses with a known status
  std::uint32_t errors = 0;     ///< of those, status >= 400, tidelimit's own denials left out
  std::array<std::uint32_t, kPathBuckets> paths{};
  std::array<std::uint32_t, kAgentClasses> class_requests{};
  std::array<std::uint32_t, kAgentClasses> class_errors{};
  std::uint64_t agents =
      0;  ///< bitmap of hash mod 64 since it was last taken (linear counting, Whang et al. 1990)
};

/// Fixed-capacity table of clients with raw counters. Any number of threads count; one control
/// thread collects. No allocation after construction. When full, a slot idle for longest in its set
/// goes first, and clients with a longer stay are kept against newcomers; newcomers without a slot
/// are not profiled and are counted in `refused`.
class ClientTable {
 public:
  /// Capacity from memory: bytes / kSlotBytes, rounded down to a power of two of sets.
  ClientTable(std::size_t bytes, std::uint64_t seed);
  ~ClientTable();

  struct Event {
    ClientId client;
    std::uint32_t hits = 1;
    std::uint32_t path_hash = 0;
    std::uint32_t agent_hash = 0;
    std::uint8_t agent_classes = 0;
  };
  /// A request arrived. `denied`: tidelimit refused it.
  void count_request(const Event& event, bool denied, Instant now) noexcept;
  /// A response of a request counted before became known.
  void count_response(const Event& event, bool error, Instant now) noexcept;

  /// Visits every slot touched since the last collect, once, and takes its agent bitmap. One thread
  /// at a time. `slot` is stable while the client stays; `fresh` says that the slot has a new owner
  /// since last visited.
  template <class Visit>  // void(std::uint32_t slot, bool fresh, const ClientId&, const
                          // ClientCounters&)
  void collect(Visit&& visit);

  [[nodiscard]] std::size_t capacity() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::uint64_t evictions() const noexcept;
  [[nodiscard]] std::uint64_t refused() const noexcept;
};

}  // namespace tidelimit::limiter
