#pragma once

#include <cstdint>

#include "limiter/zeroed_array.hpp"

namespace tidelimit::traffic {

/// Gives the slots of a sparse table places side by side, in order of first use: what is kept for
/// few clients then takes few pages. A slot keeps its place for ever. One thread.
class Seats {
 public:
  static constexpr std::uint32_t kNone = 0;

  explicit Seats(std::size_t slots) : seats_(slots) {}
  [[nodiscard]] static std::size_t most_bytes(std::size_t slots) noexcept {
    return slots * sizeof(std::uint32_t);
  }

  /// 1 to the number of slots; kNone for a slot that has no place, or beyond the table.
  [[nodiscard]] std::uint32_t of(std::uint32_t slot) const noexcept {
    return slot < seats_.size() ? seats_[slot] : kNone;
  }
  /// So many have a place.
  [[nodiscard]] std::uint32_t taken() const noexcept { return taken_; }
  void prefetch(std::uint32_t slot) const noexcept {
    if (slot < seats_.size()) __builtin_prefetch(&seats_[slot], 1);
  }
  void use_huge_pages() noexcept { seats_.use_huge_pages(); }

  /// The same as `of`, but gives a slot of the table its place.
  [[nodiscard]] std::uint32_t take(std::uint32_t slot) noexcept {
    if (slot >= seats_.size()) return kNone;
    std::uint32_t& seat = seats_[slot];
    if (seat == kNone) seat = ++taken_;
    return seat;
  }

 private:
  limiter::ZeroedArray<std::uint32_t> seats_;
  std::uint32_t taken_ = 0;
};

}  // namespace tidelimit::traffic
