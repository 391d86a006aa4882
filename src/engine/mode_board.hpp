#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "limiter/limiter.hpp"
#include "policy/settings.hpp"

namespace tidelimit::engine {

/// The four mode switches: as configured, or as set by hand for a while. Thread-safe; never waits
/// for the control plane, so that the switch works while that hangs.
class ModeBoard {
 public:
  explicit ModeBoard(limiter::ModeSwitch& in_force) : switch_(in_force) {}

  /// The configured modes; those set by hand stay.
  void configure(const policy::PolicySettings& settings);
  [[nodiscard]] Result<void> set(std::string_view part, limiter::Mode mode,
                                 std::optional<WallTime> until);
  /// Ends what was set by hand for a time that is over; true when there was any.
  bool expire(WallTime now);
  [[nodiscard]] WallTime next_end() const;

  [[nodiscard]] std::vector<std::pair<std::string, limiter::Mode>> modes() const;
  [[nodiscard]] limiter::Mode mode(std::string_view part) const;

 private:
  struct Part {
    std::string_view name;
    limiter::Mode configured = limiter::Mode::enforce;
    std::optional<limiter::Mode> by_hand;
    std::optional<WallTime> until;  ///< of by_hand; empty: until it is set again

    [[nodiscard]] limiter::Mode in_force() const { return by_hand.value_or(configured); }
  };
  [[nodiscard]] std::atomic<limiter::Mode>& place_of(const Part& part) const;

  limiter::ModeSwitch& switch_;
  mutable std::mutex mutex_;  ///< held for a few instructions only
  std::array<Part, 4> parts_{Part{.name = "forecast", .by_hand = {}, .until = {}},
                             Part{.name = "anomaly", .by_hand = {}, .until = {}},
                             Part{.name = "rules", .by_hand = {}, .until = {}},
                             Part{.name = "all", .by_hand = {}, .until = {}}};
};

}  // namespace tidelimit::engine
