#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/random.hpp"
#include "ingest/synthetic/demand.hpp"

namespace tidelimit::synthetic {

/// What the laws say of one endpoint's window before noise.
struct KnownRate {
  double customers = 0;  ///< multiplied by the noise, then Poisson
  double steady = 0;     ///< Poisson without noise (search crawlers)
  double fixed = 0;      ///< exact (monitors, partner batches)
};

/// The best forecast that sees only the past: a bootstrap particle filter (Gordon, Salmond and
/// Smith 1993) over the noise of one endpoint. It knows every law of the generator and every past
/// count, not the noise. A surge is proposed more often than the law has it and weighted back, so
/// that a rare start is not missed. Deterministic for equal seeds. One owner at a time.
class CausalFilter {
 public:
  CausalFilter(const NoiseLaw& law, Random random);

  /// Median of the requests of the next kHorizon windows, given the counts learnt so far.
  [[nodiscard]] double forecast(const std::array<KnownRate, kHorizon>& next) const;

  /// Learns the count of the next window.
  void learn(const KnownRate& known, double requests);

 private:
  struct Particle {
    NoiseState state;
    double weight = 0;  ///< all add up to 1
  };

  void move();
  void weigh(const KnownRate& known, double requests);
  void resample();

  NoiseLaw law_;
  Random random_;
  std::vector<Particle> particles_;
  std::vector<Particle> next_;
  mutable std::vector<std::pair<double, double>>
      sums_;  ///< (requests, weight); scratch of forecast
};

}  // namespace tidelimit::synthetic
