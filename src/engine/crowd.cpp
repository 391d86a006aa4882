#include "engine/crowd.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/hash.hpp"

namespace tidelimit::engine {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr Nanos kEpoch = std::chrono::minutes{30};

[[nodiscard]] std::uint64_t epoch_of(Instant now) {
  return static_cast<std::uint64_t>(now.since_start / kEpoch) + 1;  // never 0
}

}  // namespace

std::uint64_t CrowdTable::fingerprint(const ClientId& client) const noexcept {
  return hash_client(client, seed_);
}

// The client's place, taken from nobody or from one that has been idle for an epoch.
CrowdTable::Place* CrowdTable::claim(std::uint64_t client, std::uint64_t epoch) noexcept {
  Place& place = places_[client % places_.size()];
  std::uint64_t owner = place.client.load(kRelaxed);
  if (owner == client) return &place;
  if (owner != 0 && place.epoch.load(kRelaxed) + 1 >= epoch) return nullptr;
  if (!place.client.compare_exchange_strong(owner, client, kRelaxed)) return nullptr;
  place.epoch.store(0, kRelaxed);
  return &place;
}

// Begins a new half hour. Bits set meanwhile by another thread may be lost: one request's worth.
void CrowdTable::turn(Place& place, std::uint64_t epoch) noexcept {
  std::uint64_t old = place.epoch.load(kRelaxed);
  if (old >= epoch || !place.epoch.compare_exchange_strong(old, epoch, kRelaxed)) return;
  for (const auto which : {&Half::asked, &Half::served}) {
    Bits& bits = place.current.*which;
    for (std::size_t i = 0; i < kWords; ++i) {
      (place.before.*which)[i].store(old + 1 == epoch ? bits[i].load(kRelaxed) : 0, kRelaxed);
      bits[i].store(0, kRelaxed);
    }
  }
}

void CrowdTable::add(const ClientId& client, std::uint64_t user, Bits Half::*which,
                     Instant now) noexcept {
  const std::uint64_t epoch = epoch_of(now);
  Place* place = claim(fingerprint(client), epoch);
  if (place == nullptr) return;
  if (place->epoch.load(kRelaxed) != epoch) turn(*place, epoch);
  const std::uint64_t bit = mix(user, seed_) % (kWords * 32);
  auto& word = (place->current.*which)[bit / 32];
  const std::uint32_t mask = std::uint32_t{1} << bit % 32;
  if ((word.load(kRelaxed) & mask) == 0) word.fetch_or(mask, kRelaxed);
}

CrowdTable::Users CrowdTable::users(const ClientId& client, Instant now) const noexcept {
  const std::uint64_t print = fingerprint(client);
  const std::uint64_t epoch = epoch_of(now);
  const Place& place = places_[print % places_.size()];
  if (place.client.load(kRelaxed) != print) return {};
  const std::uint64_t counted = place.epoch.load(kRelaxed);
  if (counted + 1 < epoch) return {};
  const bool before = counted == epoch;
  return {count(place, &Half::asked, before), count(place, &Half::served, before)};
}

double CrowdTable::count(const Place& place, Bits Half::*which, bool before) noexcept {
  int set = 0;
  for (std::size_t i = 0; i < kWords; ++i) {
    std::uint32_t bits = (place.current.*which)[i].load(kRelaxed);
    if (before) bits |= (place.before.*which)[i].load(kRelaxed);
    set += std::popcount(bits);
  }
  constexpr double kAll = kWords * 32;
  return -kAll * std::log(std::max(kAll - set, 1.0) / kAll);
}

}  // namespace tidelimit::engine
