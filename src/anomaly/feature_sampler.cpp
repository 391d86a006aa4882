#include "anomaly/feature_sampler.hpp"

namespace tidelimit::anomaly {

FeatureSampler::FeatureSampler(const SamplerOptions& options)
    : options_(options), replay_(options.replay), random_(options.seed) {}

void FeatureSampler::add(const traffic::Request& request) {
  replay_.add(request, [this](std::uint32_t slot, bool fresh, const ClientId&, WallTime) {
    offer(slot, fresh);
  });
}

const std::vector<traffic::ClientFeatures>& FeatureSampler::rows() {
  replay_.finish(
      [this](std::uint32_t slot, bool fresh, const ClientId&, WallTime) { offer(slot, fresh); });
  return rows_;
}

void FeatureSampler::offer(std::uint32_t slot, bool fresh) {
  if (slot >= minutes_of_slot_.size()) {
    minutes_of_slot_.resize(slot + 1, 0);
  }
  ++seen_;
  std::uint32_t& minutes = minutes_of_slot_[slot];
  minutes = fresh ? 1 : minutes + 1;
  if (!random_.chance(options_.fair_share / minutes)) {
    return;
  }
  // Reservoir sampling (Vitter 1985, algorithm R).
  ++offered_;
  if (rows_.size() < options_.rows_max) {
    rows_.push_back(replay_.profiles().features(slot, replay_.now()));
    return;
  }
  const std::uint64_t at = random_.below(offered_);
  if (at < rows_.size()) {
    rows_[at] = replay_.profiles().features(slot, replay_.now());
  }
}

}  // namespace tidelimit::anomaly
