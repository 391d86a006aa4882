#include "engine/client_watch.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/seconds.hpp"

namespace tidelimit::engine {
namespace {

constexpr double kCrowdShare = 0.2;
constexpr double kCrowdUsers = 50;
// A share of less traffic than this says nothing: to a gate that starts under attack the attacker
// is most of all there is.
constexpr double kLeastRequests = 1000;
constexpr Nanos kLeastSpan = std::chrono::minutes{10};
// Shares fade over a day: an attack that begins now is no crowd until long after it was judged.
constexpr double kFadeSeconds = 86400;
// exp of this is where weights are drawn back to 1, far below what a double holds.
constexpr double kWeightsMost = 500;

}  // namespace

ClientWatch::ClientWatch(limiter::ClientTable& table, const CrowdTable& crowd)
    : table_(table),
      crowd_(crowd),
      profiles_(table.capacity(), table.fingerprint(ClientId{})),  // a word of the table's seed
      notes_(table.capacity() + 1) {}

void ClientWatch::use_huge_pages() {
  profiles_.use_huge_pages();
  notes_.use_huge_pages();
}

/// Instead of fading all sums with time, what is new weighs more: only ratios of sums matter.
double ClientWatch::begin_fold(Instant now) {
  folded_at_ = now;
  if (all_requests_ == 0) watched_from_ = now;
  const double age = in_seconds(now - weighed_from_) / kFadeSeconds;
  if (age < kWeightsMost) return std::exp(age);
  const double shrink = std::exp(-age);
  for (std::size_t i = 0; i < notes_.size(); ++i) notes_[i].weighted *= shrink;
  all_weighted_ *= shrink;
  weighed_from_ = now;
  return 1.0;
}

void ClientWatch::note(std::uint32_t seat, std::uint32_t slot, bool fresh, std::uint32_t requests,
                       double weight) {
  Note& note = notes_[seat];
  if (fresh) {
    note.weighted = 0;
    note.requests = 0;
  }
  const double came = static_cast<std::uint32_t>(requests - note.requests);  // mod 2^32
  note.requests = requests;
  note.weighted += weight * came;
  all_weighted_ += weight * came;
  all_requests_ += came;
  if (note.touched == 0) {
    note.touched = kTouched;
    touched_.push_back(slot);
  }
}

std::vector<ClientWatch::Touched> ClientWatch::take_touched() {
  constexpr std::size_t kFar = 32;
  constexpr std::size_t kNear = 16;
  std::vector<Touched> taken;
  taken.reserve(touched_.size());
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    if (i + kFar < touched_.size()) profiles_.prefetch_seat(touched_[i + kFar]);
    if (i + kNear < touched_.size())
      __builtin_prefetch(&notes_[profiles_.seat(touched_[i + kNear])], 1);
    const std::uint32_t slot = touched_[i];
    const std::uint32_t touched = std::exchange(notes_[profiles_.seat(slot)].touched, 0);
    taken.push_back({slot, (touched & kWithErrors) != 0, false});
  }
  touched_.clear();
  return taken;
}

traffic::ClientFeatures ClientWatch::features(std::uint32_t slot, Instant now) const {
  traffic::ClientFeatures features = profiles_.features(slot, now);
  features.tier = table_.tier(slot);
  return features;
}

void ClientWatch::set_trusted(const std::vector<Prefix>& trusted) {
  trusted_ = limiter::PrefixIndex(trusted);
}

std::string ClientWatch::share_reason(std::uint32_t slot) const {
  if (all_requests_ < kLeastRequests || folded_at_ - watched_from_ < kLeastSpan) return {};
  const double share = notes_[profiles_.seat(slot)].weighted / all_weighted_;
  if (share <= kCrowdShare) return {};
  return fmt::format("{:.0f} % of all traffic comes from this address", share * 100);
}

std::string ClientWatch::protected_reason(const ClientId& client, bool failing, Instant now) const {
  // Checks that name a user alone are counted here together: nobody's, and everybody's.
  if (client == ClientId{}) return "it stands for all requests that name no client";
  if (trusted_.find(client, [](std::size_t) { return true; })) return "it is a trusted proxy";
  // Whoever guesses passwords names a user a try, and is refused.
  const auto [asked, served] = crowd_.users(client, now);
  const double users = failing ? served : asked;
  if (users <= kCrowdUsers || (failing && served < asked / 2)) return {};
  return fmt::format("about {:.0f} users stand behind it", users);
}

}  // namespace tidelimit::engine
