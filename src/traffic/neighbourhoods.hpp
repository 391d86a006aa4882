#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.hpp"
#include "base/time.hpp"
#include "limiter/zeroed_array.hpp"

namespace tidelimit::traffic {

/// Seconds of the clock that never goes back.
using Second = std::uint32_t;
[[nodiscard]] inline Second second_of(Instant now) {
  return static_cast<Second>(now.since_start / std::chrono::seconds{1});
}

/// What a client was answered within the fading hour, as its neighbourhood counts it.
struct Standing {
  float responses = 0;
  float excess_errors = 0;  ///< of its own making, beyond what everybody suffered

  [[nodiscard]] bool nearly_only_fails() const;
  /// 1 from three responses on, below that in proportion: one typing error is nobody's standing.
  [[nodiscard]] float weight() const;
  /// To a neighbourhood both are the same.
  [[nodiscard]] bool alike(const Standing& other) const {
    return weight() == other.weight() && nearly_only_fails() == other.nearly_only_fails();
  }
};

/// The clients of a neighbourhood that fails, within the fading hour.
struct FailingNeighbourhood {
  ClientId prefix;    ///< neighbourhood_of each of them
  float clients = 0;  ///< by their weights
  float failing = 0;  ///< of those, the ones that nearly only fail
};

/// The clients of each neighbourhood (IPv4 /24, IPv6 /48) taken together, so that an attack shows
/// that is spread over addresses each of which is too slow to be seen. A neighbourhood fails where
/// several clients nearly only fail, and hardly any other client of it is served: one bad client
/// makes none, and neither do customers behind a carrier's addresses, however many errors they make
/// at times.
///   Each client weighs alike, however much it asks. Bounded memory, 32 bytes a neighbourhood:
/// where one finds no place, the one that was idle for longest is forgotten. One thread.
class Neighbourhoods {
 public:
  Neighbourhoods(std::size_t places, std::uint64_t seed) : seed_(seed), places_(places + kProbes) {}

  [[nodiscard]] static std::size_t most_bytes(std::size_t places) noexcept {
    return places * sizeof(Place);
  }

  void use_huge_pages() noexcept { places_.use_huge_pages(); }

  /// Begins to fetch what note will touch.
  void prefetch(const ClientId& client) const noexcept {
    const Place& first = places_[home(neighbourhood_of(client))];
    __builtin_prefetch(&first, 1);
    __builtin_prefetch(&first + kProbes - 1, 1);
  }
  /// A client's standing is `after`. It was noted before, at `noted`, as one like `before`; never,
  /// where that is empty.
  void note(const ClientId& client, const Standing& before, Second noted, const Standing& after,
            Second now);

  /// The client's neighbourhood, where it fails.
  [[nodiscard]] std::optional<FailingNeighbourhood> failing(const ClientId& client,
                                                            Second now) const;

 private:
  static constexpr std::size_t kProbes = 4;

  /// All zero is a free place.
  struct alignas(32) Place {
    ClientId prefix;
    Second updated;
    float clients, failing;  ///< as in FailingNeighbourhood

    void fade_to(Second now);
    void add(const Standing& standing, float times);
  };

  [[nodiscard]] std::size_t home(const ClientId& prefix) const noexcept;
  [[nodiscard]] const Place* find(const ClientId& prefix) const noexcept;
  [[nodiscard]] Place& take(const ClientId& prefix) noexcept;

  std::uint64_t seed_;
  limiter::ZeroedArray<Place> places_;
};

}  // namespace tidelimit::traffic
