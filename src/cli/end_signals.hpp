#pragma once

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <thread>

namespace tidelimit::cli {

/// SIGINT, SIGTERM and, but under nohup, SIGHUP of a closed terminal, in two acts. At first they
/// end the process at once, as they do one that handles none, after `clear` took away what is half
/// written; once it serves, they wait to be taken. Blocks them for every thread that starts later.
class EndSignals {
 public:
  /// `clear` runs on a thread of its own, while all others go on.
  explicit EndSignals(std::function<void()> clear);
  ~EndSignals();
  EndSignals(const EndSignals&) = delete;
  EndSignals& operator=(const EndSignals&) = delete;

  /// The second act.
  void begin_serving();
  /// The signal that came, or comes while it waits so long; else 0.
  [[nodiscard]] int take(std::chrono::nanoseconds patience) const;

  /// Ends the process as such a signal does that nobody handles: a shell says 128 + its number.
  [[noreturn]] static void end_by(int signal);

 private:
  void end_at_once();

  const std::function<void()> clear_;
  const sigset_t signals_;
  std::thread thread_;
};

}  // namespace tidelimit::cli
