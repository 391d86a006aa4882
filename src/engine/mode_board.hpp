#pragma once

#include <array>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "engine/ends.hpp"
#include "engine/status.hpp"
#include "limiter/limiter.hpp"
#include "policy/settings.hpp"

namespace tidelimit::engine {

/// The modes of all parts: as configured, or as set by hand for a while. Thread-safe; never waits
/// for the control plane, so that the four switches work while that hangs.
///   The first four parts are the data plane's switches: forecast, anomaly, rules, all. What is
///   taken back by them is so at once. What is raised for a share of the principals waits for
///   settle(): until a plan knows the share, a raised switch would hold for everyone.
class ModeBoard {
 public:
  /// `pace`: Settings::calendar_pace.
  ModeBoard(limiter::ModeSwitch& in_force, int pace);

  /// The configured modes. Those set by hand stay, but for parts that are gone.
  void configure(const policy::PolicySettings& settings, WallTime now);
  /// invalid_argument with the parts there are, when there is none of this name. `now` is the time
  /// by which its end was reckoned.
  [[nodiscard]] Result<void> set(ModeRecord order, Now now);
  /// What was set by hand before a restart and has not ended; as in configure(), but for parts that
  /// are gone.
  void restore(const std::vector<ModeRecord>& records, Now now);
  /// Ends what was set by hand for a time that is over. By the monotonic clock: no jump of the wall
  /// clock moves an end.
  void expire(Now now);
  /// After a jump of the wall clock: tells the ends by what it shows now.
  void restate(Now now);
  /// The earliest end, or Instant max.
  [[nodiscard]] Instant next_end() const;

  /// Something was set or has ended since the last applied_to().
  [[nodiscard]] bool changed() const;
  /// The configured settings with what was set by hand. A mode below the configured one is the
  /// switch's affair where there is one: rules keep their memory while it is thrown.
  [[nodiscard]] policy::PolicySettings applied_to(policy::PolicySettings settings);
  /// A plan and verdicts by the latest applied_to() are in force.
  void settle();

  /// Of the four switches.
  [[nodiscard]] SwitchModes modes() const;
  [[nodiscard]] std::vector<PartMode> parts() const;
  /// Set since the last call, for the history.
  [[nodiscard]] std::vector<ModeRecord> take_news();
  /// How many in all were not kept for it: they are in force, and no record tells of them.
  [[nodiscard]] std::size_t news_lost() const;

 private:
  static constexpr std::size_t kSwitches = 4;

  [[nodiscard]] PartMode* find(std::string_view name);
  [[nodiscard]] std::string no_such(std::string_view name) const;
  void follow(std::size_t part);
  [[nodiscard]] policy::ModeFor in_force(const PartMode& rule, const policy::Condition& when) const;

  const std::array<std::atomic<limiter::Mode>*, kSwitches> switches_;
  mutable std::mutex mutex_;              ///< held for a few instructions only; guards all below
  std::vector<PartMode> parts_;           ///< rules last
  std::vector<policy::Condition> rules_;  ///< what they look at
  Ends ends_;                             ///< by part
  std::array<policy::ModeFor, kSwitches> planned_{};  ///< as applied_to() last gave them out
  std::vector<ModeRecord> news_;
  std::size_t news_lost_ = 0;
  bool changed_ = false;
};

}  // namespace tidelimit::engine
