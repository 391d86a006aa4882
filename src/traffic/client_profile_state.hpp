#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "limiter/client_table.hpp"
#include "traffic/client_profile.hpp"
#include "traffic/error_background.hpp"
#include "traffic/packed_count.hpp"

namespace tidelimit::traffic {

inline constexpr std::size_t kPastMinutes = 4;
// Whoever got so many answers in the fading hour is a customer whom the service serves when it is
// well.
inline constexpr float kServed = 10;

[[nodiscard]] inline std::uint32_t minute_of(Instant now) {
  return static_cast<std::uint32_t>(now.since_start / std::chrono::minutes{1});
}

[[nodiscard]] inline float seconds_between(Instant from, Instant to) {
  return std::chrono::duration<float>(to - from).count();
}

/// The counts of one minute.
struct Minute {
  std::uint32_t requests, denied, responses, errors, client_errors;

  static Minute of(const limiter::ClientCounters& c) {
    return {c.requests, c.denied, c.responses, c.errors, c.client_errors};
  }
  void operator+=(const Minute& m) {
    requests += m.requests;
    denied += m.denied;
    responses += m.responses;
    errors += m.errors;
    client_errors += m.client_errors;
  }
  [[nodiscard]] Minute operator-(const Minute& m) const {
    return {requests - m.requests, denied - m.denied, responses - m.responses, errors - m.errors,
            client_errors - m.client_errors};
  }
};

struct PackedMinute {
  PackedCount requests, denied, responses, errors, client_errors;

  static PackedMinute of(const Minute& m) {
    return {PackedCount::of(m.requests), PackedCount::of(m.denied), PackedCount::of(m.responses),
            PackedCount::of(m.errors), PackedCount::of(m.client_errors)};
  }
  [[nodiscard]] Minute unpacked() const {
    return {requests.value(), denied.value(), responses.value(), errors.value(),
            client_errors.value()};
  }
};

/// All zero is a valid empty profile: the table's memory comes from calloc.
struct alignas(64) ClientProfiles::Profile {
  ClientId client;
  Instant updated;
  /// When the present activity began (no pause of five minutes since); 30 bits are 34 years.
  std::uint32_t active_since_s : 30;
  std::uint32_t used : 1;
  std::uint32_t classes_used : 1;
  Minute last;                                  ///< the table's counters when last seen
  Minute current;                               ///< the minute of `updated`
  std::array<PackedMinute, kPastMinutes> past;  ///< past[0] is the minute before
  std::array<std::uint16_t, limiter::kPathBuckets> last_paths;  ///< mod 2^16
  std::uint16_t last_breakages;                                 ///< likewise
  std::array<float, limiter::kPathBuckets> paths;               ///< fading
  float hour_requests, hour_responses, hour_errors, hour_excess, hour_breakages;
  Second noted;                                      ///< when its neighbourhood last heard of it
  std::array<std::uint64_t, kMinutes> agents;        ///< agents[0] is the present minute
  std::array<std::uint32_t, kMinutes> failed_paths;  ///< likewise

  [[nodiscard]] Standing standing() const { return {hour_responses, hour_excess}; }
  void advance(Instant now);
  void add(const limiter::ClientCounters& counters, const Minute& delta);
  [[nodiscard]] bool served() const { return hour_responses - hour_errors >= kServed; }
};

/// Requests and errors by user-agent class; used by few clients, so kept apart.
struct ClientProfiles::ClassProfile {
  struct Count {
    std::uint32_t requests, errors;
  };
  struct Packed {
    PackedCount requests, errors;
  };
  std::array<Count, limiter::kAgentClasses> last;
  std::array<Count, limiter::kAgentClasses> current;
  std::array<std::array<Packed, limiter::kAgentClasses>, kPastMinutes> past;

  void advance(std::uint32_t minutes);
  void add(const limiter::ClientCounters& counters, Arrivals& arrivals);
  void forget(std::size_t of_class);
};

}  // namespace tidelimit::traffic
