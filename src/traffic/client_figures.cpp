// What is read off a profile: figures for rules and people, features for models.
#include <algorithm>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

#include "traffic/client_profile_state.hpp"
#include "traffic/fading.hpp"

namespace tidelimit::traffic {
namespace {

// In a neighbourhood that fails so many failures of its own tell a client: three, the first of
// which may have faded for ten minutes.
constexpr float kFewErrors = 2.5F;

double shrunk(double part, double whole, double usual, double pseudo) {
  return (part + usual * pseudo) / (whole + pseudo);
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
  const std::uint32_t seat = seats_.of(slot);
  if (!profiles_[seat].used) return {};
  return figures_of(seat, recent(profiles_[seat], now));
}

ClientFigures ClientProfiles::figures(std::uint32_t slot, const limiter::ClientCounters& counters,
                                      Instant now) const {
  const std::uint32_t seat = seats_.of(slot);
  const Profile& profile = profiles_[seat];
  if (!profile.used) return {};
  Recent r = recent(profile, now);
  r.sum += Minute::of(counters) - profile.last;
  return figures_of(seat, r);
}

ClientFigures ClientProfiles::figures_of(std::uint32_t seat, const Recent& r) const {
  ClientFigures f;
  const Profile& profile = profiles_[seat];
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
