#include "traffic/client_replay.hpp"

#include <utility>

#include "base/hash.hpp"
#include "base/path.hpp"
#include "base/text.hpp"
#include "limiter/plan.hpp"

namespace tidelimit::traffic {

ClientReplay::ClientReplay(const ClientReplayOptions& options)
    : options_(options),
      table_(options.client_bytes, options.seed),
      profiles_(table_.capacity(), options.seed) {}

void ClientReplay::fold(WallTime end) {
  now_ = std::max(now_, instant_of(end - Nanos{1}));
  table_.collect([&](std::uint32_t slot, bool fresh, const ClientId& client,
                     const limiter::ClientCounters& counters) {
    const Arrivals arrivals = profiles_.update(slot, fresh, client, counters, now_);
    if (slot >= active_in_.size()) active_in_.resize(slot + 1);
    InStep& seen = active_in_[slot];
    if (std::exchange(seen.step, step_) != step_ || fresh) {
      active_.push_back({slot, fresh, client});
      seen.arrivals = {};
    }
    seen.arrivals |= arrivals;
  });
}

void ClientReplay::count(const Request& request) {
  limiter::ClientTable::Event event;
  event.client = request.client;
  event.path_hash = hash32(normalise_path(request.path, path_buffer_));
  event.agent_hash = hash32(request.user_agent);
  event.agent_classes = classes_of(event.agent_hash, request.user_agent);
  event.tier = number_of(request.tier);
  if (meets_limits(request)) table_.count_request(event, false, now_);
  const std::uint16_t status = answered_status(request);
  if (status != 0) table_.count_response(event, response_class(status), now_);
}

std::uint32_t ClientReplay::hash32(std::string_view text) const {
  return static_cast<std::uint32_t>(hash_bytes(text, options_.seed));
}

std::uint8_t ClientReplay::classes_of(std::uint32_t hash, std::string_view agent) {
  if (options_.agent_patterns.empty()) return 0;
  KnownAgent& known = known_agents_[hash % known_agents_.size()];
  if (known.filled && known.hash == hash) return known.classes;
  known = {hash, 0, true};
  for (std::size_t i = 0; i < options_.agent_patterns.size() && i < limiter::kAgentClasses; ++i) {
    if (glob_match(options_.agent_patterns[i], agent)) {
      known.classes = static_cast<std::uint8_t>(known.classes | (1U << i));
    }
  }
  return known.classes;
}

std::uint8_t ClientReplay::number_of(std::string_view tier) {
  constexpr std::size_t kNameMax = 64;
  if (tier.empty() || tier.size() > kNameMax) return 0;
  auto at = std::find(tiers_.begin(), tiers_.end(), tier);
  if (at == tiers_.end()) {
    if (tiers_.size() == limiter::kMaxTiers) return 0;
    at = tiers_.insert(at, std::string(tier));
  }
  return static_cast<std::uint8_t>(at - tiers_.begin() + 1);
}

}  // namespace tidelimit::traffic
