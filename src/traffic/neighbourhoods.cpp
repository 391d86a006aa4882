#include "traffic/neighbourhoods.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "traffic/fading.hpp"

namespace tidelimit::traffic {
namespace {

// Attacks fail at 85 to 100 %, broken releases and clumsy customers less, and a handshake that
// begins with a 401 at half.
constexpr float kNearlyAll = 0.8F;
constexpr float kWholeClient = 3;  // responses
// A household's devices or a service's few monitors may all ask for what is gone.
constexpr float kLeastFailing = 8;

}  // namespace

bool Standing::nearly_only_fails() const {
  return responses > 0 && excess_errors >= kNearlyAll * responses;
}

float Standing::weight() const {
  return std::min(responses / kWholeClient, 1.0F);
}

void Neighbourhoods::Place::fade_to(Second now) {
  if (now <= updated) return;
  const float fade = hour_fade(static_cast<float>(now - updated));
  clients *= fade;
  failing *= fade;
  updated = now;
}

void Neighbourhoods::Place::add(const Standing& standing, float times) {
  const float weight = times * standing.weight();
  clients = std::max(0.0F, clients + weight);
  if (standing.nearly_only_fails()) failing = std::max(0.0F, failing + weight);
}

std::size_t Neighbourhoods::home(const ClientId& prefix) const noexcept {
  return hash_client(prefix, seed_) % (places_.size() - kProbes);
}

const Neighbourhoods::Place* Neighbourhoods::find(const ClientId& prefix) const noexcept {
  const std::size_t first = home(prefix);
  for (std::size_t i = first; i < first + kProbes; ++i)
    if (places_[i].prefix == prefix) return &places_[i];
  return nullptr;
}

Neighbourhoods::Place& Neighbourhoods::take(const ClientId& prefix) noexcept {
  const std::size_t first = home(prefix);
  Place* idlest = &places_[first];
  for (std::size_t i = first; i < first + kProbes; ++i) {
    Place& place = places_[i];
    if (place.prefix == prefix) return place;
    if (place.updated < idlest->updated) idlest = &place;  // a free one is idlest of all
  }
  *idlest = {};
  idlest->prefix = prefix;
  return *idlest;
}

void Neighbourhoods::note(const ClientId& client, const Standing& before, Second noted,
                          const Standing& after, Second now) {
  if (after.responses <= 0 || client.empty() || client.is_host_name()) return;
  Place& place = take(neighbourhood_of(client));
  place.fade_to(now);
  place.add(before, -hour_fade(static_cast<float>(now - noted)));
  place.add(after, 1);
}

std::optional<FailingNeighbourhood> Neighbourhoods::failing(const ClientId& client,
                                                            Second now) const {
  if (client.empty() || client.is_host_name()) return std::nullopt;
  const Place* found = find(neighbourhood_of(client));
  if (found == nullptr) return std::nullopt;
  Place place = *found;
  place.fade_to(now);
  if (place.failing < kLeastFailing || place.failing < kNearlyAll * place.clients)
    return std::nullopt;
  return FailingNeighbourhood{place.prefix, place.clients, place.failing};
}

}  // namespace tidelimit::traffic
