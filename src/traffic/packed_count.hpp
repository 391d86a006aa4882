#pragma once

#include <bit>
#include <cstdint>

namespace tidelimit::traffic {

/// A count in 16 bits: 12 of mantissa, 4 of exponent. Exact up to 4095, within 1/4096 up to
/// 134 million, and stuck there beyond.
class PackedCount {
 public:
  constexpr PackedCount() = default;

  static constexpr PackedCount of(std::uint32_t count) {
    const int spare = std::bit_width(count) - kMantissaBits;
    const auto exponent = static_cast<std::uint32_t>(spare > 0 ? spare : 0);
    if (exponent > kMaxExponent) {
      return PackedCount(0xffff);
    }
    return PackedCount(
        static_cast<std::uint16_t>((exponent << kMantissaBits) | (count >> exponent)));
  }

  [[nodiscard]] constexpr std::uint32_t value() const {
    return static_cast<std::uint32_t>(bits_ & 0x0fffu) << (bits_ >> kMantissaBits);
  }

 private:
  static constexpr int kMantissaBits = 12;
  static constexpr std::uint32_t kMaxExponent = 15;

  constexpr explicit PackedCount(std::uint16_t bits) : bits_(bits) {}
  std::uint16_t bits_ = 0;
};

}  // namespace tidelimit::traffic
