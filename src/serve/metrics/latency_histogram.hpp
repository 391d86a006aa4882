#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "base/time.hpp"

namespace tidelimit::serve {

/// How long decisions take, for one worker: it alone adds, anyone reads at any time. A reader may
/// see an observation in a bucket a moment before it is in the sum.
class LatencyHistogram {
 public:
  /// Upper bounds; one more bucket takes what is above the last.
  static constexpr std::array<Nanos::rep, 14> kBoundsNs{
      100,    250,     500,     1'000,     2'500,     5'000,      10'000,
      25'000, 100'000, 500'000, 1'000'000, 5'000'000, 25'000'000, 100'000'000};

  struct Counts {
    std::array<std::uint64_t, kBoundsNs.size() + 1> buckets{};  ///< each its own, not cumulative
    double sum_seconds = 0;

    Counts& operator+=(const Counts& other) {
      for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
      sum_seconds += other.sum_seconds;
      return *this;
    }
  };

  /// `count` decisions that took so long each.
  void add(Nanos took, std::uint64_t count) noexcept {
    std::size_t bucket = 0;
    while (bucket < kBoundsNs.size() && took.count() > kBoundsNs[bucket]) ++bucket;
    bump(buckets_[bucket], count);
    bump(sum_ns_, static_cast<std::uint64_t>(took.count()) * count);
  }

  [[nodiscard]] Counts read() const noexcept {
    Counts counts;
    for (std::size_t i = 0; i < buckets_.size(); ++i)
      counts.buckets[i] = buckets_[i].load(std::memory_order_relaxed);
    counts.sum_seconds = static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) * 1e-9;
    return counts;
  }

 private:
  /// One writer: a load and a store do, and cost no lock prefix.
  static void bump(std::atomic<std::uint64_t>& value, std::uint64_t by) noexcept {
    value.store(value.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  std::array<std::atomic<std::uint64_t>, kBoundsNs.size() + 1> buckets_{};
  std::atomic<std::uint64_t> sum_ns_{0};
};

}  // namespace tidelimit::serve
