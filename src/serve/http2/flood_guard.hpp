#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "serve/http2/allowance.hpp"

namespace tidelimit::serve {

/// What a client floods the server with, so that its connection ends with ENHANCE_YOUR_CALM.
enum class Flood : std::uint8_t {
  header_bytes,  ///< in one head: so many that not one is free
  large_heads,
  continuations,  ///< frames of one head: so many that not one is free
  resets,
  idle_frames,  ///< pings and their kind
};
inline constexpr std::size_t kFloods = 5;

/// As metrics name it.
[[nodiscard]] constexpr std::string_view to_string(Flood of) {
  constexpr std::array<std::string_view, kFloods> kNames{"header_bytes", "large_heads",
                                                         "continuations", "resets", "idle_frames"};
  return kNames[static_cast<std::size_t>(of)];
}

/// What one connection may bring that costs the server and ends no call.
class FloodGuard {
 public:
  // Free in each second.
  static constexpr std::int32_t kLargeHeads = 10;    ///< answered as too large
  static constexpr std::int32_t kResets = 100;       ///< of streams, beside one per call answered
  static constexpr std::int32_t kIdleFrames = 1000;  ///< pings etc., beside four per call answered

  /// False: that was one too many.
  bool spend(Flood of) { return allowance(of).spend(); }
  /// A call's answer begins: it may last.
  void answer_begins() {
    allowance(Flood::resets).earn(1);
    allowance(Flood::idle_frames).earn(4);
  }
  /// Once a second.
  void refill() {
    for (Allowance& one : allowances_) one.refill();
  }

 private:
  Allowance& allowance(Flood of) { return allowances_[static_cast<std::size_t>(of)]; }

  std::array<Allowance, kFloods> allowances_{Allowance{0, 0}, Allowance{kLargeHeads, 100},
                                             Allowance{0, 0}, Allowance{kResets, 4000},
                                             Allowance{kIdleFrames, 16'000}};
};

}  // namespace tidelimit::serve
