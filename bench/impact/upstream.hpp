#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <vector>

#include "base/time.hpp"

namespace tidelimit::impact {

/// An upstream of finite capacity in virtual time: workers that serve one call each, and a bounded
/// queue before them, first come first served. It finishes what it has begun, whether or not
/// anybody still waits for the answer.
class Upstream {
 public:
  Upstream(int workers, std::size_t queue) : places_(queue) {
    for (int i = 0; i < workers; ++i) free_at_.push(Nanos{0});
  }

  /// A call at `now` (never earlier than the last one's) that needs `service`. When its answer
  /// comes; empty: the queue is full.
  [[nodiscard]] std::optional<Nanos> admit(Nanos now, Nanos service) {
    while (!waiting_.empty() && waiting_.front() <= now) waiting_.pop_front();
    const Nanos start = std::max(now, free_at_.top());
    if (start > now) {
      if (waiting_.size() == places_) return std::nullopt;
      waiting_.push_back(start);
    }
    free_at_.pop();
    free_at_.push(start + service);
    return start + service;
  }

  /// How many wait at `now`.
  [[nodiscard]] std::size_t waiting(Nanos now) const {
    return static_cast<std::size_t>(
        std::count_if(waiting_.begin(), waiting_.end(), [&](Nanos start) { return start > now; }));
  }

 private:
  std::size_t places_;
  std::priority_queue<Nanos, std::vector<Nanos>, std::greater<>> free_at_;  ///< one a worker
  std::deque<Nanos> waiting_;  ///< when each begins to be served, ascending
};

}  // namespace tidelimit::impact
