#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "base/time.hpp"

namespace tidelimit::synthetic {

/// The endpoints of the synthetic shop; the value is the index into every PerEndpoint.
enum class Endpoint : std::uint8_t { payment, browse, search, login, account };

inline constexpr std::size_t kEndpoints = 5;
inline constexpr std::array<Endpoint, kEndpoints> kAllEndpoints{
    Endpoint::payment, Endpoint::browse, Endpoint::search, Endpoint::login, Endpoint::account};

template <class T>
struct PerEndpoint : std::array<T, kEndpoints> {
  using std::array<T, kEndpoints>::operator[];
  T& operator[](Endpoint e) { return (*this)[static_cast<std::size_t>(e)]; }
  const T& operator[](Endpoint e) const { return (*this)[static_cast<std::size_t>(e)]; }
};

/// "payment": the first segment of every path of the endpoint.
[[nodiscard]] constexpr const char* name_of(Endpoint endpoint) {
  constexpr std::array<const char*, kEndpoints> kNames{"payment", "browse", "search", "login",
                                                       "account"};
  return kNames[static_cast<std::size_t>(endpoint)];
}

/// Intensity is constant within a minute (deterministic part) and within a window (noise).
inline constexpr std::int64_t kWindowMinutes = 15;
inline constexpr std::int64_t kDayMinutes = 24 * 60;
inline constexpr std::int64_t kWeekMinutes = 7 * kDayMinutes;
/// The horizon of the floors, in windows: one hour.
inline constexpr std::size_t kHorizon = 4;

/// Whole minutes since the Unix epoch, UTC: the clock of the generator.
using UnixMinute = std::int64_t;

[[nodiscard]] constexpr WallTime time_of(UnixMinute minute) {
  return WallTime{std::chrono::minutes{minute}};
}

/// Minutes since Monday 00:00 UTC (the epoch was a Thursday).
[[nodiscard]] constexpr std::int64_t minute_of_week(UnixMinute minute) {
  const auto m = (minute + 3 * kDayMinutes) % kWeekMinutes;
  return m < 0 ? m + kWeekMinutes : m;
}

}  // namespace tidelimit::synthetic
