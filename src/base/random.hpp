#pragma once

#include <array>
#include <cstdint>

namespace tidelimit {

/// xoshiro256++ (Blackman and Vigna 2019), seeded by splitmix64. Ours, so that equal seeds give
/// equal streams with every standard library. Not for secrets. One owner at a time.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  /// Uniform over all 64-bit words.
  [[nodiscard]] std::uint64_t next();
  /// Uniform in [0, n), without bias; n >= 1.
  [[nodiscard]] std::uint64_t below(std::uint64_t n);
  /// Uniform in [0, 1) with 53 bits.
  [[nodiscard]] double uniform();
  /// Standard normal (polar method).
  [[nodiscard]] double normal();
  /// Exponential with mean 1.
  [[nodiscard]] double exponential();
  /// Poisson with the given mean >= 0 (inversion below 10, PTRS of Hormann 1993 above).
  [[nodiscard]] std::uint64_t poisson(double mean);
  /// Gamma with the given shape > 0 and scale 1 (Marsaglia and Tsang 2000).
  [[nodiscard]] double gamma(double shape);
  /// True with probability p.
  [[nodiscard]] bool chance(double p) { return uniform() < p; }
  /// An independent stream for a named part, so that adding draws in one part moves no other.
  [[nodiscard]] Random fork(std::uint64_t stream) const;

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace tidelimit
