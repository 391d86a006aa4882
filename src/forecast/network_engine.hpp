#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "forecast/network.hpp"

namespace tidelimit::forecast {

/// Runs and differentiates a network on oneDNN for a fixed number of rows. One thread at a time;
/// oneDNN is held to the calling thread, so that results do not depend on the machine's cores.
/// Sequences are [T, N, F] (step-major), outputs [N, O].
class NetworkEngine {
 public:
  enum class Use : std::uint8_t { inference, training };

  NetworkEngine(const NetworkShape& shape, std::size_t rows, Use use);
  ~NetworkEngine();
  NetworkEngine(NetworkEngine&&) noexcept;
  NetworkEngine& operator=(NetworkEngine&&) noexcept;

  /// Copies weights (repacked for the kernels); call again whenever they changed.
  void load(std::span<const float> weights);
  /// Takes in sequences [first, first + count), at most N; rows beyond count become zeros.
  void gather(std::size_t first, std::size_t count, const FillSequence& fill);
  /// Computes outputs [N, O] of what was gathered.
  std::span<const float> forward();
  /// After forward() in training use: overwrites `gradient` (weight_count() floats) with the sum
  /// over rows of d(loss)/d(weights), given d(loss)/d(outputs) [N, O].
  void backward(std::span<const float> d_outputs, std::span<float> gradient);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tidelimit::forecast
