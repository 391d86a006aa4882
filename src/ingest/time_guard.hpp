#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "ingest/read_report.hpp"
#include "traffic/kept_request.hpp"

namespace tidelimit::ingest {

/// Keeps a wrong clock out of a log: one line of the year 2099 (or 1970) would carry windows,
/// forecasts and a replay's time there. A request whose time lies far outside the span of those
/// before it is held until others say the same (a real gap), then let go in its turn; else it is
/// refused. Pure, deterministic; what it holds is bounded. One thread.
///
/// Far is more than kReach, or than the length of the span where that is longer: in a year's log a
/// gap of three weeks is nothing.
class TimeGuard {
 public:
  static constexpr Nanos kReach = std::chrono::hours{24 * 7};
  /// Held requests near one another that are believed, if they are more than all others meanwhile.
  static constexpr std::size_t kBelieved = 8;
  /// Requests in the span after which one that is still held is refused.
  static constexpr std::uint64_t kPatience = 1000;
  static constexpr std::size_t kHeldMost = 64;
  static constexpr std::size_t kHeldBytesMost = 4 * 1024 * 1024;
  /// At the end of all input two suffice that nothing contradicts, if they are no further away.
  static constexpr Nanos kNearEnough = std::chrono::hours{24 * 366};

  /// True: the request may go on. False: hold() it.
  [[nodiscard]] bool passes(WallTime time) {
    if (time >= first_ && time <= last_ && passed_ < look_at_) [[likely]] {
      ++passed_;
      return true;
    }
    return passes_outside(time);
  }

  /// `line` says where it stood, should it be refused.
  void hold(const traffic::Request& request, UnreadableLine line);

  /// Requests that are neither let go nor refused yet.
  [[nodiscard]] std::size_t held() const { return held_.size(); }

  /// No more input: every held request is let go or refused.
  void finish();
  /// Or all are let go, for another guard to judge.
  void free_all() {
    while (!held_.empty()) free(0);
  }

  /// The next of those let go, in their order; its views hold until the next call of anything here.
  [[nodiscard]] bool any_free() const { return !free_.empty(); }
  [[nodiscard]] const traffic::Request& take_free();
  /// Where that one stood.
  [[nodiscard]] const UnreadableLine& taken_line() const { return taken_->line; }
  /// Those refused since the last call.
  [[nodiscard]] bool any_refused() const { return !refused_.empty(); }
  [[nodiscard]] std::vector<UnreadableLine> take_refused() { return std::exchange(refused_, {}); }

 private:
  struct Held {
    traffic::KeptRequest request;
    UnreadableLine line;
    std::uint64_t order = 0;          ///< of all that were held
    std::uint64_t passed_before = 0;  ///< requests that had passed when it came
    [[nodiscard]] WallTime time() const { return request.request().time; }
  };

  bool passes_outside(WallTime time);
  [[nodiscard]] bool in_reach(WallTime time) const;
  void widen(WallTime time);
  void look();
  [[nodiscard]] bool believed(WallTime time) const;
  void make_room();
  void free_near();
  void free(std::size_t index);
  void refuse(std::size_t index);

  bool known_ = false;
  WallTime first_ = WallTime::max();  ///< the span of what passed; empty at first
  WallTime last_ = WallTime::min();
  std::uint64_t passed_ = 0;
  std::uint64_t held_ever_ = 0;
  std::uint64_t look_at_ = std::numeric_limits<std::uint64_t>::max();  ///< when one gets too old
  std::deque<Held> held_;
  std::size_t held_bytes_ = 0;
  std::deque<Held> free_;
  std::optional<Held> taken_;
  std::vector<UnreadableLine> refused_;
};

}  // namespace tidelimit::ingest
