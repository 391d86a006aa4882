#include "anomaly/feature_sampler.hpp"

#include "anomaly/detector.hpp"

namespace tidelimit::anomaly {
namespace {

constexpr std::size_t kMostRows = 100'000;  // held in memory at once, at most
/// The k-th minute of a client is taken with probability kFairShare / k: its weight grows with the
/// logarithm of its minutes, so that no client, however loud, teaches the model alone.
constexpr double kFairShare = 8;

}  // namespace

FeatureSampler::FeatureSampler(const SamplerOptions& options)
    : options_(options), random_(options.seed) {}

void FeatureSampler::add(const traffic::Request& request) {
  replay_.add(request, [this](std::uint32_t slot, bool fresh, const ClientId& client,
                              WallTime end) { offer(slot, fresh, client, end); });
}

const std::vector<traffic::ClientFeatures>& FeatureSampler::rows() {
  replay_.finish([this](std::uint32_t slot, bool fresh, const ClientId& client, WallTime end) {
    offer(slot, fresh, client, end);
  });
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (failed_[stay_of_row_[i]]) continue;
    rows_[kept] = rows_[i];
    days_[kept] = days_[i];
    stay_of_row_[kept] = stay_of_row_[i];
    ++kept;
  }
  rows_aside_ += rows_.size() - kept;
  rows_.resize(kept);
  days_.resize(kept);
  stay_of_row_.resize(kept);
  return rows_;
}

void FeatureSampler::offer(std::uint32_t slot, bool fresh, const ClientId& client,
                           WallTime minute_end) {
  if (slot >= stays_.size()) {
    stays_.resize(slot + 1);
  }
  ++seen_;
  Stay& stay = stays_[slot];
  if (fresh || stay.minutes == 0) {
    stay = {static_cast<std::uint32_t>(failed_.size()), 0};
    failed_.push_back(false);
  }
  ++stay.minutes;
  if (failed_[stay.number]) {
    return;
  }
  const traffic::ClientFeatures features = replay_.features(slot);
  const auto known =
      options_.known_malicious ? options_.known_malicious(client) : std::optional<bool>();
  if (known.value_or(plainly_fails(features))) {
    failed_[stay.number] = true;
    return;
  }
  if (!random_.chance(kFairShare / stay.minutes)) {
    return;
  }
  if (!first_end_) first_end_ = minute_end;
  const auto day = static_cast<std::uint32_t>((minute_end - *first_end_) / std::chrono::hours{24});
  // Reservoir sampling (Vitter 1985, algorithm R).
  ++offered_;
  if (rows_.size() < kMostRows) {
    rows_.push_back(features);
    days_.push_back(day);
    stay_of_row_.push_back(stay.number);
    return;
  }
  const std::uint64_t at = random_.below(offered_);
  if (at < rows_.size()) {
    rows_[at] = features;
    days_[at] = day;
    stay_of_row_[at] = stay.number;
  }
}

}  // namespace tidelimit::anomaly
