#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/address.hpp"
#include "base/time.hpp"
#include "limiter/client_table.hpp"
#include "limiter/zeroed_array.hpp"

namespace tidelimit::engine {

/// How many users stand behind an address, so that an office is not taken for one client: those
/// that asked, and those of them that were served. Linear counting (Whang et al. 1990) over 96 bits
/// in two half hours: right to about 8 % at fifty users, and it says "many" above a few hundred.
/// Fixed memory; any number of threads; no lock, no allocation. Where two active addresses want one
/// place the later goes uncounted: a lost count costs an address its protection, never its access.
class CrowdTable {
 public:
  CrowdTable(std::size_t places, std::uint64_t seed) : seed_(seed), places_(places | 1) {}
  /// Beside a table of clients of so many bytes: one client in sixteen may be a crowd.
  [[nodiscard]] static std::size_t places_for(std::size_t client_bytes) noexcept {
    return client_bytes / (16 * limiter::ClientTable::kSlotBytes);
  }
  [[nodiscard]] static std::size_t most_bytes(std::size_t places) noexcept {
    return places * sizeof(Place);
  }

  void use_huge_pages() noexcept { places_.use_huge_pages(); }

  /// Begins to fetch what add will touch.
  void prefetch(const ClientId& client) const noexcept {
    __builtin_prefetch(&places_[fingerprint(client) % places_.size()], 1);
  }

  /// One request of a known user. Usually two loads.
  void asked(const ClientId& client, std::uint64_t user, Instant now) noexcept {
    add(client, user, &Half::asked, now);
  }
  /// One that was answered well: a name alone proves nothing, anybody can make them up.
  void served(const ClientId& client, std::uint64_t user, Instant now) noexcept {
    add(client, user, &Half::served, now);
  }

  struct Users {
    double asked = 0;
    double served = 0;
  };
  /// Users seen behind the client in this half hour and the one before.
  [[nodiscard]] Users users(const ClientId& client, Instant now) const noexcept;

 private:
  static constexpr std::size_t kWords = 3;
  using Bits = std::array<std::atomic<std::uint32_t>, kWords>;
  struct Half {
    Bits asked;
    Bits served;
  };
  // All zero is a free place.
  struct alignas(64) Place {
    std::atomic<std::uint64_t> client;  // fingerprint, 0: nobody's
    std::atomic<std::uint64_t> epoch;   // the half hour that `current` is of
    Half current;
    Half before;
  };
  static_assert(sizeof(Place) == 64);

  [[nodiscard]] std::uint64_t fingerprint(const ClientId& client) const noexcept;
  void add(const ClientId& client, std::uint64_t user, Bits Half::*which, Instant now) noexcept;
  [[nodiscard]] Place* claim(std::uint64_t client, std::uint64_t epoch) noexcept;
  static void turn(Place& place, std::uint64_t epoch) noexcept;
  [[nodiscard]] static double count(const Place& place, Bits Half::*which, bool before) noexcept;

  std::uint64_t seed_;
  limiter::ZeroedArray<Place> places_;
};

}  // namespace tidelimit::engine
