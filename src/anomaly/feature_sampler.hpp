#pragma once

#include <cstdint>
#include <vector>

#include "base/random.hpp"
#include "traffic/client_replay.hpp"

namespace tidelimit::anomaly {

struct SamplerOptions {
  std::size_t rows_max = 100'000;
  /// The k-th minute of a client is taken with probability fair_share / k: its weight grows with
  /// the logarithm of its minutes, so that no client, however loud, teaches the model alone.
  double fair_share = 8;
  std::uint64_t seed = 1;
  traffic::ClientReplayOptions replay;
};

/// Draws training rows from a log: features per client and minute, a bounded, deterministic sample
/// in which a client's weight is limited.
class FeatureSampler {
 public:
  explicit FeatureSampler(const SamplerOptions& options = {});

  void add(const traffic::Request& request);

  /// The rows drawn so far; ends the running minute, so call it after the last request.
  [[nodiscard]] const std::vector<traffic::ClientFeatures>& rows();

  /// Client-minutes seen, drawn or not.
  [[nodiscard]] std::uint64_t client_minutes() const { return seen_; }

 private:
  void offer(std::uint32_t slot, bool fresh);

  SamplerOptions options_;
  traffic::ClientReplay replay_;
  Random random_;
  std::vector<std::uint32_t> minutes_of_slot_;
  std::vector<traffic::ClientFeatures> rows_;
  std::uint64_t seen_ = 0;
  std::uint64_t offered_ = 0;
};

}  // namespace tidelimit::anomaly
