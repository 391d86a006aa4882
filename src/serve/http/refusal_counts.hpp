#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace tidelimit::serve {

/// How often a front refused in HTTP's own words, on one loop: it alone counts, anyone reads at any
/// time.
class RefusalCounts {
 public:
  static constexpr std::array kStatuses{400, 405, 408, 413, 414, 415, 417, 431, 501, 503, 505};
  using Counts = std::array<std::uint64_t, kStatuses.size()>;

  void add(int status) noexcept {
    for (std::size_t i = 0; i < kStatuses.size(); ++i) {
      if (kStatuses[i] != status) continue;
      // One writer: a load and a store do, and cost no lock prefix.
      counts_[i].store(counts_[i].load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
  }
  void add_to(Counts& counts) const noexcept {
    for (std::size_t i = 0; i < kStatuses.size(); ++i)
      counts[i] += counts_[i].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kStatuses.size()> counts_{};
};

}  // namespace tidelimit::serve
