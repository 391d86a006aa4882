#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "limiter/decision.hpp"

namespace tidelimit::serve {

/// What calls met at one descriptor of a domain, since start.
struct RuleTally {
  std::string domain;
  std::string descriptor;
  bool watched = false;  ///< by its own shadow_mode
  std::array<std::uint64_t, limiter::kOutcomes> outcomes{};
  std::uint64_t near_limit = 0;
};

/// The counts behind it. Any thread adds, any reads; loops that add under numbers of their own
/// share no cache line.
class RuleCounts {
 public:
  void add(std::size_t loop, limiter::Outcome outcome, bool near_limit) noexcept;
  /// Adds to the tally.
  void read(RuleTally& tally) const noexcept;

 private:
  static constexpr std::size_t kStripes = 4;
  struct alignas(64) Stripe {
    std::array<std::atomic<std::uint64_t>, limiter::kOutcomes> outcomes{};
    std::atomic<std::uint64_t> near_limit{0};
  };
  std::array<Stripe, kStripes> stripes_;
};

}  // namespace tidelimit::serve
