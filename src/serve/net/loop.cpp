#include "serve/net/loop.hpp"

#include <algorithm>
#include <array>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace tidelimit::serve {
namespace {

constexpr std::size_t kEventsPerTurn = 256;
constexpr Nanos kHousekeepingEvery = std::chrono::seconds{1};

}  // namespace

Loop::Loop(const Clock& clock)
    : clock_(clock),
      now_(clock.now()),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!epoll_ || !wake_) throw std::system_error(errno, std::generic_category(), "event loop");
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};  // null: the wake-up
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) != 0)
    throw std::system_error(errno, std::generic_category(), "event loop");
}

Loop::~Loop() = default;

bool Loop::add(int fd, std::uint32_t events, Source& source) {
  epoll_event event{.events = events, .data = {.ptr = &source}};
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::change(int fd, std::uint32_t events, Source& source) {
  epoll_event event{.events = events, .data = {.ptr = &source}};
  (void)epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event);
}

void Loop::remove(int fd) {
  (void)epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Loop::forget(const Source& source) {
  std::erase(again_, &source);
  std::replace(ready_again_.begin(), ready_again_.end(), const_cast<Source*>(&source),
               static_cast<Source*>(nullptr));
}

void Loop::post(std::function<void()> task) {
  {
    std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  (void)!write(wake_.get(), &one, sizeof one);  // fails only when the counter is full: awake anyway
}

void Loop::stop() {
  post([this] { stopping_ = true; });
}

void Loop::run() {
  next_housekeeping_ = clock_.mono() + kHousekeepingEvery;
  while (!stopping_) wait();
}

void Loop::wait() {
  std::array<epoll_event, kEventsPerTurn> events;
  int timeout_ms = 0;
  if (again_.empty()) {
    const Nanos left = std::max(next_housekeeping_ - clock_.mono(), Nanos{0});
    timeout_ms = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
  }
  const int count = epoll_wait(epoll_.get(), events.data(), kEventsPerTurn, timeout_ms);
  now_ = clock_.now();
  ready_again_.clear();
  ready_again_.swap(again_);
  bool woken = false;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      woken = true;
    } else {
      static_cast<Source*>(event.data.ptr)->on_ready(event.events);
    }
  }
  for (std::size_t i = 0; i < ready_again_.size(); ++i) {
    if (ready_again_[i] != nullptr) ready_again_[i]->on_ready(EPOLLIN);
  }
  if (woken) run_posted();
  if (count > 0 || !ready_again_.empty()) {
    for (const auto& work : after_turn_) work();
  }
  keep_house();
}

void Loop::run_posted() {
  std::uint64_t wakes = 0;
  (void)!read(wake_.get(), &wakes, sizeof wakes);
  std::vector<std::function<void()>> tasks;
  {
    std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (const auto& task : tasks) task();
}

void Loop::keep_house() {
  if (now_.mono < next_housekeeping_) return;
  next_housekeeping_ = now_.mono + kHousekeepingEvery;
  for (const auto& work : housekeeping_) work();
}

}  // namespace tidelimit::serve
