#pragma once

#include <algorithm>
#include <utility>

#include "engine/engine.hpp"

namespace tidelimit::engine {

/// Turns an engine's control plane in the time of a log: whenever it has something to do on the way
/// from one request to the next. One thread.
class VirtualTime {
 public:
  explicit VirtualTime(Engine& engine) : engine_(engine) {}

  [[nodiscard]] bool begun() const { return begun_; }
  [[nodiscard]] const Now& now() const { return now_; }

  /// Goes on to `time`, which is later than now(); the first call begins the monotonic scale there.
  /// void on_tick() after each turn.
  template <class OnTick>
  void advance(WallTime time, OnTick&& on_tick) {
    if (!begun_) {
      begun_ = true;
      start_ = time;
      tick(time, on_tick);  // publishes the first plan
      return;
    }
    if (std::exchange(due_is_old_, false)) due_ = engine_.next_due();
    while (due_ <= time) {
      tick(std::max(due_, now_.wall), on_tick);
      due_ = std::max(engine_.next_due(), now_.wall + Nanos{1});
      due_is_old_ = true;
    }
    set(time);
  }

  /// A turn at `time`, due or not.
  template <class OnTick>
  void tick(WallTime time, OnTick&& on_tick) {
    set(time);
    engine_.tick(now_);
    on_tick();
  }

 private:
  void set(WallTime time) { now_ = {Instant{time - start_}, time}; }

  Engine& engine_;
  bool begun_ = false;
  WallTime start_{};  // of the monotonic scale
  Now now_{};
  WallTime due_{};          // no tick before it
  bool due_is_old_ = true;  // the first request after a tick may bring the next one nearer
};

}  // namespace tidelimit::engine
