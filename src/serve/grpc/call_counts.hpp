#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "serve/grpc/service.hpp"

namespace tidelimit::serve::grpc {

/// How the calls of one method ended, on one loop: it alone counts, anyone reads at any time.
class CallCounts {
 public:
  void add(StatusCode code) noexcept {
    // One writer: a load and a store do, and cost no lock prefix.
    auto& count = counts_[static_cast<std::size_t>(code)];
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t read(StatusCode code) const noexcept {
    return counts_[static_cast<std::size_t>(code)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kStatusCodes> counts_{};
};

/// One cell of those counts, for the metrics. Names are those of services, never a client's words.
struct EndedCalls {
  std::string_view service;  ///< "none": calls of what there is no such of
  std::string_view method;
  StatusCode code = StatusCode::ok;
  std::uint64_t count = 0;
};

}  // namespace tidelimit::serve::grpc
