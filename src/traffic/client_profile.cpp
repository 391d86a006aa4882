#include "traffic/client_profile.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <type_traits>

#include "traffic/fading.hpp"
#include "traffic/packed_count.hpp"

namespace tidelimit::traffic {
namespace {

constexpr std::size_t kPastMinutes = 4;
constexpr float kPathSeconds = 300;  // path shares fade over the same five minutes
// Whoever got so many answers in the fading hour is a customer whom the service serves when it is
// well.
constexpr float kServed = 10;
// Places for neighbourhoods: one for so many clients. Many clients have one of their own.
constexpr std::size_t kClientsPerNeighbourhood = 2;
// In a neighbourhood that fails so many failures of its own tell a client: three, the first of
// which may have faded for ten minutes.
constexpr float kFewErrors = 2.5F;

std::uint32_t minute_of(Instant now) {
  return static_cast<std::uint32_t>(now.since_start / std::chrono::minutes{1});
}

float seconds_between(Instant from, Instant to) {
  return std::chrono::duration<float>(to - from).count();
}

double shrunk(double part, double whole, double usual, double pseudo) {
  return (part + usual * pseudo) / (whole + pseudo);
}

/// Of what is kept by minute, the newest first: so many new and empty ones come before it.
template <class T, std::size_t N>
void shift(std::array<T, N>& by_minute, std::uint32_t minutes) {
  for (std::size_t i = N; i-- > 0;) by_minute[i] = i >= minutes ? by_minute[i - minutes] : T{};
}

/// Linear counting over as many bits as the map has (Whang, Vander-Zanden and Taylor 1990). A full
/// map says only "very many": it counts as one free bit would.
template <class Bitmap>
double distinct(Bitmap bitmap) {
  constexpr int kBits = std::numeric_limits<Bitmap>::digits;
  const int free = std::max(kBits - std::popcount(bitmap), 1);
  return -kBits * std::log(static_cast<double>(free) / kBits);
}

/// Requests by path, fading: all, and those of the path that has most.
struct PathWeights {
  double all = 0, most = 0;
};
PathWeights weights_of(const std::array<float, limiter::kPathBuckets>& paths) {
  PathWeights weights;
  for (const float path : paths) {
    weights.all += static_cast<double>(path);
    weights.most = std::max(weights.most, static_cast<double>(path));
  }
  return weights;
}

}  // namespace

const char* to_string(Feature feature) {
  static constexpr std::array<const char*, kFeatures> kNames{
      "requests_per_minute", "error_ratio", "endpoint_concentration", "agent_diversity",
      "hour_requests",       "hour_errors", "hour_error_ratio"};
  return feature < Feature::count_ ? kNames[static_cast<std::size_t>(feature)] : "unknown";
}

namespace {

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

}  // namespace

/// All zero is a valid empty profile: the table's memory comes from calloc.
struct ClientProfiles::Profile {
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
};

/// The sums of the minutes that still count at some time.
struct ClientProfiles::Recent {
  Minute sum{};
  std::array<std::uint32_t, kMinutes> requests{};  ///< by age
  std::uint64_t agents = 0;
  std::uint32_t failed_paths = 0;
  std::uint32_t passed = 0;       ///< minutes begun since the profile was last updated
  double minutes = 1;             ///< that the sums cover, at least one
  ErrorBackground::Own weight{};  ///< of them in the background
};

ClientProfiles::ClientProfiles(std::size_t capacity, std::uint64_t seed)
    : seats_(capacity),
      profiles_(capacity + 1),
      classes_(capacity + 1),
      neighbourhoods_(capacity / kClientsPerNeighbourhood + 1, seed) {
  static_assert(sizeof(Profile) <= 256 && std::is_trivially_copyable_v<Profile>);
  static_assert(sizeof(ClassProfile) <= 128 && std::is_trivially_copyable_v<ClassProfile>);
}

ClientProfiles::~ClientProfiles() = default;

void ClientProfiles::use_huge_pages() {
  seats_.use_huge_pages();
  profiles_.use_huge_pages();
}

void ClientProfiles::prefetch(std::uint32_t slot) const {
  const auto* bytes = reinterpret_cast<const char*>(&profiles_[seats_.of(slot)]);
  for (std::size_t at = 0; at < sizeof(Profile); at += 64) __builtin_prefetch(bytes + at, 1);
  __builtin_prefetch(bytes + sizeof(Profile) - 1, 1);  // profiles begin anywhere in a line
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

Arrivals ClientProfiles::update(std::uint32_t slot, bool fresh, const ClientId& client,
                                const limiter::ClientCounters& counters, Instant now) {
  Arrivals arrivals;
  const std::uint32_t seat = seats_.take(slot);
  if (seat == Seats::kNone) return arrivals;
  neighbourhoods_.prefetch(client);
  Profile& profile = profiles_[seat];
  if (fresh || !profile.used) {
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
    profile.active_since_s =
        static_cast<std::uint32_t>(now.since_start / std::chrono::seconds{1}) & 0x3fffffffu;
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

ClientProfiles::Recent ClientProfiles::recent(const Profile& profile, Instant now) const {
  Recent r;
  now = std::max(now, profile.updated);
  r.passed = minute_of(now) - minute_of(profile.updated);
  r.weight = weight_of(profile, r.passed);
  const auto take = [&r](std::uint32_t age, const Minute& m) {
    r.sum += m;
    r.requests[age] = m.requests;
  };
  for (std::uint32_t age = r.passed; age < kMinutes; ++age) {
    const std::uint32_t i = age - r.passed;
    take(age, i == 0 ? profile.current : profile.past[i - 1].unpacked());
    r.agents |= profile.agents[i];
    r.failed_paths |= profile.failed_paths[i];
  }
  const double now_s = std::chrono::duration<double>(now.since_start).count();
  const double oldest_s =
      60.0 * std::max(0.0, static_cast<double>(minute_of(now)) - (kMinutes - 1));
  r.minutes = std::max(1.0, (now_s - std::max<double>(oldest_s, profile.active_since_s)) / 60.0);
  return r;
}

ClientId ClientProfiles::client(std::uint32_t slot) const {
  return profiles_[seats_.of(slot)].client;
}

std::uint32_t ClientProfiles::requests(std::uint32_t slot, Instant now) const {
  const Profile& profile = profiles_[seats_.of(slot)];
  const std::uint32_t passed =
      minute_of(std::max(now, profile.updated)) - minute_of(profile.updated);
  if (passed >= kMinutes) return 0;
  std::uint32_t sum = profile.current.requests;
  for (std::size_t i = 0; i + passed < kPastMinutes; ++i) sum += profile.past[i].requests.value();
  return sum;
}

std::optional<FailingNeighbourhood> ClientProfiles::failing_with(std::uint32_t slot,
                                                                 Instant now) const {
  const Profile& profile = profiles_[seats_.of(slot)];
  if (profile.hour_excess < kFewErrors || !profile.standing().nearly_only_fails() ||
      profile.hour_excess * hour_fade(seconds_between(profile.updated, now)) < kFewErrors)
    return std::nullopt;
  return neighbourhoods_.failing(profile.client, second_of(now));
}

ClientFigures ClientProfiles::figures(std::uint32_t slot, Instant now) const {
  ClientFigures f;
  const std::uint32_t seat = seats_.of(slot);
  const Profile& profile = profiles_[seat];
  if (!profile.used) return f;
  const Recent r = recent(profile, now);
  f.requests = r.sum.requests;
  f.denied = r.sum.denied;
  f.responses = r.sum.responses;
  f.errors = r.sum.errors;
  f.client_errors = r.sum.client_errors;
  f.requests_per_minute = f.requests / r.minutes;
  f.error_ratio = f.responses > 0 ? static_cast<double>(f.errors) / f.responses : 0.0;
  const PathWeights paths = weights_of(profile.paths);
  f.endpoint_concentration = paths.all > 0 ? paths.most / paths.all : 0.0;
  f.agent_diversity = distinct(r.agents);
  if (profile.classes_used) {
    const ClassProfile& classes = classes_[seat];
    for (std::uint32_t age = r.passed; age < kMinutes; ++age) {
      const std::uint32_t i = age - r.passed;
      for (std::size_t c = 0; c < limiter::kAgentClasses; ++c) {
        f.class_requests[c] +=
            i == 0 ? classes.current[c].requests : classes.past[i - 1][c].requests.value();
        f.class_errors[c] +=
            i == 0 ? classes.current[c].errors : classes.past[i - 1][c].errors.value();
      }
    }
  }
  return f;
}

ClientFeatures ClientProfiles::features(std::uint32_t slot, Instant now) const {
  ClientFeatures f;
  const Profile& profile = profiles_[seats_.of(slot)];
  if (!profile.used) return f;
  Recent r = recent(profile, now);
  const float fade = hour_fade(seconds_between(profile.updated, now));
  const auto set = [&f](Feature feature, double value) { f[feature] = static_cast<float>(value); };

  const PathWeights paths = weights_of(profile.paths);
  const double hour_errors = static_cast<double>(fade * profile.hour_errors);
  set(Feature::requests_per_minute, r.sum.requests / r.minutes);
  set(Feature::error_ratio,
      shrunk(r.sum.errors, r.sum.responses, kUsualErrorRatio, kPseudoResponses));
  set(Feature::endpoint_concentration,
      shrunk(paths.most, paths.all, kUsualConcentration, kPseudoRequests));
  set(Feature::agent_diversity, distinct(r.agents));
  set(Feature::hour_requests, static_cast<double>(fade * profile.hour_requests));
  set(Feature::hour_errors, hour_errors);
  set(Feature::hour_error_ratio,
      shrunk(hour_errors, static_cast<double>(fade * profile.hour_responses), kUsualErrorRatio,
             kPseudoResponses));

  const auto ratio = [](double errors, double responses) {
    return static_cast<float>(shrunk(errors, responses, kUsualErrorRatio, kPseudoResponses));
  };
  f.client_error_ratio = ratio(r.sum.client_errors, r.sum.responses);
  f.failed_paths = static_cast<float>(distinct(r.failed_paths));
  f.background_error_ratio = static_cast<float>(background_.ratio(r.weight, minute_of(now)));
  f.hour_excess_errors = fade * profile.hour_excess;
  f.hour_responses = fade * profile.hour_responses;
  f.hour_breakages = fade * profile.hour_breakages;
  f.hour_excess_ratio =
      ratio(static_cast<double>(f.hour_excess_errors), static_cast<double>(f.hour_responses));
  if (profile.hour_excess >= kFewErrors) f.neighbourhood = failing_with(slot, now);
  std::sort(r.requests.begin(), r.requests.end(), std::greater<>());
  f.steady_requests = static_cast<float>(r.requests[kSteadyMinutes - 1]);
  // Of a client that just came, the minute may lie across two.
  f.busiest_requests = std::max(static_cast<float>(r.requests[0]), f[Feature::requests_per_minute]);
  return f;
}

}  // namespace tidelimit::traffic
