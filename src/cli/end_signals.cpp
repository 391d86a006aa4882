#include "cli/end_signals.hpp"

#include <cstdlib>
#include <utility>

namespace tidelimit::cli {
namespace {

/// Says to the thread that waits for signals that it is to wait no more.
int wake_signal() {
  return SIGRTMIN;
}

bool is_ignored(int signal) {
  struct sigaction now {};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

sigset_t with_wake_signal(sigset_t signals) {
  sigaddset(&signals, wake_signal());
  return signals;
}

sigset_t block_end_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
  if (!is_ignored(SIGHUP)) sigaddset(&signals, SIGHUP);
  const sigset_t blocked = with_wake_signal(signals);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  return signals;
}

}  // namespace

EndSignals::EndSignals(std::function<void()> clear)
    : clear_(std::move(clear)), signals_(block_end_signals()), thread_([this] { end_at_once(); }) {}

EndSignals::~EndSignals() {
  begin_serving();
}

void EndSignals::begin_serving() {
  if (!thread_.joinable()) return;
  pthread_kill(thread_.native_handle(), wake_signal());
  thread_.join();
}

int EndSignals::take(std::chrono::nanoseconds patience) const {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(patience);
  const timespec nap{.tv_sec = seconds.count(), .tv_nsec = (patience - seconds).count()};
  const int signal = sigtimedwait(&signals_, nullptr, &nap);
  return signal > 0 ? signal : 0;
}

void EndSignals::end_by(int signal) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  std::signal(signal, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
  std::raise(signal);
  std::abort();
}

void EndSignals::end_at_once() {
  const sigset_t awaited = with_wake_signal(signals_);
  while (true) {
    const int signal = sigwaitinfo(&awaited, nullptr);
    if (signal == wake_signal()) return;
    if (signal < 0) continue;  // interrupted
    clear_();
    end_by(signal);
  }
}

}  // namespace tidelimit::cli
