#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "cli/suggest/peak_book.hpp"
#include "limiter/gcra.hpp"

namespace tidelimit::cli {

/// What a limit refused of one principal at one endpoint.
struct Refusals {
  Peak peak;
  std::map<std::uint8_t, std::uint64_t> by_tier;  ///< requests, by the tier they came in
};

/// Plays requests against limits as a gate does: GCRA, with one bucket for a principal at an
/// endpoint, and the limit of the tier that the request comes in. Only principals that could meet
/// one are followed. One thread.
class RefusalTrial {
 public:
  /// `per_minute`: [endpoint][tier], with a burst of as many; 0: no limit.
  RefusalTrial(const std::vector<std::uint64_t>& per_minute, std::size_t tiers);

  /// Follows the principal at that endpoint if a limit is low enough to refuse it anything.
  void watch(const Peak& peak);
  /// Requests out of order count at the latest time seen.
  void add(std::uint64_t principal, std::uint16_t endpoint, std::uint8_t tier, WallTime time);

  [[nodiscard]] bool watches_any() const { return !watched_.empty(); }
  /// Of those who were refused anything.
  [[nodiscard]] std::vector<Refusals> refusals() const;

 private:
  struct Watched {
    Refusals found;
    limiter::Tat tat{0};
  };
  [[nodiscard]] const limiter::Limit& limit(std::size_t endpoint, std::size_t tier) const {
    return limits_[endpoint * tiers_ + tier];
  }

  std::vector<limiter::Limit> limits_;
  std::size_t tiers_;
  std::unordered_map<std::uint64_t, Watched> watched_;  // by place_of()
  WallTime first_{};
  Instant now_{};
  bool begun_ = false;
};

}  // namespace tidelimit::cli
