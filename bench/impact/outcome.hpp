#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "impact/traffic.hpp"
#include "limiter/decision.hpp"

namespace tidelimit::impact {

/// Counts of times, in steps of two per cent from a millisecond on; quantiles are as exact as that.
class Histogram {
 public:
  void add(double ms);
  void add(const Histogram& other);
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// `part` in [0, 1]; NaN where nothing was counted.
  [[nodiscard]] double quantile(double part) const;

 private:
  std::vector<std::uint32_t> bins_;
  std::uint64_t count_ = 0;
};

/// What became of one group's calls.
struct Group {
  std::uint64_t asked = 0;
  std::uint64_t denied = 0;                  ///< by a limit
  std::uint64_t refused = 0;                 ///< allowed, but the upstream's queue was full
  std::uint64_t answered = 0;                ///< by the upstream, at whatever time
  std::uint64_t in_time = 0;                 ///< of those, within the deadline
  Histogram latency;                         ///< of those answered
  std::array<std::uint64_t, 8> by_reason{};  ///< of those denied

  void add(const Group& other);
};

/// One moment of the day, for plots.
struct Bin {
  Group payment_prm, std_all, all;  ///< good customers
  double busy = 0;                  ///< share of the workers' time
  double limit = 0;                 ///< calls a second that all STD may make to /browse; 0: no end
  double per_minute = 0;  ///< calls a minute that one STD user may make to /browse; 0: no end
  double shed = 0;        ///< share of STD's /browse calls that is shed
  std::uint64_t attack_asked = 0, attack_passed = 0;
};
inline constexpr Nanos kBin = std::chrono::minutes{1};

/// What one arm made of one day.
struct Outcome {
  /// good[phase][offer][tier]
  std::array<std::array<std::array<Group, kTiers>, kOffers.size()>, kPhases> good;
  std::array<Group, kPhases> attack;
  std::vector<Bin> bins;
  std::vector<std::string> plan_changes;  ///< in words
  std::vector<std::string> troubles;      ///< what did not go as it should, in words

  /// Good customers' calls in a phase, over the offers and tiers wanted; kAll: all of them.
  static constexpr std::size_t kAll = ~std::size_t{0};
  [[nodiscard]] Group sum(Phase phase, std::size_t offer = kAll, std::size_t tier = kAll) const;
  /// Worker-seconds spent on good customers' calls that were answered in time.
  [[nodiscard]] double useful_work() const;
  [[nodiscard]] double useful_work(Phase phase) const;

  void add(const Outcome& other);
};

}  // namespace tidelimit::impact
