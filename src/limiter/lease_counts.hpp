#pragma once

#include <cstdint>

namespace tidelimit::limiter {

/// How many leases one principal holds at one endpoint, by the generation in which each was taken;
/// one word, changed as a whole. A generation is a third of the endpoint's timeout; the newest four
/// are kept, so a lease that is not released counts for at least the timeout and at most 4/3 of it.
/// Pure.
///   bits 62..40  the newest generation, mod 2^23
///   bits 39..0   four counts of 10 bits, the newest lowest
class LeaseCounts {
 public:
  static constexpr std::uint32_t kMost = 1023;  ///< leases of one generation
  /// A clock that reads so many generations less than another's is taken for the other; one that
  /// is further behind would pass for one that is far ahead.
  static constexpr std::uint64_t kBehind = 1024;

  explicit constexpr LeaseCounts(std::uint64_t word = 0) noexcept : word_(word) {}
  [[nodiscard]] constexpr std::uint64_t word() const noexcept { return word_; }

  /// Forgets what is over by this generation, which becomes the newest.
  constexpr void advance(std::uint64_t generation) noexcept {
    const std::uint64_t ahead = (generation - newest()) & kGenerations;
    if (counts() != 0 && (ahead == 0 || ahead > kGenerations - kBehind)) return;
    const std::uint64_t kept = ahead < kKept ? counts() << (ahead * kBits) & kCounts : 0;
    word_ = (generation & kGenerations) << kShift | kept;
  }

  [[nodiscard]] constexpr std::uint32_t sum() const noexcept {
    return count(0) + count(1) + count(2) + count(3);
  }

  /// One more in the newest generation. False: it holds kMost.
  [[nodiscard]] constexpr bool add() noexcept {
    if (count(0) == kMost) return false;
    ++word_;
    return true;
  }

  /// One less, taken in this generation: a neighbouring one serves too, the older first, since
  /// whoever names the time may be off a little. False: there is none; it was released, or is over.
  [[nodiscard]] constexpr bool take(std::uint64_t generation) noexcept {
    std::uint64_t age = (newest() - generation) & kGenerations;
    if (age > kGenerations - kBehind) age = 0;  // by a clock a little ahead
    if (age >= kKept) return false;             // over, whatever else there is
    return take_aged(age) || take_aged(age + 1) || (age > 0 && take_aged(age - 1));
  }
  /// One less, of the oldest that there is: the strict choice where nobody knows which, as those
  /// that stay end no earlier than they should.
  [[nodiscard]] constexpr bool take_oldest() noexcept {
    return take_aged(3) || take_aged(2) || take_aged(1) || take_aged(0);
  }

 private:
  static constexpr unsigned kKept = 4;
  static constexpr unsigned kBits = 10;
  static constexpr unsigned kShift = kKept * kBits;
  static constexpr std::uint64_t kCounts = (std::uint64_t{1} << kShift) - 1;
  static constexpr std::uint64_t kGenerations = (std::uint64_t{1} << 23) - 1;

  [[nodiscard]] constexpr std::uint64_t newest() const noexcept { return word_ >> kShift; }
  [[nodiscard]] constexpr std::uint64_t counts() const noexcept { return word_ & kCounts; }
  [[nodiscard]] constexpr std::uint32_t count(std::uint64_t age) const noexcept {
    return static_cast<std::uint32_t>(word_ >> (age * kBits)) & kMost;
  }
  [[nodiscard]] constexpr bool take_aged(std::uint64_t age) noexcept {
    if (age >= kKept || count(age) == 0) return false;
    word_ -= std::uint64_t{1} << (age * kBits);
    return true;
  }

  std::uint64_t word_;
};

}  // namespace tidelimit::limiter
