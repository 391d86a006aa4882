#include "cli/quickstart/end_signals.hpp"

#include <cstdlib>

#include "cli/gate_start.hpp"
#include "cli/quickstart/folder.hpp"

namespace tidelimit::cli::quickstart {
namespace {

constexpr std::chrono::milliseconds kNap{50};

/// nohup sets it to be ignored.
bool is_ignored(int signal) {
  struct sigaction now {};
  return ::sigaction(signal, nullptr, &now) == 0 && now.sa_handler == SIG_IGN;
}

}  // namespace

EndSignals::EndSignals(const Files& files)
    : files_(files),
      hangup_ends_(!is_ignored(SIGHUP)),
      signals_(block_signals()),
      thread_([this] { end_at_once(); }) {}

EndSignals::~EndSignals() {
  begin_serving();
}

void EndSignals::begin_serving() {
  serving_ = true;
  if (thread_.joinable()) thread_.join();
}

int EndSignals::take(std::chrono::nanoseconds patience) const {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(patience);
  const timespec nap{.tv_sec = seconds.count(), .tv_nsec = (patience - seconds).count()};
  const int signal = sigtimedwait(&signals_, nullptr, &nap);
  const bool ends = signal == SIGINT || signal == SIGTERM || (signal == SIGHUP && hangup_ends_);
  return ends ? signal : 0;
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
  while (!serving_) {
    const int signal = take(kNap);
    if (signal == 0) continue;
    remove_half_written(files_);
    end_by(signal);
  }
}

}  // namespace tidelimit::cli::quickstart
