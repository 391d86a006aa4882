#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace tidelimit {

/// xoshiro256++ (Blackman and Vigna 2019), seeded by splitmix64. Ours, so that equal seeds give
/// equal streams with every standard library. Not for secrets. One owner at a time.
class Random {
 public:
  explicit Random(std::uint64_t seed);

  /// Uniform over all 64-bit words.
  [[nodiscard]] std::uint64_t next() {
    const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const std::uint64_t t = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= t;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }
  /// Uniform in [0, n), without bias; n >= 1.
  [[nodiscard]] std::uint64_t below(std::uint64_t n) {
    // Multiply and reject the few low products that would favour some values (Lemire 2019).
    __extension__ using Wide = unsigned __int128;
    Wide product = static_cast<Wide>(next()) * n;
    if (static_cast<std::uint64_t>(product) < n) [[unlikely]] {
      const std::uint64_t unfair = (0 - n) % n;
      while (static_cast<std::uint64_t>(product) < unfair) product = static_cast<Wide>(next()) * n;
    }
    return static_cast<std::uint64_t>(product >> 64);
  }
  /// Uniform in [0, 1) with 53 bits.
  [[nodiscard]] double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Standard normal (polar method).
  [[nodiscard]] double normal();
  /// Exponential with mean 1.
  [[nodiscard]] double exponential();
  /// Poisson with the given mean >= 0 (inversion below 10, PTRS of Hormann 1993 above).
  [[nodiscard]] std::uint64_t poisson(double mean);
  /// True with probability p.
  [[nodiscard]] bool chance(double p) { return uniform() < p; }
  /// An independent stream for a named part, so that adding draws in one part moves no other.
  [[nodiscard]] Random fork(std::uint64_t stream) const;

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace tidelimit
