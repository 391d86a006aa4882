#pragma once

#include <algorithm>
#include <cstdint>

namespace tidelimit::serve {

/// Bounds frames that cost the server and bring no call to an end: resets, pings, settings. Some
/// are free each second; every finished call earns more, so that a busy client with many timeouts
/// is told from one that does nothing else (CVE-2023-44487, CVE-2019-9512 and their kind).
class Allowance {
 public:
  /// `free` may be spent each second; what is earned is kept up to `most`.
  constexpr Allowance(std::int32_t free, std::int32_t most) : free_(free), most_(most) {}

  /// False when nothing is left.
  constexpr bool spend() { return left_ > 0 && left_-- > 0; }
  constexpr void earn(std::int32_t count) { left_ = std::min(left_ + count, most_); }
  /// Once a second.
  constexpr void refill() { left_ = std::max(left_, free_); }
  [[nodiscard]] constexpr std::int32_t left() const { return left_; }

 private:
  std::int32_t free_;
  std::int32_t most_;
  std::int32_t left_ = free_;
};

}  // namespace tidelimit::serve
