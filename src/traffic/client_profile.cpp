#include "traffic/client_profile.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "traffic/client_profile_state.hpp"
#include "traffic/fading.hpp"

namespace tidelimit::traffic {
namespace {

constexpr float kPathSeconds = 300;  // path shares fade over the same five minutes
// Places for neighbourhoods: one for so many clients. Many clients have one of their own.
constexpr std::size_t kClientsPerNeighbourhood = 2;

/// Of what is kept by minute, the newest first: so many new and empty ones come before it.
template <class T, std::size_t N>
void shift(std::array<T, N>& by_minute, std::uint32_t minutes) {
  for (std::size_t i = N; i-- > 0;) by_minute[i] = i >= minutes ? by_minute[i - minutes] : T{};
}

}  // namespace

ClientProfiles::ClientProfiles(std::size_t capacity, std::uint64_t seed)
    : seats_(capacity),
      profiles_(capacity + 1),
      classes_(capacity + 1),
      neighbourhoods_(capacity / kClientsPerNeighbourhood + 1, seed) {
  static_assert(sizeof(Profile) == 256 && std::is_trivially_copyable_v<Profile>);
  static_assert(sizeof(ClassProfile) <= 128 && std::is_trivially_copyable_v<ClassProfile>);
}

ClientProfiles::~ClientProfiles() = default;

std::size_t ClientProfiles::most_bytes(std::size_t capacity, bool by_class) {
  const std::size_t each = sizeof(Profile) + (by_class ? sizeof(ClassProfile) : 0);
  return capacity * each + Seats::most_bytes(capacity) +
         Neighbourhoods::most_bytes(capacity / kClientsPerNeighbourhood);
}

void ClientProfiles::use_huge_pages() {
  seats_.use_huge_pages();
  profiles_.use_huge_pages();
  neighbourhoods_.use_huge_pages();
}

void ClientProfiles::prefetch(std::uint32_t slot) const {
  const auto* bytes = reinterpret_cast<const char*>(&profiles_[seats_.of(slot)]);
  for (std::size_t at = 0; at < sizeof(Profile); at += 64) __builtin_prefetch(bytes + at, 1);
}

void ClientProfiles::prefetch_neighbourhood(std::uint32_t slot) const {
  neighbourhoods_.prefetch(profiles_[seats_.of(slot)].client);
}

void ClientProfiles::Profile::advance(Instant now) {
  if (const std::uint32_t passed = minute_of(now) - minute_of(updated); passed > 0) {
    shift(past, passed);
    if (passed <= kPastMinutes) past[passed - 1] = PackedMinute::of(current);
    current = {};
    shift(agents, passed);
    shift(failed_paths, passed);
  }
  const float seconds = seconds_between(updated, now);
  if (seconds > 0) {
    const float by_hour = hour_fade(seconds);
    hour_requests *= by_hour;
    hour_responses *= by_hour;
    hour_errors *= by_hour;
    hour_excess *= by_hour;
    hour_breakages *= by_hour;
    const float by_path = std::exp(-seconds / kPathSeconds);
    for (float& path : paths) {
      path *= by_path;
    }
  }
  updated = now;
}

void ClientProfiles::Profile::add(const limiter::ClientCounters& counters, const Minute& delta) {
  last = Minute::of(counters);
  current += delta;
  hour_requests += static_cast<float>(delta.requests);
  hour_responses += static_cast<float>(delta.responses);
  hour_errors += static_cast<float>(delta.errors);
  const auto broken = static_cast<std::uint16_t>(counters.breakages - last_breakages);
  hour_breakages += static_cast<float>(broken);
  last_breakages = counters.breakages;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto count = static_cast<std::uint16_t>(counters.paths[i]);
    paths[i] += static_cast<float>(static_cast<std::uint16_t>(count - last_paths[i]));
    last_paths[i] = count;
  }
  agents[0] |= counters.agents;
  failed_paths[0] |= counters.failed_paths;
}

void ClientProfiles::ClassProfile::advance(std::uint32_t minutes) {
  if (minutes == 0) return;
  shift(past, minutes);
  if (minutes <= kPastMinutes) {
    for (std::size_t c = 0; c < current.size(); ++c)
      past[minutes - 1][c] = {PackedCount::of(current[c].requests),
                              PackedCount::of(current[c].errors)};
  }
  current = {};
}

