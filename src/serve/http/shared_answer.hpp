#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "serve/http/handler.hpp"

namespace tidelimit::serve {

/// An answer that is the same for all who ask at one time: made once for those that wait when its
/// making begins, so that a flood of calls costs one at a time and keeps no other out of the lane.
/// What it says is never older than the asking. Thread-safe.
class SharedAnswer {
 public:
  /// True: nobody else waits, so that the caller is to have `make` run.
  [[nodiscard]] bool join(Reply reply) {
    std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(reply));
    return waiting_.size() == 1;
  }

  void make(const std::function<Response()>& work) {
    std::vector<Reply> waiting;
    {
      std::lock_guard lock(mutex_);
      waiting.swap(waiting_);
    }
    Response made = work();
    made.shared_body = std::make_shared<const std::string>(std::move(made.body));
    made.body.clear();
    for (const Reply& reply : waiting) reply(made);
  }

 private:
  std::mutex mutex_;
  std::vector<Reply> waiting_;  ///< guarded by mutex_
};

}  // namespace tidelimit::serve
