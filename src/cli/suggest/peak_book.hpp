#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/address.hpp"
#include "base/hash.hpp"
#include "base/time.hpp"

namespace tidelimit::cli {

/// How much a principal ever asked of an endpoint within one minute, whatever its tier: a gate's
/// bucket is the principal's at that endpoint, and its tier says only how large that is.
struct Peak {
  std::uint64_t principal = 0;  ///< a hash of who it is
  std::uint16_t endpoint = 0;
  std::uint64_t tiers = 0;  ///< bit i: it came in tier i
  ClientId client;          ///< by whom the principal came last
  std::uint32_t peak = 0;   ///< requests of the busiest minute of whole slots: some 60 s had as
                            ///< many, and no 55 s more
  std::uint64_t total = 0;

  [[nodiscard]] bool came_in(std::size_t tier) const { return (tiers >> tier & 1) != 0; }
};

/// Tells a principal's part at one endpoint from all others.
[[nodiscard]] constexpr std::uint64_t place_of(std::uint64_t principal, std::uint16_t endpoint) {
  return mix(principal, endpoint);
}

/// Collects them in bounded memory: beyond `capacity` entries it goes on with every second
/// principal, then with every fourth, drawn by hash. Requests out of order count at the latest time
/// seen. One thread.
class PeakBook {
 public:
  explicit PeakBook(std::size_t capacity = 1'000'000) : capacity_(capacity) {}

  /// `principal`: a hash of whose request it is. `tier` < 64.
  void add(std::uint64_t principal, const ClientId& client, std::uint16_t endpoint,
           std::uint8_t tier, WallTime time);

  [[nodiscard]] std::vector<Peak> peaks() const;
  /// One principal in so many was followed.
  [[nodiscard]] std::uint64_t one_in() const { return one_in_; }

 private:
  static constexpr std::size_t kBins = 12;  // of five seconds: a minute
  struct Entry {
    Peak peak;
    std::int64_t bin = 0;  // the newest one's number
    std::array<std::uint32_t, kBins> counts{};
  };
  void thin_out();

  std::size_t capacity_;
  std::uint64_t one_in_ = 1;
  std::unordered_map<std::uint64_t, Entry> entries_;
};

}  // namespace tidelimit::cli
