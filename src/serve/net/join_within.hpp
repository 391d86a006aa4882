#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

namespace tidelimit::serve {

/// Joins a thread that was told to end and sets `done` as its last act under the lock's mutex,
/// telling `changed`. False: it did not within `patience`, and was let go. Releases the lock. True
/// at once where there is no thread to wait for.
[[nodiscard]] inline bool join_within(std::chrono::milliseconds patience, std::thread& thread,
                                      std::unique_lock<std::mutex>& lock,
                                      std::condition_variable& changed, const bool& done) {
  if (!thread.joinable()) return true;
  const bool finished = changed.wait_for(lock, patience, [&done] { return done; });
  lock.unlock();
  if (finished) {
    thread.join();
  } else {
    thread.detach();
  }
  return finished;
}

}  // namespace tidelimit::serve
