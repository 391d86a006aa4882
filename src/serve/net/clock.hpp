#pragma once

#include <chrono>

#include "base/time.hpp"

namespace tidelimit::serve {

/// The process's clock: one start for every thread, so that all of them speak of the same Instant.
/// The monotonic reading comes from the kernel's monotonic clock and never follows the wall clock.
class Clock {
 public:
  Clock() : start_(std::chrono::steady_clock::now()) {}

  [[nodiscard]] Now now() const {
    return {mono(), std::chrono::time_point_cast<Nanos>(std::chrono::system_clock::now())};
  }
  [[nodiscard]] Instant mono() const { return {std::chrono::steady_clock::now() - start_}; }

 private:
  std::chrono::steady_clock::time_point start_;
};

}  // namespace tidelimit::serve
