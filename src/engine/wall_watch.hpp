#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "base/time.hpp"

namespace tidelimit::engine {

/// Judges the wall clock by the monotonic one, which nobody sets. Pure; one thread.
class WallWatch {
 public:
  /// `pace`: Settings::calendar_pace.
  explicit WallWatch(int pace) : pace_(pace) {}

  /// How far the wall clock jumped since the last call, forward if positive; 0: not, or by less
  /// than what a clock may be set by while it keeps time.
  Nanos pass(Now now);
  /// It stands where it would without jumps, or has gone on for a day since the last: it is
  /// believed.
  [[nodiscard]] bool settled() const { return off_ == Nanos{0}; }
  /// No later than what a clock without jumps shows: what is removed for its age goes by this.
  [[nodiscard]] WallTime trusted(WallTime now) const { return now - std::max(off_, Nanos{0}); }
  /// For an hour after a jump, for people; else empty.
  [[nodiscard]] std::string words(Instant now) const;

 private:
  int pace_;
  std::optional<Now> last_;
  Nanos off_{0};  ///< the sum of the jumps since it was last believed
  Now jumped_{};  ///< at the last of them
};

}  // namespace tidelimit::engine
