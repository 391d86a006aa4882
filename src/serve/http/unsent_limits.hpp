#pragma once

#include <chrono>
#include <cstddef>

#include "base/time.hpp"
#include "serve/http/byte_budget.hpp"

namespace tidelimit::serve {

/// Bounds on what clients leave unread of their answers.
struct UnsentLimits {
  std::size_t bytes = 1 << 20;  ///< of one client
  /// Of one that is counted per address.
  static constexpr std::size_t kUntrusted = 64 << 10;
  /// For a client to read all that could not be sent yet, or so much of it.
  Nanos timeout{std::chrono::seconds{30}};
  static constexpr std::size_t kStep = 64 << 10;
  /// Where that of callers counts that are not exempt; null: nowhere.
  ByteBudget* budget = nullptr;

  [[nodiscard]] std::size_t bytes_of(bool exempt) const {
    return exempt || bytes < kUntrusted ? bytes : kUntrusted;
  }
};

}  // namespace tidelimit::serve
