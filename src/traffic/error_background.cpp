#include "traffic/error_background.hpp"

#include <algorithm>

#include "traffic/client_profile.hpp"

namespace tidelimit::traffic {
namespace {

constexpr std::uint32_t kWeightMost = 3;  // responses a client and minute that weigh
constexpr double kServedResponses = 10;   // so many show how the service is
// Responses of the usual ratio behind the background. Of those whom the service serves when it is
// well few must do: with more of them an outage for everybody would be half an outage where there
// is little traffic, and the other half each client's own doing.
constexpr double kPseudoServed = 5;
constexpr double kPseudoAll = 20;

/// Errors among the responses, for so many of which they stand.
ErrorBackground::Share share_for(std::uint32_t weight, std::uint32_t responses,
                                 std::uint32_t errors) {
  const double weighed = weight;
  if (responses == 0 || errors == 0) return {weighed, 0};  // as for nearly everybody
  return {weighed, weighed * std::min(errors, responses) / responses};
}

}  // namespace

ErrorBackground::Share ErrorBackground::share_of(std::uint32_t responses, std::uint32_t errors) {
  return share_for(std::min(responses, kWeightMost), responses, errors);
}

void ErrorBackground::add(std::uint32_t before, std::uint32_t responses, std::uint32_t errors,
                          bool served, std::uint32_t minute) {
  Minute& now = minutes_[minute % kMinutes];
  if (now.minute != minute) now = {.minute = minute};
  if (responses == 0 || before >= kWeightMost) return;
  const Share more = share_for(std::min(responses, kWeightMost - before), responses, errors);
  now.all += more;
  if (served) now.served += more;
}

double ErrorBackground::ratio(const Own& own, std::uint32_t minute) const {
  // By age.
  const auto others = [&](Share Minute::*all, bool without_own) {
    std::array<Share, kMinutes> shares;
    for (std::uint32_t age = 0; age < kMinutes; ++age) {
      const Minute& then = minutes_[(minute - age) % kMinutes];
      if (then.minute != minute - age) continue;
      shares[age] = then.*all;
      if (without_own) shares[age] -= own.shares[age];
    }
    return shares;
  };
  auto shares = others(&Minute::served, own.served);
  double served_responses = 0;
  for (const Share& share : shares) served_responses += share.responses;
  const bool by_served = served_responses >= kServedResponses;
  if (!by_served) shares = others(&Minute::all, true);
  const double pseudo = by_served ? kPseudoServed : kPseudoAll;
  Share sum;
  double most = 0;
  for (const Share& share : shares) {
    sum += share;
    most = std::max(most, (std::max(sum.errors, 0.0) + kUsualErrorRatio * pseudo) /
                              (std::max(sum.responses, 0.0) + pseudo));
  }
  return std::min(most, 1.0);
}

}  // namespace tidelimit::traffic
