#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace tidelimit::serve {

/// One thread that runs tasks in order, so that loops never wait for what may wait. The queue is
/// bounded: a lane that hangs refuses work instead of hoarding it. Thread-safe.
class Lane {
 public:
  /// `nice` as in nice(2): greater for one that is to wait where CPUs are short.
  Lane(std::string name, std::size_t most, int nice = 0);
  ~Lane();  ///< as stop()
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  /// False when the queue is full or the lane has stopped. A task must not throw.
  [[nodiscard]] bool post(std::function<void()> task);
  /// Finishes what is queued. False: it did not within `patience`, and its thread was let go; then
  /// the process must end without destroying what tasks refer to.
  [[nodiscard]] bool stop(std::chrono::milliseconds patience);

 private:
  void run(int nice);

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;  ///< guarded by mutex_
  bool stopping_ = false;                    ///< guarded by mutex_
  bool done_ = false;                        ///< guarded by mutex_
  std::thread thread_;
};

}  // namespace tidelimit::serve
