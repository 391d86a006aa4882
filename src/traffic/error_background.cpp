#include "traffic/error_background.hpp"

#include <algorithm>

#include "traffic/client_profile.hpp"

namespace tidelimit::traffic {
namespace {

constexpr std::uint32_t kWeightMost = 3;  // responses a client and minute that weigh
constexpr double kPseudo = 20;            // responses of the usual ratio behind the background
constexpr double kServedResponses = 10;   // so many show how the service is

}  // namespace

ErrorBackground::Share ErrorBackground::share_of(std::uint32_t responses, std::uint32_t errors) {
  if (responses == 0) return {};
  const double weight = std::min(responses, kWeightMost);
  return {weight, weight * std::min(errors, responses) / responses};
}

void ErrorBackground::add(std::uint32_t before, std::uint32_t responses, std::uint32_t errors,
                          bool served, std::uint32_t minute) {
  Minute& now = minutes_[minute % kMinutes];
  if (now.minute != minute) now = {.minute = minute};
  if (responses == 0 || before >= kWeightMost) return;
  const double weight = std::min(responses, kWeightMost - before);
  const Share more{weight, weight * std::min(errors, responses) / responses};
  now.all += more;
  if (served) now.served += more;
}

double ErrorBackground::ratio(const Own& own, std::uint32_t minute) const {
  std::array<Share, kMinutes> all;  // by age
  std::array<Share, kMinutes> served;
  double served_responses = 0;
  for (std::uint32_t age = 0; age < kMinutes; ++age) {
    const Minute& then = minutes_[(minute - age) % kMinutes];
    if (then.minute != minute - age) continue;
    all[age] = then.all;
    served[age] = then.served;
    all[age] -= own.shares[age];
    if (own.served) served[age] -= own.shares[age];
    served_responses += served[age].responses;
  }
  Share sum;
  double most = 0;
  for (const Share& share : served_responses >= kServedResponses ? served : all) {
    sum += share;
    most = std::max(most, (std::max(sum.errors, 0.0) + kUsualErrorRatio * kPseudo) /
                              (std::max(sum.responses, 0.0) + kPseudo));
  }
  return std::min(most, 1.0);
}

}  // namespace tidelimit::traffic
