#include "serve/net/lane.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <utility>

#include "serve/net/join_within.hpp"

namespace tidelimit::serve {

Lane::Lane(std::string name, std::size_t most, int nice) : most_(most) {
  thread_ = std::thread([this, nice] { run(nice); });
  (void)pthread_setname_np(thread_.native_handle(), name.substr(0, 15).c_str());
}

Lane::~Lane() {
  if (thread_.joinable()) (void)stop(std::chrono::hours{1});
}

bool Lane::post(std::function<void()> task) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || tasks_.size() >= most_) return false;
    tasks_.push_back(std::move(task));
  }
  changed_.notify_all();
  return true;
}

bool Lane::stop(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  return join_within(patience, thread_, lock, changed_, done_);
}

void Lane::run(int nice) {
  if (nice != 0) (void)setpriority(PRIO_PROCESS, 0, nice);  // on Linux, of this thread alone
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
    if (tasks_.empty()) break;
    std::function<void()> task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;  // what it holds may be long to let go of, or post in its turn
    lock.lock();
  }
  done_ = true;
  changed_.notify_all();
}

}  // namespace tidelimit::serve