void ClientProfiles::ClassProfile::add(const limiter::ClientCounters& counters,
                                       Arrivals& arrivals) {
  for (std::size_t c = 0; c < current.size(); ++c) {
    const std::uint32_t requests = counters.class_requests[c] - last[c].requests;
    const std::uint32_t errors = counters.class_errors[c] - last[c].errors;
    current[c].requests += requests;
    current[c].errors += errors;
    if (requests > 0) arrivals.class_requests |= static_cast<std::uint8_t>(1u << c);
    if (errors > 0) arrivals.class_errors |= static_cast<std::uint8_t>(1u << c);
    last[c] = {counters.class_requests[c], counters.class_errors[c]};
  }
}

void ClientProfiles::ClassProfile::forget(std::size_t of_class) {
  current[of_class] = {};
  for (auto& minute : past) minute[of_class] = {};
}

void ClientProfiles::forget_classes(std::uint8_t classes) {
  for (std::uint32_t seat = 1; seat <= seats_.taken(); ++seat) {
    if (!profiles_[seat].classes_used) continue;
    for (std::size_t c = 0; c < limiter::kAgentClasses; ++c)
      if ((classes >> c & 1) != 0) classes_[seat].forget(c);
  }
}

Arrivals ClientProfiles::update(std::uint32_t slot, bool fresh, const ClientId& client,
                                const limiter::ClientCounters& counters, Instant now) {
  Arrivals arrivals;
  const std::uint32_t seat = seats_.take(slot);
  if (seat == Seats::kNone) return arrivals;
  Profile& profile = profiles_[seat];
  if (fresh || !profile.used) {
    neighbourhoods_.prefetch(client);
    if (profile.classes_used) {
      classes_[seat] = {};
    }
    profile = {};
    profile.used = 1;
    profile.client = client;
    profile.updated = now;
  }
  now = std::max(now, profile.updated);
  const std::uint32_t minutes_passed = minute_of(now) - minute_of(profile.updated);
  const Standing before = profile.standing();
  profile.advance(now);

  if (profile.classes_used ||
      std::any_of(counters.class_requests.begin(), counters.class_requests.end(),
                  [](std::uint32_t n) { return n > 0; })) {
    profile.classes_used = 1;
    classes_[seat].advance(minutes_passed);
    classes_[seat].add(counters, arrivals);
  }

  const Minute delta = Minute::of(counters) - profile.last;
  const bool idle = profile.current.requests == 0 &&
                    std::all_of(profile.past.begin(), profile.past.end(),
                                [](const PackedMinute& m) { return m.requests.value() == 0; });
  if (idle) {
    profile.active_since_s = second_of(now) & 0x3fffffffu;
  }
  background_.add(profile.current.responses, delta.responses, delta.client_errors, profile.served(),
                  minute_of(now));
  profile.add(counters, delta);
  if (delta.responses > 0) add_excess(profile, delta.responses, delta.client_errors, now);
  // Within a minute most clients stay as they were.
  if (minutes_passed > 0 || !before.alike(profile.standing())) {
    neighbourhoods_.note(client, before, profile.noted, profile.standing(), second_of(now));
    profile.noted = second_of(now);
  }
  arrivals.requests = delta.requests > 0;
  arrivals.errors = delta.errors > 0;
  arrivals.client_errors = delta.client_errors > 0;
  return arrivals;
}

/// What everybody suffers while it happens is no client's excess, also when it is over and the
/// background is well again. Below zero the sum owes nobody anything.
void ClientProfiles::add_excess(Profile& profile, std::uint32_t responses, std::uint32_t errors,
                                Instant now) const {
  if (errors == 0 && profile.hour_excess == 0) return;  // stays so, whatever the background is
  const double ratio = background_.ratio(weight_of(profile, 0), minute_of(now));
  const double outage = std::max(0.0, ratio - kUsualErrorRatio);
  profile.hour_excess =
      std::max(0.0F, profile.hour_excess + static_cast<float>(errors - outage * responses));
}

ErrorBackground::Own ClientProfiles::weight_of(const Profile& profile, std::uint32_t passed) {
  ErrorBackground::Own weight{.served = profile.served()};
  for (std::uint32_t age = passed; age < kMinutes; ++age) {
    const Minute m = age == passed ? profile.current : profile.past[age - passed - 1].unpacked();
    weight.shares[age] = ErrorBackground::share_of(m.responses, m.client_errors);
  }
  return weight;
}

}  // namespace tidelimit::traffic
